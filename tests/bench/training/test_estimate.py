"""What is said of a training's length: arithmetic by hand, and steps that were really timed."""

import contextlib
import json
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.exporters.estimate_terminal import duration, show
from bench.profiles.profile import load_profile
from bench.throughput import memory
from bench.throughput.ceilings import Ceilings
from bench.training import estimate as module
from bench.training.estimate import BUFFERS, Estimate, Programme, estimate, estimate_all, in_a_step, require_memory
from bench.training.schedule import ending
from bench.util.errors import UsageError
from tests.bench.command import TINY, bench
from variants import perceptual
from variants.perceptual import Weights
from variants.registry import variant


def training(seconds: float, name: str = "baseline") -> Estimate:
    return Estimate(name, 100, 1.0, 50.0, 0.5, seconds, seconds / 4, "compute")


def test_trainings_side_by_side_end_no_sooner_than_the_longest():
    def together(at_a_time: int, *times: float) -> float:
        return Programme("cpu", "bf16", at_a_time, tuple(map(training, times))).together_s

    assert together(1, 10, 20, 30) == 60
    assert together(2, 10, 20, 30) == 30
    assert together(2, 10, 20, 60) == 60
    assert training(8).share == 0.25


def test_the_json_of_an_estimate_by_hand():
    given = Programme("cpu", "bf16", 2, (training(10), training(30, "double_dg"))).as_dict()
    # 40 s of training two at a time are 20 s, but the longest alone takes 30; the floors are 2.5 and 7.5 s.
    assert (given["together_s"], given["at_a_time"], given["precision"]) == (30, 2, "bf16")
    assert [(t["variant"], t["floor_s"], t["roofline_share"]) for t in given["trainings"]] == [
        ("baseline", 2.5, 0.25),
        ("double_dg", 7.5, 0.25),
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "< 1 s"),
        (0.6, "1 s"),
        (0.9, "1 s"),
        (48, "48 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (86_400, "1 d"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_durations_are_said_in_two_units(seconds, text):
    assert duration(seconds) == text


def test_an_estimate_times_steps_and_writes_nothing(tmp_path):
    words = [
        *TINY,
        "--set",
        "batch=8",
        "--set",
        "workers=1",
        "--estimate",
        "--seconds",
        "0.1",
        "--json",
        "--runs-dir",
        "runs",
    ]
    done = bench("train", "baseline@0", "baseline@1", "double_dg", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    given = json.loads(done.stdout)
    assert [t["variant"] for t in given["trainings"]] == ["baseline@0", "baseline@1", "double_dg@0"]
    # 6 steps of 8 of the 48 pictures are an epoch.
    assert [(t["steps"], t["epochs"]) for t in given["trainings"]] == [(6, 1.0)] * 3
    assert not any(tmp_path.iterdir())


def test_a_batch_that_does_not_fit_is_refused_before_it_is_tried(tmp_path):
    words = ["--profile", "tiny", "--size", "512", "--set", "batch=60000", "--estimate"]
    done = bench("train", "baseline", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert "a step of baseline on 60,000 pictures" in done.stderr and "MiB free" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_killed_training_says_what_would_help():
    assert "smaller batch" in ending(-9)
    assert ending(3) == "its process ended with exit code 3"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["telea", "--estimate"], "telea needs no training"),
        (["baseline", "--json"], "--json requires --estimate."),
        (["baseline", "--seconds", "3"], "--seconds requires --estimate."),
        (["baseline", "--estimate", "--seconds", "0"], "--seconds must be between 0 and 3600"),
        (["baselin", "--estimate"], "baseline"),
    ],
)
def test_wrong_use_is_said(tmp_path, words, message):
    done = bench("train", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr


COUNTED = SimpleNamespace(name="baseline", flops_step=3e9, bytes_step=2e6, bytes_held=10 * 2**20)
"""What one picture costs a step: operations, bytes moved, bytes held."""


class Timed:
    """A clock that moves by known seconds a step, in place of real steps and their timing."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *samples: float) -> None:
        self.now, self.samples, self.loops, self.warmed = 0.0, list(samples), [], []
        self.steps, self.device = 0, "cpu"
        monkeypatch.setattr(module, "steps", lambda *given: lambda: self.step())
        monkeypatch.setattr(module, "loop_seconds", self.loop)
        monkeypatch.setattr(module, "warm_up", self.warm)
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: self.now))

    def step(self) -> None:
        self.steps += 1
        self.now += 0.25

    def loop(self, step, inputs, count: int, device: str) -> float:
        assert (inputs, device) == ([()], self.device)
        self.loops.append(count)
        seconds = count * (self.samples.pop(0) if len(self.samples) > 1 else self.samples[0])
        self.now += seconds
        return seconds

    def warm(self, step, inputs, device: str, seconds: float) -> None:
        self.warmed.append(seconds)
        self.now += seconds


PROFILE = load_profile("tiny", {"batch": 10, "precision": "fp32"})
CEILINGS = Ceilings({"fp32": 1e12}, 1e9)


def test_an_estimate_by_hand(monkeypatch):
    # Samples of .125, .1, .2 and .3 s a step, of which the fastest but the first, a single step, counts.
    timed = Timed(monkeypatch, 0.125, 0.1, 0.2, 0.3)
    given = estimate(COUNTED, PROFILE, "cpu", 300, CEILINGS, 1.3)
    # One step of .25 s, then 1.3 s of warming up; that step at .1 s is one of the 60.
    assert (timed.steps, timed.warmed) == (1, [1.3]) and given.first_s == pytest.approx(1.55 - 0.1)
    # A quarter of a second is 2 steps of .125 s; .125 + .2 + .4 + .6 s are past the 1.3 s asked for.
    assert timed.loops == [1, 2, 2, 2]
    assert given.steps == 60 and given.epochs == pytest.approx(60 * 10 / 300)
    assert given.images_per_s == pytest.approx(10 / 0.1)
    assert given.training_s == pytest.approx(1.45 + 60 * 0.1)
    # 10 pictures: 3e10 operations at 1e12 a second are .03 s, 2e7 bytes at 1e9 are .02 s.
    assert given.floor_s == pytest.approx(60 * 0.03) and given.bound == "compute"
    assert given.share == pytest.approx(60 * 0.03 / (1.45 + 60 * 0.1))


def test_first_steps_that_are_no_slower_cost_nothing_more(monkeypatch):
    timed = Timed(monkeypatch, 0.125)
    timed.warm = lambda step, *given: [step() for _ in range(20)]
    monkeypatch.setattr(module, "warm_up", timed.warm)
    timed.step = lambda: setattr(timed, "now", timed.now + 0.125)
    given = estimate(COUNTED, PROFILE, "cpu", 300, CEILINGS, 1.5)
    assert given.first_s == 0 and given.training_s == pytest.approx(60 * 0.125)


def test_memory_may_bind(monkeypatch):
    Timed(monkeypatch, 0.125)
    given = estimate(COUNTED, PROFILE, "cpu", 300, Ceilings({"fp32": 1e12}, 1e8), 1.5)
    assert given.floor_s == pytest.approx(60 * 0.2) and given.bound == "memory"


def test_a_slow_step_is_not_repeated_for_long(monkeypatch):
    timed = Timed(monkeypatch, 2.0)
    timed.step = lambda: setattr(timed, "now", timed.now + 3)
    given = estimate(COUNTED, PROFILE, "cpu", 300, CEILINGS, 1.5)
    # A first step of 3 s, of which 2 are one of the 60.
    assert (timed.loops, timed.warmed, given.first_s, given.training_s) == ([1], [], 1, 121)


def test_a_step_that_takes_longer_than_all_that_was_asked_for_is_taken_once(monkeypatch):
    timed = Timed(monkeypatch, 2.0)
    timed.step = lambda: setattr(timed, "now", timed.now + 8)
    given = estimate(COUNTED, PROFILE, "cpu", 300, CEILINGS, 1.5)
    # 60 steps of 8 s.
    assert (timed.loops, timed.warmed, given.first_s, given.training_s) == ([], [], 0, 480)


@pytest.mark.parametrize(
    ("flops", "pictures"),
    [
        (1e13, 100),  # 3e11 operations of 100 pictures take .03 s, or .3 s at a tenth of that rate
        (1e12, 50),  # 3 s, twice as long as was asked for
        (1e10, 8),  # 300 s: a half picture would do, but few pictures are no measure of many
    ],
)
def test_a_timed_step_takes_no_more_pictures_than_there_is_time_for(flops, pictures):
    assert in_a_step(COUNTED, 100, "fp32", Ceilings({"fp32": flops}, 1e12), 1.5) == pictures


def test_a_step_of_few_pictures_is_timed_whole_however_long():
    assert in_a_step(COUNTED, 4, "fp32", Ceilings({"fp32": 1e6}, 1e12), 1.5) == 4


def test_a_step_of_fewer_pictures_stands_for_the_whole(monkeypatch):
    timed, batches = Timed(monkeypatch, 0.1), []
    monkeypatch.setattr(module, "steps", lambda name, profile, *given: batches.append(profile.batch) or timed.step)
    # 10 pictures take at least 3 s: a step of 8 is timed, at .1 s. 60 steps of 10 take .125 s each.
    given = estimate(COUNTED, PROFILE, "cpu", 300, Ceilings({"fp32": 1e10}, 1e9), 1.5)
    assert batches == [8] and given.steps == 60 and given.images_per_s == pytest.approx(80)
    assert given.training_s == pytest.approx(given.first_s + 60 * 0.125)
    assert given.floor_s == pytest.approx(60 * 3)


def test_on_a_gpu_steps_are_recorded_before_they_are_timed(monkeypatch):
    timed = Timed(monkeypatch, 0.125)
    timed.device = "cuda"
    estimate(COUNTED, PROFILE, "cuda", 300, CEILINGS, 1.5)
    assert timed.steps == 4  # three as they are, and the recording


def test_memory_that_is_asked_for_is_that_of_all_trainings_side_by_side(monkeypatch):
    asked = []
    monkeypatch.setattr(memory, "require", asked.append)
    require_memory(COUNTED, 10, 3)
    # 10 MiB a picture, 10 pictures, three trainings, and a third more for the libraries' own buffers.
    assert asked == [pytest.approx(10 * 10 * 3 * 1.3)] and BUFFERS == 1.3


@pytest.mark.parametrize(
    ("at_a_time", "words"), [(1, "1,000 pictures: no"), (2, "1,000 pictures, 2 trainings at a time: no")]
)
def test_where_memory_ends_a_smaller_batch_is_named(monkeypatch, at_a_time, words):
    def require(mib: float) -> None:
        raise MemoryError("no")

    monkeypatch.setattr(memory, "require", require)
    with pytest.raises(UsageError, match=f"a step of baseline on {words}; use a smaller --set batch=N"):
        require_memory(COUNTED, 1000, at_a_time)


def test_company_trains_meanwhile_and_ends_with_it_even_after_a_fault(monkeypatch):
    done = []

    class Process:
        def __init__(self, target, args, daemon):
            done.append((target, args[:-1], daemon))

        start, terminate, join = (lambda self, what=what: done.append(what) for what in ("start", "terminate", "join"))

    def semaphore(count: int):
        assert count == 0, "nobody has begun yet"
        return SimpleNamespace(acquire=lambda timeout: done.append(f"waited {timeout}"))

    context = SimpleNamespace(Process=Process, Semaphore=semaphore)
    monkeypatch.setattr(module, "multiprocessing", SimpleNamespace(get_context=lambda kind: context))

    def fault() -> None:
        with module.company("baseline", PROFILE, 300, 2):
            done.append("timed")
            raise ValueError

    with pytest.raises(ValueError):
        fault()
    other = (module.keep_training, ("baseline", PROFILE, 300, None), True)
    ended = ["terminate", "join"] * 2
    assert done == [other, other, "start", "start", "waited 60", "waited 60", "timed", *ended]


@pytest.mark.parametrize("resident", [True, False])
def test_steps_take_the_profiles_batches_one_after_another_from_where_a_training_would(monkeypatch, resident):
    taken = []

    class Source:
        def __init__(self, *given):
            *device, pool, batch, seed, masks = given
            taken.append((device, pool.shape, pool.dtype, batch, seed, masks))

        def __call__(self, step):
            taken.append(step)
            return "images", "holes"

    class Session:
        def __init__(self, entry, plan):
            assert (plan.name, plan.seed, plan.batch, plan.steps_per_epoch) == ("baseline", 0, 10, 30)
            assert type(entry) is variant.get("baseline")
            self.step_count = 0

        def step(self, images, holes):
            self.step_count += 1

    monkeypatch.setattr(module, "fits", lambda device, size: resident and size == 300 * 32 * 32 * 3)
    monkeypatch.setattr(module, "Resident" if resident else "Batches", Source)
    monkeypatch.setattr(module, "to_device", lambda images, holes, device: (images, holes))
    monkeypatch.setattr(module, "Session", Session)
    step = module.steps("baseline", PROFILE, "cpu", 300)
    step(), step()
    masks = variant.get("baseline")().training.masks
    assert taken == [(["cpu"] if resident else [], (300, 32, 32, 3), "uint8", 10, 0, masks), 0, 1]


def test_no_more_than_512_pictures_stand_for_all(monkeypatch):
    sizes = []
    monkeypatch.setattr(module, "Batches", lambda pool, *given: sizes.append(pool.shape))
    monkeypatch.setattr(module, "Session", lambda entry, plan: None)
    for pictures in (511, 41_000):
        module.steps("baseline", PROFILE, "cpu", pictures)
    assert sizes == [(511, 32, 32, 3), (512, 32, 32, 3)]


def test_those_that_train_meanwhile_say_when_they_have_begun_and_are_deaf_to_ctrl_c(monkeypatch):
    done = []

    def step():
        done.append("step")
        if done.count("step") == 3:
            raise EOFError

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(perceptual, "finder", None)
    monkeypatch.setattr(module, "prepare_cpu", lambda threads: done.append(threads))
    monkeypatch.setattr(module, "keep_freed_memory", lambda: done.append("memory kept"))
    monkeypatch.setattr(module, "steps", lambda *given: done.append(given) or step)
    begun = SimpleNamespace(release=lambda: done.append("begun"))
    features = Weights(Path("vgg16.pth"), "IMAGENET1K_V1")
    try:
        with pytest.raises(EOFError):
            module.keep_training("baseline", replace(PROFILE, threads=2), 300, features, begun)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    known = ("baseline", replace(PROFILE, threads=2), "cpu", 300)
    assert perceptual.finder() is features
    assert done == [2, "memory kept", known, "begun", "step", "step", "step"]


@pytest.fixture
def programme(monkeypatch):
    """estimate_all on stand-ins for everything that takes time; what was done, in order."""
    done = []

    @contextlib.contextmanager
    def company(name, profile, pictures, count):
        done.append(("company", name, pictures, count))
        yield

    monkeypatch.setattr(module, "company", company)
    monkeypatch.setattr(module, "prepare_cpu", lambda threads: done.append(("threads", threads)))
    monkeypatch.setattr(module, "keep_freed_memory", lambda: done.append("memory kept"))
    monkeypatch.setattr(module, "in_a_step", lambda counted, batch, *given: batch)
    monkeypatch.setattr(module, "training_data", lambda profile: ["a" * 200, "b" * 100])
    monkeypatch.setattr(module, "count_training", lambda *given: done.append(given) or SimpleNamespace(name=given[0]))
    monkeypatch.setattr(module, "require_memory", lambda counted, *given: done.append(("needs", counted.name, *given)))
    monkeypatch.setattr(module, "measure_ceilings", lambda *given, seconds: done.append(("ceilings", *given)))
    monkeypatch.setattr(
        module, "estimate", lambda counted, *given: done.append(("timed", counted.name)) or training(8, counted.name)
    )
    return done


def test_a_programme_asks_for_memory_first_then_times_each_variant_once_in_company(programme):
    trainings = [("baseline", 0), ("double_dg", 0), ("baseline", 1), ("baseline", 0)]
    given = estimate_all(trainings, replace(PROFILE, workers=2), "cpu", 5)
    assert programme == [
        ("threads", 1),
        "memory kept",
        ("baseline", 8, 32, "fp32", "cpu"),
        ("double_dg", 8, 32, "fp32", "cpu"),
        ("needs", "baseline", 10, 2),
        ("needs", "double_dg", 10, 2),
        ("ceilings", "cpu", ["fp32"]),
        ("company", "baseline", 300, 1),
        ("timed", "baseline"),
        ("timed", "double_dg"),
    ]
    assert [each.variant for each in given.trainings] == ["baseline@0", "double_dg@0", "baseline@1"]
    assert (given.device, given.precision, given.at_a_time, given.together_s) == ("cpu", "fp32", 2, 12)


def test_names_stand_alone_where_there_is_one_training_of_each(programme):
    given = estimate_all([("baseline", 3), ("double_dg", 3)], replace(PROFILE, workers=8), "cpu", 5)
    assert [each.variant for each in given.trainings] == ["baseline", "double_dg"]
    assert given.at_a_time == 2


def test_trainings_on_a_gpu_go_one_by_one_and_the_cpu_is_left_as_it_is(programme):
    given = estimate_all([("baseline", 0), ("baseline", 1)], replace(PROFILE, workers=8), "cuda", 5)
    assert given.at_a_time == 1
    assert programme == [
        ("baseline", 8, 32, "fp32", "cuda"),
        ("ceilings", "cuda", ["fp32"]),
        ("company", "baseline", 300, 0),
        ("timed", "baseline"),
    ]


def test_the_table_by_hand(capsys):
    each = Estimate("baseline", 12_812, 20.0, 512.0, 9.0, 1600.0, 400.0, "compute")
    show(Programme("cpu", "fp32", 2, (each,)))
    head, line, _, together, note = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == "training"
    assert " ".join(line.split()) == "baseline 12,812 20 512 26 min 40 s 6 min 40 s 25% compute"
    assert together == "together about 26 min 40 s on cpu in fp32, 2 at a time"
    assert note.startswith("An estimate from the fastest steps")
    show(Programme("cuda", "bf16", 1, (each,)))
    assert capsys.readouterr().out.splitlines()[-2] == "together about 26 min 40 s on cuda in bf16"


def test_the_json_by_hand():
    given = Programme("cpu", "fp32", 2, (training(8),)).as_dict()
    assert given == {
        "schema": 1, "device": "cpu", "precision": "fp32", "at_a_time": 2, "together_s": 8,
        "trainings": [{
            "variant": "baseline", "steps": 100, "epochs": 1.0, "images_per_s": 50.0, "first_s": 0.5, "training_s": 8,
            "floor_s": 2.0, "bound": "compute", "roofline_share": 0.25,
        }],
    }  # fmt: skip
