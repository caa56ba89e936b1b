"""Telling out-of-memory from every other failure, and measuring how much is taken."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from variants.free_memory import available_mib

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
        raise MemoryError(f"{mib:,.0f} MiB needed; only {SHARE:.0%} of the {there:,.0f} MiB free may be used")


def release(device: str) -> None:
    """Give cached GPU memory back, so that the next measurement begins from what is really in use."""
    if device.startswith("cuda"):
        gc.collect()  # a recorded training and its session hold each other
        torch.cuda.empty_cache()


@dataclass
class Gauge:
    """What torch's CUDA allocator held at most since the gauge was made, beyond what it held then."""

    device: str
    before: int

    def peak_mib(self) -> float:
        """Most memory held since the gauge was made, in MiB above what was held then."""
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
