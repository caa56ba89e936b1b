"""The one fixed hole that every grid shows, as in the report."""

from __future__ import annotations

import numpy as np

from bench.masks.registry import mask


@mask("standard")
def standard(size: tuple[int, int], seed: int, indices: np.ndarray) -> np.ndarray:
    """The centre square of half the side, the same for every seed and index."""
    height, width = size
    hole = np.zeros((len(indices), height, width), bool)
    hole[:, height // 4 : height // 4 + height // 2, width // 4 : width // 4 + width // 2] = True
    return hole
