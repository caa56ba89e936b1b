"""The one fixed hole that every grid shows, as in the paper."""

from __future__ import annotations

import numpy as np

from bench.masks.registry import mask


@mask("standard")
def standard(size: tuple[int, int], seed: int, indices: np.ndarray) -> np.ndarray:
    """The middle half of each side, the same for every seed and index.

    >>> standard((8, 8), 0, np.arange(2)).sum((1, 2)).tolist()
    [16, 16]
    """
    height, width = size
    top, tall = height // 4, max(height // 2, 1)
    left, wide = width // 4, max(width // 2, 1)
    hole = np.zeros((len(indices), height, width), bool)
    hole[:, top : top + tall, left : left + wide] = True
    return hole
