"""How trainings are shared out over processes. No process is started here."""

from __future__ import annotations

import os
import queue
import signal
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import variants.trainer
from bench.training import schedule
from bench.training.schedule import (
    Job,
    places_of,
    run_job,
    start_fork_server,
    stop_on_interrupt,
    train_all,
    why_diverged,
    work_of,
    worker,
)
from bench.util.errors import BenchError
from tests.bench.training.jobs import job, profile
from variants.atomic import CannotWrite
from variants.errors import Diverged
from variants.method import Network
from variants.registry import variant


@pytest.fixture(autouse=True)
def heard():
    """Ctrl-C is heard, though what a shell runs in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


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

    monkeypatch.setattr(schedule, "run_job", run)
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

    monkeypatch.setattr(schedule, "run_job", run)
    messages = Messages()
    worker(job("baseline", 1), messages, SimpleNamespace(is_set=lambda: False))
    assert messages == [("ended", "baseline", 1, False, told)]


def test_a_worker_whose_training_came_to_nothing_tells_so_and_is_no_failure(in_process, monkeypatch):
    def run(given: Job, report, stopping, tell) -> bool:
        raise Diverged("baseline diverged")

    monkeypatch.setattr(schedule, "run_job", run)
    messages = Messages()
    worker(job("baseline", 1), messages, SimpleNamespace(is_set=lambda: False))
    assert messages == [("told", "baseline diverged"), ("ended", "baseline", 1, False, "")]


def test_a_training_that_came_to_nothing_leaves_a_note_of_it(tmp_path, monkeypatch):
    def diverging(*given, **options):
        raise Diverged("baseline fills every hole with one colour")

    monkeypatch.setattr(variants.trainer, "train", diverging)
    monkeypatch.setattr(schedule, "prepare_cpu", lambda threads: None)
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
    (tmp_path / schedule.DIVERGED).write_text(text)
    assert why_diverged(tmp_path) == ("no" if "no" in text else "")
    assert schedule.may_begin_again(tmp_path) is ("again" in text)


def test_a_worker_that_cannot_write_says_only_that(in_process, monkeypatch):
    def run(given: Job, report, stopping, tell) -> bool:
        raise CannotWrite("no space left")

    monkeypatch.setattr(schedule, "run_job", run)
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
    monkeypatch.setattr(schedule, "run_job", lambda given, report, stopping, tell: asked.append(stopping()) or False)
    monkeypatch.setattr(schedule.multiprocessing, "parent_process", lambda: SimpleNamespace(is_alive=lambda: False))
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
        monkeypatch.setattr(schedule.multiprocessing, "get_context", lambda method: pretended)
        monkeypatch.setattr(schedule, "start_fork_server", lambda: None)
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
    assert schedule.why_diverged(jobs[0].folder) == why
    # The next run begins it again: code that is wrong is mended, and memory freed.
    assert [schedule.may_begin_again(each.folder) for each in jobs] == [True, True, False]


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
        with schedule.stop_on_interrupt() as stop:
            signal.raise_signal(signal.SIGINT)
            assert not stop["now"]
    finally:
        signal.signal(signal.SIGINT, before)


def test_without_jobs_nothing_is_begun(monkeypatch):
    monkeypatch.setattr(schedule.multiprocessing, "get_context", lambda method: pytest.fail("begun"))
    train_all([], 2, print)


def test_trainings_on_a_gpu_go_one_by_one_until_one_is_stopped(monkeypatch):
    ran = []

    def run(given: Job, report, stopping, tell=None) -> bool:
        ran.append(given.seed)
        if given.seed == 1:
            signal.raise_signal(signal.SIGINT)
        return not stopping()

    monkeypatch.setattr(schedule, "run_job", run)
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

    monkeypatch.setattr(schedule, "run_job", run)
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
    monkeypatch.setattr(schedule, "run_job", lambda *given: 1 / 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    train_all([job("mine", device="cuda", folder=tmp_path)], 1, print)
    assert "training mine@0 failed: ZeroDivisionError" in capsys.readouterr().err
    assert schedule.may_begin_again(tmp_path)


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
    monkeypatch.setattr(schedule.start, "terminated", terminated)
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
