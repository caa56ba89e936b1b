"""How much memory there is for a process to take."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


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
