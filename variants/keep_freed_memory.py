"""Keeping freed memory inside the process, for loops that free and ask for the same large blocks every step."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
"""Numbers of glibc's ``mallopt`` (malloc.h)."""


def keep_freed_memory() -> bool:
    """Tell glibc not to hand freed blocks back to the system; True where it listened.

    By default it returns every large block, and the next step pays a page fault for each 4 KiB of it: over a
    thousand a training step at 64 px. For the whole process and for good, so call it in workers that train.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, 64 << 20))
    return all(mallopt(option, value) == 1 for option, value in settings)
