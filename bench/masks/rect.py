"""Rectangles, the hole that the first inpainting networks were trained on."""

from __future__ import annotations

import numpy as np

from bench.masks.registry import mask
from bench.masks.spans import Runs, filled
from bench.util.draws import integers, uniforms


@mask("rect")
@filled
def rect(size: tuple[int, int], seed: int, indices: np.ndarray) -> Runs:
    """One upright rectangle anywhere in the picture, each side 1/8 to 1/2 of the picture's.

    >>> hole = rect((64, 64), 0, np.arange(1))[0]
    >>> bool(hole.sum() == hole.any(0).sum() * hole.any(1).sum())  # solid: width x height
    True
    """
    height, width = size
    draws = uniforms(seed, "mask/rect", indices, 4)
    tall = integers(draws[:, 0], max(height // 8, 1), max(height // 2, 1))
    wide = integers(draws[:, 1], max(width // 8, 1), max(width // 2, 1))
    top = integers(draws[:, 2], 0, height - tall)
    left = integers(draws[:, 3], 0, width - wide)
    below = np.arange(height) - top[:, None]
    inside = (below >= 0) & (below < tall[:, None])
    first = np.where(inside, left[:, None], width)
    last = np.where(inside, (left + wide - 1)[:, None], -1)
    return first, last
