"""One thing being timed at one setting: made, warmed up, sampled in turns with the others, told as a row."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from bench.throughput import memory
from bench.throughput.ceilings import Ceilings
from bench.throughput.cost import Cost, count
from bench.throughput.precision import matmul_precision
from bench.throughput.quantiles import median_interval, quantile, samples_needed
from bench.throughput.settings import Setting
from bench.throughput.subjects import Call, Subject, inputs, prepare
from bench.throughput.timing import loop_seconds, single_seconds, warm_up

SAMPLE_S = {"cuda": 0.1, "mps": 0.1, "cpu": 0.02}
"""A throughput sample is a loop of at least about that long."""
POOL = 4
"""Different batches that a loop goes through."""
TARGET = 0.01
"""Sampling ends when the median's 95 % interval is within this share of it, on both sides."""


class Refused(Exception):
    """A setting that cannot be measured here; the message says why."""


@dataclass
class Cell:
    """``begin`` it, ``sample`` it until ``settled`` or out of time, then read its ``row``."""

    subject: Subject
    setting: Setting
    calls: int = 1
    call_s: float = math.nan
    prepare_s: float = math.nan
    loops: list[float] = field(default_factory=list)
    singles: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    peak_mib: float = math.nan
    cost: Cost = field(default_factory=Cost)
    max_difference: float = math.nan
    mean_difference: float = math.nan
    within_one: float = math.nan

    def begin(self, warm_s: float) -> None:
        """Make it, back off after out-of-memory alone, warm it up. Raises Refused with the reason."""
        asked = self.setting.batch
        while True:
            try:
                self.make(warm_s)
                break
            except Exception as error:
                if not memory.is_out_of_memory(error):
                    raise Refused(f"{self.subject.name} at {self.setting}: {first_line(error)}") from error
            self.drop()
            if self.setting.batch == 1:
                raise Refused(f"{self.subject.name} at {self.setting}: out of memory")
            self.setting = self.setting.with_batch(self.setting.batch // 2)
        if self.setting.batch < asked:
            self.notes.append(f"batch {asked} ran out of memory, {self.setting.batch} was measured")

    def make(self, warm_s: float) -> None:
        setting, device = self.setting, self.setting.device
        self.cost = count(self.subject, setting)
        need, there = self.cost.memory_mib, memory.available_mib(device)
        if setting.type == "cpu" and need > 0.8 * there:
            raise MemoryError(f"{need:.0f} MiB of {there:.0f}")
        began = time.perf_counter()
        with torch.inference_mode(), matmul_precision(setting.precision):
            self.call: Call = prepare(self.subject, setting)
            self.pool = inputs(setting, POOL)
            began = time.perf_counter()
            self.call(*self.pool[0])
            first_s = time.perf_counter() - began
            if setting.type == "cuda":
                torch.cuda.reset_peak_memory_stats(device)
            self.call_s, steady = warm_up(self.call, self.pool, device, warm_s)
        self.prepare_s = max(0.0, first_s - self.call_s)
        if setting.type == "cuda":
            self.peak_mib = torch.cuda.max_memory_allocated(device) / 2**20
        else:
            self.peak_mib = self.cost.memory_mib if self.subject.network is not None else python_peak_mib(self)
        if not steady:
            self.notes.append(f"not steady after {warm_s:.1f} s of warm-up")
        self.calls = max(1, round(SAMPLE_S[setting.type] / max(self.call_s, 1e-7)))

    def drop(self) -> None:
        """Let go of the network and the pictures."""
        self.call = lambda images, holes: None
        self.pool = []
        memory.release(self.setting.device)

    def compare(self, reference: Cell) -> None:
        """Difference of the pictures, in 8-bit levels, from ``reference``'s (the same subject, eager fp32)."""
        images, holes = self.pool[0]
        n = min(len(images), len(reference.pool[0][0]))
        with torch.inference_mode(), matmul_precision(self.setting.precision):
            mine = as_levels(self.call(images, holes))
        with torch.inference_mode(), matmul_precision("fp32"):
            theirs = as_levels(prepare(self.subject, reference.setting)(images, holes))
        difference = np.abs(mine[:n] - theirs[:n])
        self.max_difference, self.mean_difference = float(difference.max()), float(difference.mean())
        self.within_one = float((difference.max(axis=-1) <= 1).mean())

    def sample(self) -> None:
        """One throughput sample; and calls timed one by one, as a user who waits for each sees them.

        On the CPU a call returns when its work is done, so a loop over large batches is its own latency
        sample; batch 1 is timed apart everywhere.
        """
        device, target = self.setting.device, SAMPLE_S[self.setting.type]
        with torch.inference_mode(), matmul_precision(self.setting.precision):
            each = loop_seconds(self.call, self.pool, self.calls, device, len(self.loops)) / self.calls
            self.loops.append(each)
            self.calls = max(1, min(2 * self.calls, round(target / max(each, 1e-7))))
            if self.setting.batch > 1 and self.setting.type == "cpu":
                self.singles.append(each)
            else:
                few = max(1, min(25, round(target / max(each, 1e-7))))
                self.singles += single_seconds(self.call, self.pool, few, device)

    @property
    def settled(self) -> bool:
        """Whether the median's interval is narrow enough."""
        median, low, high = median_interval(self.loops)
        return not math.isnan(low) and high - median <= TARGET * median and median - low <= TARGET * median

    def row(self, ceilings: Ceilings) -> dict[str, Any]:
        """The record of this measurement (docs/throughput.md)."""
        setting, subject = self.setting, self.subject
        seconds, fast, slow = median_interval(self.loops)
        p50, p50_low, p50_high = median_interval(self.singles)
        share, bound = ceilings.share(self.cost, setting.precision, seconds)
        notes = list(self.notes)
        if not self.settled:
            wide = max(slow / seconds - 1, 1 - fast / seconds) if not math.isnan(fast) else math.nan
            text = f"±{wide:.1%}" if not math.isnan(wide) else "unknown"
            notes.append(f"time was up after {len(self.loops)} samples with the median's interval {text}, not ±1 %")
        if setting.batch == 1 and len(self.singles) < samples_needed(0.99):
            notes.append(f"p99 refused: {len(self.singles)} of {samples_needed(0.99)} samples")
        return {
            "variant": subject.name,
            "device": setting.device,
            "precision": setting.precision,
            "mode": setting.mode,
            "resolution": setting.resolution,
            "batch": setting.batch,
            "images_per_s": setting.batch / seconds,
            "images_per_s_low": setting.batch / slow,
            "images_per_s_high": setting.batch / fast,
            "latency_ms_p50": p50 * 1e3,
            "latency_ms_p50_low": p50_low * 1e3,
            "latency_ms_p50_high": p50_high * 1e3,
            "latency_ms_p90": quantile(self.singles, 0.9) * 1e3,
            "latency_ms_p99": quantile(self.singles, 0.99) * 1e3,
            "peak_memory_mib": self.peak_mib,
            "parameters": subject.parameters,
            "samples": len(self.loops),
            "latency_samples": len(self.singles),
            "settled": self.settled,
            "first_call_s": self.prepare_s,
            "gflops_per_image": self.cost.flops / setting.batch / 1e9 or math.nan,
            "mib_moved_per_image": self.cost.bytes / setting.batch / 2**20 or math.nan,
            "tflops_per_s": self.cost.flops / seconds / 1e12 or math.nan,
            "ceiling_tflops_per_s": ceilings.flops.get(setting.precision, math.nan) / 1e12,
            "ceiling_gib_per_s": ceilings.bandwidth / 2**30,
            "roofline_share": share,
            "bound": bound,
            "max_difference": self.max_difference,
            "mean_difference": self.mean_difference,
            "within_one_level": self.within_one,
            "warnings": "; ".join(notes),
        }


def as_levels(filled: Any) -> np.ndarray:
    array = filled.cpu().numpy() if isinstance(filled, torch.Tensor) else filled
    return array.astype(np.int16)


def python_peak_mib(cell: Cell) -> float:
    """The most memory that one call took from Python's allocators (arrays included)."""
    import tracemalloc

    tracemalloc.start()
    try:
        cell.call(*cell.pool[0])
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
