"""Large pictures and models from outside: memory is asked for before such a picture is filled.

Nobody knows what a model takes, so it is tried on a part of the picture, and what the process took more at its peak is
scaled to the whole. Linux alone tells the peak; elsewhere nothing is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.methods.keys import Keys
from variants.errors import FillError
from variants.free_memory import available_mib

LARGE = 2 * 1024 * 1024
"""Pixels of a picture up to which no memory is asked for."""

TRIED = 1024
"""Side in pixels of the part that is tried."""

SHARE = 0.8
"""Of the memory that is free, what a picture may take."""

INSTEAD = Keys(size=(TRIED, TRIED), fit="tile")
"""What takes the memory of a part alone."""


class TooLarge(FillError):
    """A picture that the model would need more memory for than there is."""


def peak_mib(call: Callable[[], object]) -> float:
    """What the process took at most during a call beyond what it had; 0 where the system does not tell."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forgets the earlier peak
        before = status_mib("VmRSS")
    except OSError:
        call()
        return 0.0
    call()
    return max(0.0, status_mib("VmHWM") - before)


def status_mib(key: str) -> float:
    """A figure of this process, such as the memory that it holds or held at most."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{key}:")), 0.0)


def a_part(image: np.ndarray, hole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The middle of a picture, uint8 (H, W, 3) and bool (H, W), with a hole in it."""
    height, width = hole.shape
    rows, columns = (slice(max(0, n // 2 - TRIED // 2), n // 2 + TRIED // 2) for n in (height, width))
    part = np.zeros_like(hole[rows, columns])
    part[: len(part) // 2] = True
    return image[rows, columns], part


def require(name: str, mib: float, size: tuple[int, int]) -> None:
    """Raises TooLarge where a picture of ``size``, (height, width), would not fit: the system kills who takes more."""
    free = available_mib()
    if mib > SHARE * free:
        height, width = size
        raise TooLarge(
            f"{name} would take about {mib:,.0f} MiB for a picture of {width} x {height}, and {free:,.0f} MiB are free"
        )
