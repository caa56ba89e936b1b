"""One thing being timed at one setting: made, warmed up, sampled in turns with the others."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from bench.throughput import memory
from bench.throughput.clocks import Reading, Watch
from bench.throughput.cost import Cost, count
from bench.throughput.quantiles import median_interval
from bench.throughput.settings import Setting
from bench.throughput.subjects import Call, Subject, inputs, network_for, prepare
from bench.throughput.timing import loop_seconds, single_seconds, warm_up
from bench.util.tf32 import matmul_precision

SAMPLE_S = {"cuda": 0.1, "mps": 0.1, "cpu": 0.02}
"""A throughput sample is a loop of about that long, or one call where that takes longer."""
POOL = 4
"""Different batches that a loop goes through."""
TARGET = 0.01
"""Sampling ends when the median's 95 % interval is within this share of it, on both sides."""
COMPARED = 8
"""Pictures from either end of a batch whose levels are held against eager fp32's, which fills as many at a time: in a
batch of gigabytes a kernel may count wrong, fp32's as any other."""


class Refused(Exception):
    """A setting that cannot be measured here; the message says why."""


WORTH_WARMING_S = 0.05
"""Shorter calls are made once untimed before each sample. For longer calls a cold start is negligible."""


@dataclass
class Cell:
    """``begin`` it, ``sample`` it until ``settled`` or out of time; then it is told by :mod:`bench.throughput.rows`.

    call_s: seconds a batch while warming up. first_call_s: what the first call took longer (compiling).
    loops: throughput samples, singles: calls timed one by one, both in seconds a batch. turns: the round of each
    throughput sample. throttled: samples dropped since the GPU slowed itself.
    """

    subject: Subject
    setting: Setting
    watch: Watch | None = None
    call_s: float = math.nan
    first_call_s: float = math.nan
    loops: list[float] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    singles: list[float] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    throttled: int = 0
    joules_per_image: float = math.nan
    cost: Cost = field(default_factory=Cost)
    peak_mib: float = math.nan
    max_difference: float = math.nan
    mean_difference: float = math.nan
    within_one_level: float = math.nan
    notes: list[str] = field(default_factory=list)

    def begin(self, warm_s: float) -> None:
        """Make it and warm it up; halve the batch after out-of-memory, and after nothing else. Raises Refused."""
        asked = self.setting.batch
        while True:
            try:
                self.make(warm_s)
                break
            except (Exception, SystemExit) as error:
                if not memory.is_out_of_memory(error):
                    raise Refused(f"{self.subject.name} at {self.setting}: {first_line(error)}") from error
                trouble = str(error) if isinstance(error, MemoryError) else ""
            self.drop()
            if self.setting.batch == 1:
                why = f" ({trouble})" if trouble else ""
                raise Refused(f"{self.subject.name} at {self.setting}: out of memory{why}; use a smaller --resolution")
            self.setting = self.setting.with_batch(self.setting.batch // 2)
        if self.setting.batch < asked:
            self.notes.append(f"batch {asked} ran out of memory, {self.setting.batch} was measured")

    def make(self, warm_s: float) -> None:
        """Count the cost, make the inputs, call once and warm up for ``warm_s`` seconds."""
        setting, device = self.setting, self.setting.device
        self.cost = count(self.subject, setting)
        if setting.type == "cpu":
            memory.require(self.cost.memory_mib)
        with torch.inference_mode(), matmul_precision(setting.precision):
            self.pool = inputs(setting, POOL)
            if self.subject.network is not None:
                network_for(self.subject, setting)  # kept for all batch sizes, so no part of what this one takes more
            gauge = memory.gauge(device)
            began = time.perf_counter()
            self.call: Call = prepare(self.subject, setting)
            self.call(*self.pool[0])
            first_s = time.perf_counter() - began
            self.call_s, steady = warm_up(self.call, self.pool, device, warm_s)
            self.peak_mib = self.peak(gauge)
        self.first_call_s = max(0.0, first_s - self.call_s)
        self.notes = [] if steady else [f"not steady after {warm_s:.1f} s of warm-up"]
        self.calls = max(1, round(SAMPLE_S[setting.type] / max(self.call_s, 1e-7)))

    def peak(self, gauge: memory.Gauge | None) -> float:
        """Measured on CUDA, with the weights and one batch; for networks elsewhere counted; for other methods what
        Python's allocators saw, NaN where they compute on a device."""
        if self.subject.network is None and gauge is not None:
            return math.nan
        if gauge is not None:
            held = [*self.pool[0]]
            if self.subject.network is not None:
                network = network_for(self.subject, self.setting)
                held += [*network.parameters(), *network.buffers()]
            return gauge.peak_mib() + sum(t.numel() * t.element_size() for t in held) / 2**20
        if self.subject.network is not None:
            return self.cost.memory_mib
        return memory.python_peak_mib(lambda: self.call(*self.pool[0]))

    def drop(self) -> None:
        """Let go of the network and the pictures."""
        self.call = lambda images, holes: None
        self.pool = []
        self.subject.prepared.clear()
        memory.release(self.setting.device)

    def levels(self) -> np.ndarray:
        """The first and the last pictures of a batch that it fills, int16 (n, H, W, 3)."""
        with torch.inference_mode(), matmul_precision(self.setting.precision):
            filled = self.call(*self.pool[0])
        return _levels_of(filled)[self.ends()]

    def few_at_a_time(self, precision: str) -> np.ndarray:
        """The same pictures filled eagerly, ``COMPARED`` at a time at most, or one by one where it is only called."""
        most = COMPARED if self.subject.network is not None else 1
        call = prepare(self.subject, replace(self.setting, precision=precision, mode="eager", batch=most))
        images, holes = (part[self.ends()] for part in self.pool[0])
        batches = zip(images.split(most), holes.split(most), strict=True)
        with torch.inference_mode(), matmul_precision(precision):
            return np.concatenate([_levels_of(call(*batch)) for batch in batches])

    def ends(self) -> list[int]:
        """The places of the pictures compared."""
        count = self.setting.batch
        return sorted({*range(min(COMPARED, count)), *range(max(0, count - COMPARED), count)})

    def compare(self, truth: np.ndarray) -> None:
        """Note how far its pictures are, in 8-bit levels, from ``truth``: the same ones filled by eager fp32."""
        difference = np.abs(self.levels() - truth)
        self.max_difference, self.mean_difference = float(difference.max()), float(difference.mean())
        self.within_one_level = share_within_one(difference)

    def sample(self, turn: int) -> None:
        """One throughput sample, of round ``turn``; and calls timed one by one, as a user who waits for each sees them.

        On the CPU a call returns when its work is done, so a loop over large batches is its own latency
        sample; batch 1 is timed apart everywhere. A sample during which the GPU slowed itself is dropped.
        """
        setting, device, target = self.setting, self.setting.device, SAMPLE_S[self.setting.type]
        with torch.inference_mode(), matmul_precision(setting.precision):
            if self.call_s < WORTH_WARMING_S:
                # After another's turn the first call finds the caches cold, which a loop of few would show.
                self.call(*self.pool[(len(self.loops) - 1) % len(self.pool)])
            each = loop_seconds(self.call, self.pool, self.calls, device, len(self.loops)) / self.calls
            if self.watch is not None:
                self.readings.append(self.watch.read())
                if self.readings[-1].throttled:
                    self.throttled += 1
                    return
            self.loops.append(each)
            self.turns.append(turn)
            self.calls = max(1, min(2 * self.calls, round(target / max(each, 1e-7))))
            if setting.batch > 1 and setting.type == "cpu":
                self.singles.append(each)
            else:
                few = max(1, min(25, round(target / max(each, 1e-7))))
                self.singles += single_seconds(self.call, self.pool, few, device)

    def weigh(self, seconds: float) -> None:
        """Energy a picture, over a window of ``seconds``; nothing without a watch that counts it."""
        before = self.watch.joules() if self.watch is not None else None
        if before is None or not self.loops:
            return
        assert self.watch is not None
        count = max(1, round(seconds / float(np.median(self.loops))))
        with torch.inference_mode(), matmul_precision(self.setting.precision):
            loop_seconds(self.call, self.pool, count, self.setting.device)
        self.joules_per_image = ((self.watch.joules() or math.nan) - before) / (count * self.setting.batch)

    @property
    def settled(self) -> bool:
        """Whether the median's interval is narrow enough."""
        median, low, high = median_interval(self.loops)
        return not math.isnan(low) and high - median <= TARGET * median and median - low <= TARGET * median


def _levels_of(filled: Any) -> np.ndarray:
    array = filled.cpu().numpy() if isinstance(filled, torch.Tensor) else filled
    return array.astype(np.int16)


def share_within_one(difference: np.ndarray) -> float:
    """Of pixels (…, H, W, 3) that differ by one level at most in every channel."""
    return float((difference.max(axis=-1) <= 1).mean())


def first_line(error: BaseException) -> str:
    """What went wrong, in a line. TorchScript says that last, torch.compile after who raised it."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    if "TorchScript interpreter" in lines[0]:
        return lines[-1]
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
