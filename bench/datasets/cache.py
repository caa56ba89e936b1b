"""Decoded pictures kept in memory up to a limit.

What came first stays: pictures are gone through in order again and again, and were the oldest let go for the newest,
each would be gone by the time it is asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

LIMIT_MIB = 256


class PictureCache:
    """Pictures by key; safe to share between threads; pickles empty, so that workers start small."""

    def __init__(self, limit_mib: int = LIMIT_MIB) -> None:
        self.limit_mib = limit_mib
        self.used = 0
        self.pictures: dict[str, np.ndarray] = {}
        self.lock = threading.Lock()

    def get(self, key: str, read: Callable[[str], np.ndarray]) -> np.ndarray:
        """The picture of ``key``, read-only; made by ``read(key)`` where it is not at hand."""
        with self.lock:
            if key in self.pictures:
                return self.pictures[key]
        pixels = read(key)
        pixels.setflags(write=False)
        with self.lock:
            room = self.used + pixels.nbytes <= self.limit_mib * 2**20
            # One that is larger than the limit is kept alone: it is often asked for several times in turn.
            if key not in self.pictures and (room or not self.pictures):
                self.pictures[key] = pixels
                self.used += pixels.nbytes
        return pixels

    def pop(self, key: str) -> np.ndarray | None:
        """The picture of ``key``, which is then forgotten; None where it is not at hand."""
        with self.lock:
            pixels = self.pictures.pop(key, None)
            self.used -= 0 if pixels is None else pixels.nbytes
            return pixels

    def __getstate__(self) -> dict[str, Any]:
        return {"limit_mib": self.limit_mib}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["limit_mib"])  # type: ignore[misc]
