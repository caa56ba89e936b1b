"""The registry of mask types, and the one door through which holes are drawn.

A mask type is a function ``(size, seed, indices) -> holes``::

    @mask("rect")
    def rect(size: tuple[int, int], seed: int, indices: np.ndarray) -> np.ndarray:
        '''One upright rectangle (what the type is, its source).'''

``size`` is (height, width) in pixels, ``holes`` bool (len(indices), height, width), True where the picture
is missing. Row i depends on (seed, mask type, indices[i]) alone: draw with :mod:`bench.draws`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from variants.registry import Registry

MaskType = Callable[[tuple[int, int], int, np.ndarray], np.ndarray]

mask: Registry[MaskType] = Registry("mask", "bench.masks", "mask type")


def draw(name: str, size: tuple[int, int], seed: int, indices: np.ndarray | list[int] | range) -> np.ndarray:
    """Holes of type ``name``, bool (len(indices), H, W). Raises UnknownName for a wrong name."""
    return mask.get(name)(size, seed, np.asarray(indices, dtype=np.int64))
