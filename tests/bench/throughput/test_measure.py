"""Measuring as a whole, with methods whose speed is known."""

import itertools
import json
import math
import subprocess
import sys
import time
from dataclasses import replace
from importlib import metadata

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from bench.throughput.ceilings import Ceilings
from bench.throughput.cell import POOL, Cell, Refused, first_line
from bench.throughput.clocks import Reading, Watch
from bench.throughput.cost import Cost
from bench.throughput.equivalence import mark
from bench.throughput.fast import choose
from bench.throughput.ladder import Ladder
from bench.throughput.measure import measure, run, run_ladders, sample_in_turns
from bench.throughput.memory import is_out_of_memory
from bench.throughput.plan import Report, make_plan
from bench.throughput.rows import table
from bench.throughput.settings import SWEEP, Setting, why_not
from bench.throughput.subjects import Subject
from variants.method import Method

CONTRACT = ("variant", "device", "precision", "mode", "resolution", "batch", "images_per_s", "latency_ms_p50",
            "peak_memory_mib", "parameters")  # fmt: skip


class Clock:
    """Time that passes only when a method says so, so that no busy machine can disturb what is expected."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", clock)
    return clock


class Known(Method):
    """A reference that takes known times a picture, one after the other, for ever."""

    kind = "reference"

    def __init__(self, name: str, clock: Clock, *seconds: float, log: list | None = None) -> None:
        self.name, self.clock, self.seconds = name, clock, itertools.cycle(seconds)
        self.log = [] if log is None else log

    def fill(self, images, holes, ids=None, mask=""):
        self.log.append((self.name, images.tobytes()))
        self.clock.now += next(self.seconds) * len(images)
        return np.zeros(images.shape, np.float32)


def started(method: Method) -> Cell:
    cell = Cell(Subject.of(method), Setting("cpu", "fp32", "eager", 16, 1))
    cell.begin(1.0)
    return cell


class Copy(nn.Module):
    """A network that returns its input; ``trouble`` is raised at batches larger than ``limit``."""

    def __init__(self, limit: int = 1 << 30, trouble: type[Exception] = MemoryError, text: str = "") -> None:
        super().__init__()
        self.limit, self.trouble, self.text = limit, trouble, text

    def forward(self, x, known):
        if len(x) > self.limit and x.device.type != "meta":
            raise self.trouble(self.text)
        return x


def network(name: str = "copy", **trouble) -> Subject:
    return Subject(name, 0, Copy(**trouble))


def test_a_known_speed_is_told_right(clock):
    slow, quick = started(Known("slow", clock, 0.02)), started(Known("quick", clock, 0.001))
    sample_in_turns([slow, quick], clock.now + 60, Report())
    frame = table([slow, quick], Ceilings({"fp32": 1e12}, 1e9)).set_index("variant")
    assert frame["images_per_s"].tolist() == pytest.approx([50, 1000])
    assert frame["images_per_s_low"].tolist() == frame["images_per_s_high"].tolist() == pytest.approx([50, 1000])
    assert frame["latency_ms_p50"].tolist() == pytest.approx([20, 1])
    assert frame["settled"].all() and frame["samples"].tolist() == [6, 6]  # six equal ones settle it
    assert frame["latency_samples"].tolist() == [6, 120]  # 20 ms of them a round
    assert math.isnan(frame.loc["slow", "latency_ms_p90"]) and frame.loc["quick", "latency_ms_p90"] == pytest.approx(1)


def test_methods_are_timed_in_turns_and_on_different_pictures(clock):
    log = []
    cells = [started(Known(name, clock, 0.02, 0.03, log=log)) for name in "abc"]
    log.clear()
    sample_in_turns(cells, clock.now + 0.8, Report())
    names = [name for name, _ in log[::3]]  # each sample is a call untimed, a loop of one call and one call alone
    assert names[:9] == list("abcbcacab")  # in turns, and another one first in every round
    assert len({picture for name, picture in log if name == "a"}) == POOL


def test_sampling_ends_when_the_interval_is_narrow_or_time_runs_out(clock):
    unsteady = started(Known("unsteady", clock, 0.02, 0.05, 0.03, 0.09, 0.07))
    began = clock.now
    sample_in_turns([unsteady], began + 2.0, Report())
    assert 2.0 < clock.now - began < 2.2
    row = table([unsteady], Ceilings({"fp32": 1e12}, 1e9)).iloc[0]
    assert not row["settled"] and "time ran out" in row["warnings"] and "more: throughput --seconds" in row["warnings"]
    assert math.isnan(row["latency_ms_p99"]) and "p99 refused" in row["warnings"]
    assert row["images_per_s_low"] < row["images_per_s"] < row["images_per_s_high"]


def test_more_than_the_roofline_is_remarked_on(clock):
    cell = started(Known("quick", clock, 0.001))
    sample_in_turns([cell], clock.now + 60, Report())
    cell.cost = Cost(flops=2e9, bytes=1.0)  # 2 GFLOP in 1 ms, of 1 TFLOP/s
    row = table([cell], Ceilings({"fp32": 1e12}, 1e9)).iloc[0]
    assert row["roofline_share"] == pytest.approx(2) and "200% of the roofline" in row["warnings"]


def test_what_went_wrong_in_torchscript_is_told():
    error = RuntimeError("The following operation failed in the TorchScript interpreter.\nTraceback\nRuntimeError: why")
    assert first_line(error) == "RuntimeError: why"
    assert first_line(ValueError("one\ntwo")) == "one" and first_line(ValueError()) == "ValueError"
    assert first_line(RuntimeError("backend='inductor' raised:\nKeyError: why\n\nSet")) == (
        "backend='inductor' raised: KeyError: why"
    )


def test_a_method_slower_than_the_time_is_measured_once(clock):
    cell = started(Known("glacial", clock, 5.0))
    sample_in_turns([cell], clock.now - 1, Report())
    assert len(cell.loops) == 1


def test_every_method_is_timed_within_little_time(clock, monkeypatch):
    monkeypatch.setattr("bench.throughput.ceilings.measure_ceilings", lambda *a: Ceilings({"fp32": 1e12}, 1e9))
    ladders = [
        Ladder(Subject.of(Known(name, clock, 0.2)), Setting("cpu", "fp32", "eager", side, 1), (1,))
        for name in ("one", "two", "three")
        for side in (16, 32, 48)
    ]
    subjects = {ladder.subject.name: ladder.subject for ladder in ladders}
    ladders = [replace(ladder, subject=subjects[ladder.subject.name]) for ladder in ladders]
    sentences = []
    began = clock.now
    result = run_ladders(ladders, make_plan("cpu", [16], [1], ["fp32"], ["eager"], 3.0), Report(sentences.append))
    rows = list(zip(result.frame["variant"], result.frame["resolution"], strict=True))
    # Four calls of 0.2 s begin each: when the three firsts have begun, more than half of the three seconds are gone.
    assert rows == [("one", 16), ("two", 16), ("three", 16)]
    assert clock.now - began < 6
    assert sentences == ["no time for fp32 eager 32 px, fp32 eager 48 px: skipped for all (more: throughput --seconds)"]
    assert result.remarks == tuple(sentences)


def test_a_setting_is_left_out_for_all_methods_or_none(clock, monkeypatch):
    monkeypatch.setattr("bench.throughput.ceilings.measure_ceilings", lambda *a: Ceilings({"fp32": 1e12}, 1e9))
    members = [Subject.of(Known(name, clock, 0.2)) for name in ("one", "two", "three")]
    ladders = [Ladder(m, Setting("cpu", "fp32", "eager", s, 1), (1,)) for m in members for s in (16, 32, 48)]
    result = run_ladders(ladders, make_plan("cpu", [16], [1], ["fp32"], ["eager"], 6.0), Report())
    # 2.4 s begin a side of all three: half of the six seconds end while 32 px begin.
    assert result.frame.groupby("resolution")["variant"].apply(list).to_dict() == {
        16: ["one", "two", "three"],
        32: ["one", "two", "three"],
    }
    assert result.remarks == ("no time for fp32 eager 48 px: skipped for all (more: throughput --seconds)",)


def test_a_process_takes_no_more_than_its_control_group_may(tmp_path):
    from variants.free_memory import group_mib

    membership = tmp_path / "cgroup"
    membership.write_text("0::/job/step\n")
    for name, limit, used, unused in (("", None, 0, 0), ("job", 2000, 500, 100), ("job/step", 3000, 400, 0)):
        folder = tmp_path / "fs" / name
        folder.mkdir(parents=True)
        if limit is not None:
            (folder / "memory.max").write_text(f"{limit << 20}\n")
            (folder / "memory.current").write_text(f"{used << 20}\n")
            (folder / "memory.stat").write_text(f"anon 1\ninactive_file {unused << 20}\n")
    assert group_mib(tmp_path / "fs", membership) == 2000 - 500 + 100
    (tmp_path / "fs/job/memory.max").write_text("max\n")
    assert group_mib(tmp_path / "fs", membership) == 3000 - 400
    membership.write_text("4:memory:/old\n")
    assert group_mib(tmp_path / "fs", membership) == math.inf
    assert group_mib(tmp_path / "fs", tmp_path / "gone") == math.inf


def test_a_table_has_every_column_and_the_calibration():
    frame = measure([network()], resolution=16, batches=[2], precisions=["fp32"], modes=["eager"], seconds=0.2)
    assert set(CONTRACT) <= set(frame.columns)
    assert frame["variant"].tolist() == ["copy", "calibration"]
    assert frame["batch"].tolist() == [2, 8] and (frame["images_per_s"] > 0).all()
    assert frame["roofline_share"].iloc[1] > 0


def test_only_running_out_of_memory_makes_a_batch_smaller():
    setting = Setting("cpu", "fp32", "eager", 16, 8)
    for trouble, text in ((MemoryError, ""), (RuntimeError, "DefaultCPUAllocator: can't allocate memory: you tried")):
        cell = Cell(network(limit=3, trouble=trouble, text=text), setting)
        cell.begin(0.01)
        assert cell.setting.batch == 2
        assert "batch 8 ran out of memory, 2 was measured" in cell.notes
    for trouble, text in ((RuntimeError, "CUDA error: device-side assert triggered"), (ValueError, "memory")):
        with pytest.raises(Refused, match=text):
            Cell(network(limit=3, trouble=trouble, text=text), setting).begin(0.01)
    with pytest.raises(Refused, match="out of memory"):
        Cell(network(limit=0), setting).begin(0.01)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert not is_out_of_memory(RuntimeError("out of range"))


def test_a_sweep_ends_where_memory_does():
    sentences = []
    ladder = Ladder(network(limit=5), Setting("cpu", "fp32", "eager", 16, 1), SWEEP)
    cells = ladder.climb(60.0, None, Report(sentences.append))
    assert [cell.setting.batch for cell in cells] == [1, 2, 4]
    assert sentences == ["copy fp32 eager 16 px: batch 8 ran out of memory, 4 was measured already"]


def test_a_sweep_ends_at_batches_too_slow_to_be_timed(clock):
    method = Known("slower", clock, 0.5)
    report = Report()
    cells = Ladder(Subject.of(method), Setting("cpu", "fp32", "eager", 16, 1), SWEEP).climb(1.0, None, report)
    assert [cell.setting.batch for cell in cells] == [1, 2, 4, 8]  # 4 s a batch is past twice the warm-up
    assert len(report.remarks) == 1 and "the sweep ends at batch 8, which takes 4 s" in report.remarks[0]


def test_a_batch_larger_than_the_memory_is_not_tried():
    cell = Cell(network(), Setting("cpu", "fp32", "eager", 64, 1 << 24))
    with pytest.raises(MemoryError):
        cell.make(0.01)


def test_a_picture_larger_than_the_memory_is_counted_without_running_it(monkeypatch):
    # Twelve values a pixel and more: terabytes.
    cell = Cell(network(), Setting("cpu", "fp32", "eager", 1 << 20, 1))
    with pytest.raises(Refused, match=r"out of memory \([\d,]+ MiB needed.*smaller --resolution"):
        cell.begin(0.01)


@pytest.fixture
def hurried(monkeypatch):
    """Six samples are enough, however wide their interval: the test then takes no longer than they do."""
    monkeypatch.setattr("bench.throughput.cell.TARGET", 1e9)


def test_a_fast_mode_that_changes_the_picture_is_shown(hurried):
    class Off(nn.Module):
        def forward(self, x, known):
            return x * 0 + (0.0 if x.dtype == torch.float32 else 1.0)

    frame = measure([Subject("off", 0, Off())], resolution=16, batches=[2], precisions=["fp32", "bf16"],
                    modes=["eager"], seconds=60.0).set_index(["variant", "precision"])  # fmt: skip
    # One unit of normalised space is 0.229, 0.224 and 0.225 of the range: 58.4, 57.1 and 57.4 levels.
    assert frame.loc[("off", "bf16"), "max_difference"] in (58, 59)
    assert frame.loc[("off", "bf16"), "within_one_level"] < 0.95
    assert not frame.loc[("off", "bf16"), "fast"] and frame.loc[("off", "fp32"), "fast"]


def test_a_batch_that_is_too_large_for_a_kernel_is_named_and_never_the_fast_one(hurried):
    class Overflowing(nn.Module):
        """The last pictures of a large batch are wrong in every precision."""

        def forward(self, x, known):
            return torch.cat([x[:9] * 0, x[9:] * 0 + 1])

    plan = make_plan("cpu", [16], [8, 12], ["fp32", "bf16"], ["eager"], 60.0)
    report = Report()
    frame = run([Subject("overflowing", 0, Overflowing())], plan, report).frame
    frame = frame[frame["variant"] == "overflowing"].set_index(["precision", "batch"])
    assert frame["max_difference"].to_dict() == pytest.approx(
        {("fp32", 8): math.nan, ("fp32", 12): 58, ("bf16", 8): 0, ("bf16", 12): 58}, abs=1, nan_ok=True
    )
    assert frame.groupby("batch")["fast"].sum().to_dict() == {8: 1, 12: 0}
    wrong = [remark for remark in report.remarks if "too large for one of its kernels" in remark]
    assert [words.partition(" fills")[0] for words in wrong] == [
        f"overflowing at cpu {precision} eager 16 px batch 12" for precision in ("fp32", "bf16")
    ]


def test_a_way_of_running_that_changes_the_picture_is_not_the_default(hurried):
    class Off(nn.Module):
        def forward(self, x, known):
            return x * 0 + (0.0 if x.dtype == torch.float32 else 1.0)

    chosen = choose(Subject("off", 0, Off()), device="cpu", resolution=16, batch=2, seconds=60.0, modes=["eager"],
                    precisions=["bf16", "fp32"])  # fmt: skip
    assert chosen == ("fp32", "eager")


def test_the_fastest_way_gives_the_same_pictures(hurried):
    from bench.throughput.fast import fastest
    from bench.throughput.subjects import inputs
    from variants.method import ReferenceMethod
    from variants.network_method import NetworkMethod
    from variants.registry import variant

    entry = variant.get("baseline")()
    torch.manual_seed(0)
    network, telea = (
        NetworkMethod("baseline", entry, entry.network(4)),
        ReferenceMethod("telea", variant.get("telea")()),
    )
    images, holes = inputs(Setting("cpu", "fp32", "eager", 32, 4), 1)[0]
    for method in (network, telea):
        way = fastest(method, device="cpu", resolution=32, batch=4, seconds=3.0)
        filled = np.asarray(way(images, holes)).astype(int)
        raw = method.fill(images.numpy(), holes.numpy())
        expected = np.where(holes.numpy()[..., None], np.rint(raw * 255).astype(int), images.numpy())
        assert (np.abs(filled - expected).max(axis=-1) <= 1).mean() >= 0.999
        assert way.mode in ("eager", "folded")


def test_compiling_is_not_tried_without_a_compiler(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    assert "C++ compiler" in (why_not(Setting("cpu", "fp32", "compile", 64, 1)) or "")
    assert why_not(Setting("cuda", "fp32", "compile", 64, 1)) is None
    assert why_not(Setting("cpu", "fp32", "eager", 64, 1)) is None


def test_the_fast_row_is_the_fastest_that_keeps_the_picture():
    rows = [("fp32", "eager", 10.0, math.nan), ("bf16", "eager", 30.0, 0.99), ("fp32", "folded", 20.0, 0.9995),
            ("bf16", "folded", 15.0, 1.0)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["precision", "mode", "images_per_s", "within_one_level"])
    frame = frame.assign(variant="a", device="cpu", resolution=64, batch=8)
    assert mark(frame).tolist() == [False, False, True, False]


class FakeNvml:
    """NVML as nvidia-ml-py shows it, of a GPU that slows itself at every other question."""

    NVMLError = RuntimeError
    NVML_CLOCK_SM, NVML_TEMPERATURE_GPU = 1, 0
    nvmlClocksThrottleReasonSwPowerCap = 4  # noqa: N815
    nvmlClocksThrottleReasonHwSlowdown = 8  # noqa: N815
    nvmlClocksThrottleReasonSwThermalSlowdown = 32  # noqa: N815

    def __init__(self, answers):
        self.answers, self.energy = iter(answers), 0

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle):  # noqa: N802
        return next(self.answers)

    def nvmlDeviceGetClockInfo(self, handle, clock):  # noqa: N802
        return 1980

    def nvmlDeviceGetTemperature(self, handle, sensor):  # noqa: N802
        return 55

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):  # noqa: N802
        self.energy += 7000
        return self.energy


def test_throttled_samples_are_dropped_and_those_under_a_power_cap_kept():
    watch = Watch(FakeNvml([0, 8, 4, 32, 40]), None)
    assert watch.read() == Reading(1980, 55, False)
    assert [watch.read().throttled for _ in range(4)] == [True, False, True, True]
    cell = Cell(network(), Setting("cpu", "fp32", "eager", 16, 2), Watch(FakeNvml([0, 8, 0, 32]), None))
    cell.begin(0.01)
    for turn in range(4):
        cell.sample(turn)
    assert (len(cell.loops), cell.throttled) == (2, 2)
    cell.weigh(0.01)
    assert cell.joules_per_image > 0
    count = 7.0 / cell.joules_per_image / 2  # 7 J between the readings, 2 pictures a batch
    assert count == pytest.approx(round(count))


def test_the_exported_json_is_what_pytest_benchmark_reads(tmp_path):
    from bench.throughput.store import write, write_benchmark_json

    plan = make_plan("cpu", [16], [1, 2], ["fp32"], ["eager"], 0.5)
    result = run([network("first"), network("second")], plan, Report())
    write_benchmark_json(result, tmp_path / "new.json")
    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", str(tmp_path / "new.json"), ],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "first[cpu/fp32/eager/16/1]" in done.stdout + done.stderr
    document = json.loads((tmp_path / "new.json").read_text())
    samples = result.samples[0]
    stats = document["benchmarks"][0]["stats"]
    assert stats["median"] == pytest.approx(np.median(samples))
    assert stats["rounds"] == len(samples)
    write(result, tmp_path / "throughput.parquet")
    import pyarrow.parquet as pq

    stored = pq.read_table(tmp_path / "throughput.parquet")
    assert json.loads(stored.schema.metadata[b"environment"])["version_torch"] == metadata.version("torch")
    assert stored.num_rows == 5
    assert json.loads(stored.schema.metadata[b"remarks"]) == []


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_branches_give_the_same_pictures_and_figures(monkeypatch):
    from variants.network_method import NetworkMethod
    from variants.registry import variant

    # Two samples of each, however long warming up and compiling took.
    monkeypatch.setattr(
        "bench.throughput.measure.sample_in_turns",
        lambda cells, deadline, report: [cell.sample(turn) for turn in range(2) for cell in cells],
    )
    entry = variant.get("gan_res_mask")()
    subject = Subject.of(NetworkMethod("gan_res_mask", entry, entry.network(8), device="cuda"))
    every = ["fp32", "tf32", "bf16", "fp16"]
    frames = []
    for precisions, modes in ((every, ["eager", "folded", "graphs"]), (["fp32"], ["eager", "compile"])):
        plan = replace(make_plan("cuda", [64], [4], precisions, modes, 3600), energy=False)
        result = run([subject], plan, Report())
        assert result.remarks == ()  # nothing was left out
        frames.append(result.frame)
    frame = pd.concat(frames)
    own = frame[frame["variant"] == "gan_res_mask"]
    assert len(own) == 4 * 3 + 2
    assert (own["images_per_s"] > 0).all() and (own["peak_memory_mib"] > 0).all()
    exact = own[own["precision"] == "fp32"]
    assert (exact[exact["mode"] != "eager"]["max_difference"] <= 1).all()
    assert (own["roofline_share"] < 1.05).all()
