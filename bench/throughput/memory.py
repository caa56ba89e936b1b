"""Telling out-of-memory from every other failure, and measuring how much is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

CPU_MESSAGES = ("can't allocate memory", "not enough memory", "bad_alloc")
"""What torch's CPU allocator says; CUDA's has an exception class of its own."""

SHARE = 0.8
"""Of the memory that is free, what a batch on the CPU may take."""


def is_out_of_memory(error: BaseException) -> bool:
    """True for real memory exhaustion alone: any other error of the same class must be seen, not retried."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in CPU_MESSAGES)


def require(mib: float) -> None:
    """Raise MemoryError where a batch would not fit: Linux overcommits, and kills who then uses what it gave."""
    there = available_mib()
    if mib > SHARE * there:
        raise MemoryError(f"needs {mib:.0f} MiB, {there:.0f} MiB are free")


def available_mib() -> float:
    """Memory that is free for the CPU, or infinity where the system does not say."""
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        for line in meminfo.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) / 1024
    return float("inf")


def release(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.empty_cache()


@dataclass
class Gauge:
    """What torch's CUDA allocator held at most since the gauge was made, beyond what it held then."""

    device: str
    before: int

    def peak_mib(self) -> float:
        return (torch.cuda.max_memory_allocated(self.device) - self.before) / 2**20


def gauge(device: str) -> Gauge | None:
    """A gauge on a CUDA device, None elsewhere."""
    if not device.startswith("cuda"):
        return None
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    return Gauge(device, torch.cuda.memory_allocated(device))


def python_peak_mib(call: Callable[[], Any]) -> float:
    """The most memory that one call took from Python's allocators (arrays included) at once."""
    import tracemalloc

    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()
