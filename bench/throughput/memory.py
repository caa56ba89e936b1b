"""Telling out-of-memory from every other failure, and measuring how much is taken."""

from __future__ import annotations

import contextlib
import gc
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

CPU_MESSAGES = ("can't allocate memory", "not enough memory", "bad_alloc")
"""What torch's CPU allocator says; CUDA's has an exception class of its own."""

CGROUPS = Path("/sys/fs/cgroup")

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


def available_mib() -> float:
    """Memory that is free for the CPU and that this process may take; infinity where the system does not say."""
    meminfo = Path("/proc/meminfo")
    free = math.inf
    if meminfo.is_file():
        for line in meminfo.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                free = int(line.split()[1]) / 1024
    return min(free, group_mib(CGROUPS, Path("/proc/self/cgroup")))


def group_mib(root: Path, membership: Path) -> float:
    """What the limits of the process's Linux control group and of those above it leave, as containers and job
    schedulers set them (version 2); infinity without a limit. Files in the page cache that nobody used lately count
    as free, since the kernel drops them first."""
    try:
        lines = membership.read_text(encoding="ascii").splitlines()
        own = next(line.removeprefix("0::/") for line in lines if line.startswith("0::/"))
    except (OSError, StopIteration):
        return math.inf
    left = math.inf
    for folder in (root / own, *(root / own).parents):
        if not folder.is_relative_to(root):
            break
        with contextlib.suppress(OSError, ValueError):  # the root group has no limit, and most others "max"
            limit = int((folder / "memory.max").read_text(encoding="ascii"))
            used = int((folder / "memory.current").read_text(encoding="ascii"))
            facts = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines())
            left = min(left, (limit - used + int(facts.get("inactive_file", 0))) / 2**20)
    return left


def release(device: str) -> None:
    if device.startswith("cuda"):
        gc.collect()  # a recorded training and its session hold each other
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
