"""Arrays that are used again: large blocks given back to the system cost more in page faults, the next time they
are asked for, than the arithmetic done in them."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np

LARGEST_BYTES = 1 << 23
"""Larger arrays are not kept."""


class Scratch(threading.local):
    """Named blocks of the calling thread. What :meth:`array` gives is valid until it is asked for that name again."""

    def __init__(self) -> None:
        self.blocks: dict[str, np.ndarray] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """An uninitialised contiguous array.

        >>> scratch = Scratch()
        >>> first = scratch.array("a", (2, 3), np.float32)
        >>> first.shape, np.shares_memory(first, scratch.array("a", (3, 2), np.float32))  # the same block again
        ((2, 3), True)
        """
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if size > LARGEST_BYTES:
            return np.empty(shape, dtype)
        block = self.blocks.get(name)
        if block is None or len(block) < size:
            block = self.blocks[name] = np.empty(size, np.uint8)
        return block[:size].view(dtype).reshape(shape)


SCRATCH = Scratch()
