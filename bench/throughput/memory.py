"""Telling out-of-memory from every other failure, and knowing how much there is."""

from __future__ import annotations

from pathlib import Path

import torch

CPU_MESSAGES = ("can't allocate memory", "not enough memory", "bad_alloc")
"""What torch's CPU allocator says; CUDA's has an exception class of its own."""


def is_out_of_memory(error: BaseException) -> bool:
    """True for real memory exhaustion alone: any other error of the same class must be seen, not retried."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in CPU_MESSAGES)


def available_mib(device: str) -> float:
    """Memory that a batch could still take. On Linux the CPU's overcommits: past it, processes are killed."""
    if device.startswith("cuda"):
        free, _ = torch.cuda.mem_get_info(device)
        return (free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)) / 2**20
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        for line in meminfo.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) / 1024
    return float("inf")


def release(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
