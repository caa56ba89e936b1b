"""Half pictures and frames: holes that reach the picture's edge, where nothing is known beyond."""

from __future__ import annotations

import numpy as np

from bench.masks.registry import mask
from bench.util.draws import integers, uniforms


@mask("half")
def half(size: tuple[int, int], seed: int, indices: np.ndarray) -> np.ndarray:
    """One half of the picture: left, right, top or bottom, drawn per picture (of an odd side, the smaller).

    >>> half((4, 8), 0, np.arange(3)).sum((1, 2)).tolist()
    [16, 16, 16]
    """
    height, width = size
    sides = integers(uniforms(seed, "mask/half", indices, 1)[:, 0], 0, 3)
    tall, wide = max(height // 2, 1), max(width // 2, 1)
    each = np.zeros((4, height, width), bool)
    each[0, :, :wide] = True
    each[1, :, width - wide :] = True
    each[2, :tall] = True
    each[3, height - tall :] = True
    return each[sides]


@mask("border")
def border(size: tuple[int, int], seed: int, indices: np.ndarray) -> np.ndarray:
    """Outpainting: a frame of 1/8 of each side is missing all round, the same for every seed and index.

    >>> border((8, 8), 0, np.arange(1)).sum().item()  # 64 - 36
    28
    """
    height, width = size
    tall, wide = max(height // 8, 1), max(width // 8, 1)
    hole = np.ones((len(indices), height, width), bool)
    hole[:, tall : height - tall, wide : width - wide] = False
    return hole
