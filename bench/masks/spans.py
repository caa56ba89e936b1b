"""Filling shapes that cover one run of columns per row: circles, ellipses.

All of a hole's arithmetic, here and in the files beside, is whole numbers, or +, -, *, / and sqrt of floats,
which IEEE 754 rounds one way only. sin and cos, whose last bit is the maths library's own, are rounded to
whole numbers before use. So a hole has the same bits on every platform and under every library version.
"""

from __future__ import annotations

import numpy as np


def fill(first: np.ndarray, last: np.ndarray, width: int) -> np.ndarray:
    """Holes bool (N, H, width) of columns ``first`` to ``last``, both included, in each row.

    first, last: integers (N, H), which may lie outside; a row with ``last < first`` stays known.
    """
    start = np.clip(first, 0, width)
    length = np.clip(np.clip(last, -1, width - 1) - start + 1, 0, width)
    covered = length > 0
    top, bottom = covered.argmax(axis=1), covered.shape[1] - covered[:, ::-1].argmax(axis=1)
    left = np.where(covered, start, width).min(axis=1, initial=width)
    right = np.where(covered, start + length, 0).max(axis=1, initial=0)
    start, length = start.astype(np.uint16)[..., None], length.astype(np.uint16)[..., None]
    columns = np.arange(width, dtype=np.uint16)
    holes = np.zeros((*first.shape, width), bool)
    for hole, begin, count, y0, y1, x0, x1 in zip(holes, start, length, top, bottom, left, right, strict=True):
        # A column lies in the run when its distance from the start, taken as unsigned, is below the length.
        np.less(columns[x0:x1] - begin[y0:y1], count[y0:y1], out=hole[y0:y1, x0:x1])
    return holes
