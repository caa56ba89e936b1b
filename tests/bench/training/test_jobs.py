"""How trainings are prepared, judged while they run, and shared out over processes. No process is started here."""

from __future__ import annotations

import math
import os
import queue
import signal
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import variants.trainer
from bench.masks.registry import draw
from bench.profiles.profile import load_profile
from bench.training import train
from bench.training.batches import Batches
from bench.training.train import (
    Job,
    at_a_time,
    places_of,
    plan_of,
    prepare_cpu,
    run_job,
    start_fork_server,
    stop_on_interrupt,
    train_all,
    training_data,
    validation_data,
    why_diverged,
    work_of,
    worker,
)
from bench.util.errors import BenchError
from variants.atomic import CannotWrite
from variants.errors import Diverged
from variants.method import Network
from variants.registry import variant
from variants.resume import Every
from variants.session import Plan


@pytest.fixture(autouse=True)
def heard():
    """Ctrl-C is heard, though what a shell runs in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def profile(**changes):
    return load_profile("tiny", {"width": 4, "batch": 16, **changes})


def job(name: str = "baseline", seed: int = 0, steps: int = 10, device: str = "cpu", **changes) -> Job:
    nowhere = Path("nowhere")
    given = {"folder": nowhere, "pool": nowhere, "validation": nowhere, "profile": profile()}
    return Job(name=name, seed=seed, steps=steps, device=device, **{**given, **changes})


@pytest.fixture
def opened(monkeypatch):
    calls = []
    monkeypatch.setattr(train, "open_dataset", lambda *given: calls.append(given))
    return calls


def test_what_is_trained_on_is_the_training_split_with_the_profiles_counts(opened):
    training_data(profile(train_data="scenes,photos", train_count="40,8"))
    assert opened == [("scenes", "train", 32, 40), ("photos", "train", 32, 8)]


@pytest.mark.parametrize(("data", "share"), [("scenes", 32), ("scenes,photos", 16), (",".join(["scenes"] * 40), 1)])
def test_settings_are_judged_by_32_pictures_of_the_validation_split(opened, data, share):
    validation_data(profile(train_data=data))
    assert set(opened) == {(name, "validation", 32, share) for name in data.split(",")}


def test_work_is_steps_times_weights():
    weights = sum(p.numel() for p in variant.get("double_dg")().network(4).parameters())
    assert work_of(job("double_dg", steps=10)) == 10 * weights
    assert work_of(job("double_dg", steps=30)) == 30 * weights


def test_a_plan_is_the_profiles(monkeypatch):
    monkeypatch.setattr("variants.session.best_precision", lambda device: f"best of {device}")
    given = plan_of("baseline", 2, 40, profile(), "cpu", 100)
    # 100 pictures are 6 whole batches of 16.
    assert given == Plan("baseline", 2, 4, 40, 16, "cpu", "best of cpu", 6, False, 1)
    assert plan_of("baseline", 2, 40, profile(precision="bf16"), "cpu", 100).precision == "bf16"
    assert plan_of("baseline", 2, 40, profile(), "cpu", 3).steps_per_epoch == 1
    assert plan_of("baseline", 2, 40, profile(threads=3), "cpu", 100).threads == 3


def test_threads_of_a_training_are_the_profiles_whatever_runs_beside_it(monkeypatch):
    # Four cores: as many trainings as their threads leave room for, or as --set workers says; never other threads.
    monkeypatch.setattr(train, "cores", lambda: 4)
    assert [at_a_time(profile(threads=threads)) for threads in (1, 2, 3, 8)] == [4, 2, 1, 1]
    assert at_a_time(profile(workers=3)) == 3
    for changes in ({}, {"workers": 1}, {"workers": 2}, {"variants": "baseline"}):
        assert plan_of("baseline", 0, 40, profile(**changes), "cpu", 100).threads == 1


@pytest.mark.parametrize(
    ("device", "steps", "compiled"),
    [("cuda", 5000, True), ("cuda:1", 9000, True), ("cuda", 4999, False), ("cpu", 9000, False)],
)
def test_long_trainings_on_a_gpu_are_compiled(device, steps, compiled):
    assert plan_of("baseline", 0, steps, profile(precision="bf16"), device, 100).compile == compiled


def test_a_cpu_that_trains_takes_its_threads_and_has_no_denormals():
    before = torch.get_num_threads()
    if not torch.set_flush_denormal(True):
        pytest.skip("this CPU cannot flush denormals")
    torch.set_flush_denormal(False)
    tiny = torch.full((8,), 1e-30)
    try:
        assert (tiny * 1e-10).max() > 0
        prepare_cpu(before + 1)
        assert torch.get_num_threads() == before + 1
        assert (tiny * 1e-10).max() == 0
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(before)


class Grey(nn.Module):
    """The ImageNet mean, which is 0 in normalised space."""

    def forward(self, x: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(x)


class Exact(nn.Module):
    """The one colour of all pictures."""

    def forward(self, x: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        return x.amax(dim=(2, 3), keepdim=True).expand_as(x)


@pytest.fixture
def started(tmp_path, monkeypatch):
    """What run_job gave the trainer for double_dg@5 on 9 noisy pictures, judged by 4."""
    found = SimpleNamespace()

    def stand_in(entry, plan, source, folder, *, validate, report, stopping, every, tell) -> bool:
        found.__dict__.update(entry=entry, plan=plan, source=source, folder=folder, validate=validate)
        found.__dict__.update(report=report, stopping=stopping, every=every, tell=tell)
        return "the trainer's answer"

    monkeypatch.setattr(variants.trainer, "train", stand_in)
    monkeypatch.setattr(train, "prepare_cpu", lambda threads: found.__dict__.update(threads=threads))
    rng = np.random.default_rng(0)
    found.pool = rng.integers(0, 256, (9, 32, 32, 3), dtype=np.uint8)
    found.pictures = rng.integers(200, 256, (4, 32, 32, 3), dtype=np.uint8)
    np.save(tmp_path / "pool.npy", found.pool)
    np.save(tmp_path / "validation.npy", found.pictures)
    files = {"folder": tmp_path / "out", "pool": tmp_path / "pool.npy", "validation": tmp_path / "validation.npy"}
    found.given = "a report", "a stop"
    found.job = job("double_dg", 5, 12, profile=profile(threads=3), every=Every(7.0), **files)
    found.answer = run_job(found.job, *found.given)
    return found


def test_a_job_is_handed_to_the_trainer_as_it_is(started):
    assert started.answer == "the trainer's answer"
    assert (type(started.entry).__name__, started.folder.name, started.threads) == ("DoubleDg", "out", 3)
    assert (started.report, started.stopping) == started.given
    assert (started.plan.name, started.plan.seed, started.plan.steps) == ("double_dg", 5, 12)
    assert (started.every, started.tell, started.plan.features) == (Every(7.0), train.say, "")
    assert started.plan.steps_per_epoch == 1, "9 pictures are less than a batch of 16"
    assert type(started.source) is Batches
    for given, expected in zip(
        started.source(2), Batches(started.pool, 16, 5, ("rect", "circle", "ellipse"))(2), strict=True
    ):
        np.testing.assert_array_equal(given, expected)


def test_features_that_are_handed_over_are_handed_in_and_named(started, monkeypatch):
    handed = []
    monkeypatch.setattr("variants.perceptual.hand_in", lambda give: handed.append(give()))
    features = SimpleNamespace(kind="vgg of the test")
    run_job(replace(started.job, features=features), None, None, print)
    assert handed == [features] and started.plan.features == "vgg of the test"
    assert started.tell is print


def test_a_process_of_several_takes_its_share_of_every_batch(started, monkeypatch):
    monkeypatch.setattr("variants.ranks.index", lambda: 1)
    monkeypatch.setattr("variants.ranks.size", lambda: 4)
    run_job(started.job, None, None)
    whole = Batches(started.pool, 16, 5, ("rect", "circle", "ellipse"))(2)
    for given, expected in zip(started.source(2), whole, strict=True):
        np.testing.assert_array_equal(given, expected[4:8])


def test_on_a_gpu_the_cpu_is_left_as_it_is(started, monkeypatch):
    monkeypatch.setattr("bench.training.resident.batches_for", lambda device, *given: device)
    monkeypatch.setattr(train, "prepare_cpu", lambda threads: pytest.fail("prepared"))
    run_job(replace(started.job, device="cuda:1", profile=profile(precision="bf16")), None, None)
    assert (started.source, started.plan.device, started.plan.threads) == ("cuda:1", "cuda:1", 1)


def test_validation_is_the_mean_psnr_of_the_holes(started):
    # double_dg fills the hole only, so errors elsewhere are nothing; this seed is one that no training draws from.
    holes = draw("rect", (32, 32), 7_000_002, range(4))
    grey = np.array((0.485, 0.456, 0.406))
    psnr = []
    for picture, hole in zip(started.pictures, holes, strict=True):
        error = np.mean((picture[hole] / 255 - grey) ** 2)
        psnr.append(10 * math.log10(1 / error))
    assert started.validate(Grey()) == pytest.approx(np.mean(psnr), abs=1e-4)
    assert np.ptp(psnr) > 0.01


def test_a_perfect_fill_is_worth_100_decibels(tmp_path, monkeypatch):
    found = []
    monkeypatch.setattr(variants.trainer, "train", lambda *given, validate, **options: found.append(validate))
    monkeypatch.setattr(train, "prepare_cpu", lambda threads: None)
    for name in ("pool", "validation"):
        np.save(tmp_path / f"{name}.npy", np.full((2, 32, 32, 3), 255, np.uint8))
    run_job(job(pool=tmp_path / "pool.npy", validation=tmp_path / "validation.npy"), None, None)
    assert found[0](Exact()) == pytest.approx(100)


class Messages(list):
    put = list.append


@pytest.fixture
def in_process(monkeypatch):
    """worker() changes its process for good: here it is put back."""
    # What a shell runs in the background ignores Ctrl-C already.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("complete", [True, False])
def test_a_worker_reports_and_says_how_it_ended(in_process, monkeypatch, complete):
    asked = []

    def run(given: Job, report, stopping, tell=None) -> bool:
        report("a step")
        asked.append((stopping(), signal.getsignal(signal.SIGINT), os.environ["OMP_NUM_THREADS"]))
        return complete

    monkeypatch.setattr(train, "run_job", run)
    messages = Messages()
    worker(job("telea", 4, profile=profile(threads=2)), messages, SimpleNamespace(is_set=lambda: True))
    assert messages == ["a step", ("ended", "telea", 4, complete, "")]
    assert asked == [(True, signal.SIG_IGN, "2")]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (FloatingPointError("baseline diverged"), "FloatingPointError: baseline diverged"),
        (IsADirectoryError(21, "Is a directory", "a/state.pt"), "a/state.pt cannot be used (Is a directory)"),
    ],
)
def test_a_worker_says_what_went_wrong(in_process, monkeypatch, error, told):
    def run(given: Job, report, stopping, tell=None) -> bool:
        assert not stopping()
        raise error

    monkeypatch.setattr(train, "run_job", run)
    messages = Messages()
    worker(job("baseline", 1), messages, SimpleNamespace(is_set=lambda: False))
    assert messages == [("ended", "baseline", 1, False, told)]


def test_a_worker_whose_training_came_to_nothing_tells_so_and_is_no_failure(in_process, monkeypatch):
    def run(given: Job, report, stopping, tell) -> bool:
        raise Diverged("baseline diverged")

    monkeypatch.setattr(train, "run_job", run)
    messages = Messages()
    worker(job("baseline", 1), messages, SimpleNamespace(is_set=lambda: False))
    assert messages == [("told", "baseline diverged"), ("ended", "baseline", 1, False, "")]


def test_a_training_that_came_to_nothing_leaves_a_note_of_it(tmp_path, monkeypatch):
    def diverging(*given, **options):
        raise Diverged("baseline fills every hole with one colour")

    monkeypatch.setattr(variants.trainer, "train", diverging)
    monkeypatch.setattr(train, "prepare_cpu", lambda threads: None)
    for name in ("pool", "validation"):
        np.save(tmp_path / f"{name}.npy", np.zeros((2, 32, 32, 3), np.uint8))
    files = {"folder": tmp_path / "out", "pool": tmp_path / "pool.npy", "validation": tmp_path / "validation.npy"}
    with pytest.raises(Diverged):
        run_job(job(**files), None, None)
    assert why_diverged(tmp_path / "out") == "baseline fills every hole with one colour"
    assert why_diverged(tmp_path) == ""
    monkeypatch.setattr("variants.ranks.index", lambda: 1)
    with pytest.raises(Diverged):
        run_job(job(**{**files, "folder": tmp_path / "second"}), None, None)
    assert not (tmp_path / "second").exists(), "the first of several processes writes"


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"why": "no"}', '{"why": "no", "again": true}'])
def test_a_note_that_is_damaged_says_nothing_and_holds_nobody_back(tmp_path, text):
    (tmp_path / train.DIVERGED).write_text(text)
    assert why_diverged(tmp_path) == ("no" if "no" in text else "")
    assert train.may_begin_again(tmp_path) is ("again" in text)


def test_a_worker_that_cannot_write_says_only_that(in_process, monkeypatch):
    def run(given: Job, report, stopping, tell) -> bool:
        raise CannotWrite("no space left")

    monkeypatch.setattr(train, "run_job", run)
    messages = Messages()
    worker(job("baseline", 1), messages, SimpleNamespace(is_set=lambda: False))
    assert messages == [("ended", "baseline", 1, False, "no space left")]


@pytest.mark.parametrize(
    ("device", "places"),
    [("cpu", ["cpu", "cpu"]), ("cuda", ["cuda:0", "cuda:1", "cuda:2"]), ("cuda:1", ["cuda:1"])],
)
def test_a_training_is_given_a_core_or_a_gpu_of_its_own(monkeypatch, device, places):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert places_of(device, 2) == places
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert places_of("cuda", 2) == ["cuda:0"]


def test_several_gpus_train_one_variant_each_and_a_free_one_gets_the_next(context, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    pretended = context()
    train_all([job("baseline", seed, 10 - seed, device="cuda") for seed in range(3)], 1, print)
    assert pretended.devices == ["cuda:0", "cuda:1", "cuda:0"]
    assert pretended.most == 2


def test_a_worker_stops_when_its_parent_is_gone(in_process, monkeypatch):
    asked = []
    monkeypatch.setattr(train, "run_job", lambda given, report, stopping, tell: asked.append(stopping()) or False)
    monkeypatch.setattr(train.multiprocessing, "parent_process", lambda: SimpleNamespace(is_alive=lambda: False))
    worker(job(), Messages(), SimpleNamespace(is_set=lambda: False))
    assert asked == [True]


class Pretended:
    """A multiprocessing context whose processes run when they are waited for, in the order in which they began."""

    def __init__(self, outcome) -> None:
        self.outcome = outcome
        self.begun: list[str] = []
        self.devices: list[str] = []
        self.most = 0
        self.waiting: list[Pretended.Process] = []
        self.stop = SimpleNamespace(set=lambda: setattr(self, "stopped", True), is_set=lambda: self.stopped)
        self.stopped = False

    def set_forkserver_preload(self, names: list[str]) -> None: ...

    def Event(self):  # noqa: N802
        return self.stop

    def Queue(self):  # noqa: N802
        return SimpleNamespace(get=self.get)

    def Process(self, target, args, daemon):  # noqa: N802
        assert target is worker and daemon
        given = args[0]
        outer = self

        class Process:
            exitcode = None
            key = (given.name, given.seed)

            def start(self) -> None:
                outer.begun.append(f"{given.name}@{given.seed}")
                outer.devices.append(given.device)
                outer.waiting.append(self)
                outer.most = max(outer.most, len(outer.waiting))

            def join(self) -> None: ...

        return Process()

    def get(self, timeout: float):
        process = self.waiting[0]
        result = self.outcome(*process.key)
        if isinstance(result, int):
            self.waiting.pop(0).exitcode = result
            raise queue.Empty
        if isinstance(result, BaseException):
            self.outcome = lambda name, seed: ("ended", name, seed, False, "")
            raise result
        if isinstance(result, tuple):
            self.waiting.pop(0).exitcode = 0
        return result


@pytest.fixture
def context(monkeypatch):
    def make(outcome=lambda name, seed: ("ended", name, seed, True, "")) -> Pretended:
        pretended = Pretended(outcome)
        monkeypatch.setattr(train.multiprocessing, "get_context", lambda method: pretended)
        monkeypatch.setattr(train, "start_fork_server", lambda: None)
        return pretended

    return make


def test_the_longest_trainings_begin_first_and_so_many_at_a_time(context):
    pretended = context()
    jobs = [job("baseline", 0, 10), job("baseline", 1, 40), job("gan_res_mask", 0, 20), job("baseline", 2, 5)]
    train_all(jobs, 2, print)
    # A residual network's middle makes its 20 steps longer than 40 of a plain one: ten convolutions more.
    assert pretended.begun == ["gan_res_mask@0", "baseline@1", "baseline@0", "baseline@2"]
    assert pretended.most == 2


def test_what_trainings_say_is_passed_on(context):
    said = iter(["a step", "another step"])
    context(lambda name, seed: next(said, ("ended", name, seed, True, "")))
    heard = []
    train_all([job()], 1, heard.append)
    assert heard == ["a step", "another step"]


def test_every_training_that_failed_is_named_and_the_others_go_on(context):
    endings = {
        ("baseline", 0): ("ended", "baseline", 0, False, "ValueError: no"),
        ("baseline", 1): ("ended", "baseline", 1, True, ""),
        ("baseline", 2): -9,
        ("baseline", 3): 1,
    }
    pretended = context(lambda *key: endings[key])
    words = (
        r"training failed for baseline@0: ValueError: no; baseline@2: its process was killed.*; baseline@3: .*code 1"
    )
    with pytest.raises(BenchError, match=words):
        train_all([job("baseline", seed, 10 - seed) for seed in range(4)], 1, print)
    assert pretended.begun == ["baseline@0", "baseline@1", "baseline@2", "baseline@3"]


class Unbuildable(Network):
    def network(self, width):
        raise ValueError("no width")


def test_a_plug_ins_training_that_fails_is_said_and_noted_and_ends_nothing(context, monkeypatch, tmp_path, capsys):
    source = SimpleNamespace(what="the plug-in mine.py")
    monkeypatch.setattr(variant, "_entries", {**variant._entries, "mine": Unbuildable})
    monkeypatch.setattr(variant, "plugin", lambda name: source if name == "mine" else None)
    endings = {
        ("mine", 0): ("ended", "mine", 0, False, "ValueError: no\n  width"),
        ("mine", 1): -9,
        ("baseline", 0): ("ended", "baseline", 0, True, ""),
    }
    pretended = context(lambda *key: endings[key])
    jobs = [job(name, seed, folder=tmp_path / f"{name}{seed}") for name, seed in endings]
    for each in jobs:
        each.folder.mkdir()
    train_all(jobs, 1, print)
    assert pretended.begun == ["baseline@0", "mine@0", "mine@1"]
    why = "the plug-in mine.py: training mine@0 failed: ValueError: no width"
    said = capsys.readouterr().err
    assert f"warning: {why}\n" in said and "training mine@1 failed: its process was killed" in said
    assert train.why_diverged(jobs[0].folder) == why
    # The next run begins it again: code that is wrong is mended, and memory freed.
    assert [train.may_begin_again(each.folder) for each in jobs] == [True, True, False]


def test_an_interruption_stops_the_running_begins_no_more_and_goes_on_upwards(context):
    pretended = context(lambda *key: KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        train_all([job("baseline", seed, 10 - seed) for seed in range(3)], 2, print)
    assert pretended.begun == ["baseline@0", "baseline@1"]
    assert pretended.stopped and not pretended.waiting


def test_a_process_that_begins_during_a_ctrl_c_is_waited_for(context):
    pretended = context(lambda *key: ("ended", *key, False, ""))
    begin = pretended.Process

    def process(**given):
        made = begin(**given)
        start = made.start
        made.start = lambda: (start(), signal.raise_signal(signal.SIGINT))
        return made

    pretended.Process = process
    with pytest.raises(KeyboardInterrupt):
        train_all([job("baseline", seed, 10 - seed) for seed in range(3)], 2, print)
    assert pretended.begun == ["baseline@0"]
    assert pretended.stopped and not pretended.waiting


def test_an_ignored_ctrl_c_stays_ignored_during_training():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with train.stop_on_interrupt() as stop:
            signal.raise_signal(signal.SIGINT)
            assert not stop["now"]
    finally:
        signal.signal(signal.SIGINT, before)


def test_without_jobs_nothing_is_begun(monkeypatch):
    monkeypatch.setattr(train.multiprocessing, "get_context", lambda method: pytest.fail("begun"))
    train_all([], 2, print)


def test_trainings_on_a_gpu_go_one_by_one_until_one_is_stopped(monkeypatch):
    ran = []

    def run(given: Job, report, stopping, tell=None) -> bool:
        ran.append(given.seed)
        if given.seed == 1:
            signal.raise_signal(signal.SIGINT)
        return not stopping()

    monkeypatch.setattr(train, "run_job", run)
    with pytest.raises(KeyboardInterrupt):
        train_all([job("baseline", seed, device="cuda") for seed in range(3)], 2, print)
    assert ran == [0, 1]
    train_all([job("baseline", seed, device="cuda") for seed in (0, 2)], 2, print)
    assert ran == [0, 1, 0, 2]


@pytest.mark.parametrize(
    ("error", "raised", "ran"),
    [
        (Diverged("came to nothing"), None, [0, 1, 2]),
        (CannotWrite("no space"), CannotWrite, [0, 1]),
        (ValueError("no"), ValueError, [0, 1]),
    ],
)
def test_on_one_gpu_a_training_that_comes_to_nothing_is_said_and_one_that_fails_is_the_end(
    monkeypatch, capsys, error, raised, ran
):
    begun, freed = [], []

    def run(given: Job, report, stopping) -> bool:
        begun.append(given.seed)
        if given.seed == 1:
            raise error
        return True

    monkeypatch.setattr(train, "run_job", run)
    monkeypatch.setattr("bench.throughput.memory.release", freed.append)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    jobs = [job("baseline", seed, device="cuda") for seed in range(3)]
    if raised is None:
        train_all(jobs, 2, print)
        assert capsys.readouterr().err == "warning: came to nothing\n"
        assert freed == ["cuda"] * 3
    else:
        with pytest.raises(raised):
            train_all(jobs, 2, print)
    assert begun == ran


def test_on_one_gpu_a_plug_ins_training_that_fails_ends_nothing(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(variant, "_entries", {**variant._entries, "mine": Unbuildable})
    monkeypatch.setattr(variant, "plugin", lambda name: SimpleNamespace(what="the plug-in mine.py"))
    monkeypatch.setattr(train, "run_job", lambda *given: 1 / 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    train_all([job("mine", device="cuda", folder=tmp_path)], 1, print)
    assert "training mine@0 failed: ZeroDivisionError" in capsys.readouterr().err
    assert train.may_begin_again(tmp_path)


def test_a_networks_weights_that_cannot_be_counted_are_told_only_of_ours(monkeypatch):
    monkeypatch.setattr(variant, "_entries", {**variant._entries, "mine": Unbuildable})
    with pytest.raises(ValueError):
        work_of(job("mine"))
    monkeypatch.setattr(variant, "plugin", lambda name: SimpleNamespace())
    assert work_of(job("mine")) == 0


def test_the_server_of_workers_begins_deaf_to_an_interruption_and_this_process_is_not(monkeypatch):
    heard = []
    monkeypatch.setattr(
        "multiprocessing.forkserver.ensure_running", lambda: heard.append(signal.getsignal(signal.SIGINT))
    )
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        start_fork_server()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIG_IGN]


def test_the_first_interruption_is_a_flag_and_the_second_an_interruption():
    before = signal.getsignal(signal.SIGINT)
    with stop_on_interrupt() as stop:
        assert not stop["now"]
        signal.raise_signal(signal.SIGINT)
        assert stop["now"]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("terminated", [True, False])
def test_where_ctrl_c_is_ignored_sigterm_stops_all_the_same(monkeypatch, terminated):
    monkeypatch.setattr(train.start, "terminated", terminated)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stop_on_interrupt() as stop:
            signal.raise_signal(signal.SIGINT)
            assert stop["now"] is terminated
    finally:
        signal.signal(signal.SIGINT, before)


def test_outside_of_the_main_thread_signals_are_left_alone():
    before, found = signal.getsignal(signal.SIGINT), []

    def elsewhere() -> None:
        with stop_on_interrupt() as stop:
            found.append((stop["now"], signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found == [(False, before)]


def test_a_plan_says_whether_weights_are_averaged():
    assert plan_of("baseline", 0, 40, profile(ema=0.99), "cpu", 100).ema == 0.99
    assert plan_of("baseline", 0, 5000, profile(threads=3, precision="bf16"), "cuda", 100).threads == 1
