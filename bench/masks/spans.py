"""Filling shapes that cover one run of columns per row: rectangles, circles, ellipses.

All of a hole's arithmetic, here and in the files beside, is whole numbers, or +, -, *, / and sqrt of floats,
which IEEE 754 rounds one way only. sin and cos, whose last bit is the maths library's own, are rounded to
whole numbers before use. So a hole has the same bits on every platform and under every library version.
"""

from __future__ import annotations

import numpy as np

CHUNK_PIXELS = 1 << 19


def fill(first: np.ndarray, last: np.ndarray, width: int) -> np.ndarray:
    """Holes bool (N, H, width) of columns ``first`` to ``last``, both included, in each row.

    first, last: integers (N, H), which may lie outside; a row with ``last < first`` stays known.
    """
    start = np.clip(first, 0, width)
    length = np.clip(np.clip(last, -1, width - 1) - start + 1, 0, width)
    start, length = start.astype(np.uint16)[..., None], length.astype(np.uint16)[..., None]
    columns = np.arange(width, dtype=np.uint16)
    holes = np.empty((*first.shape, width), bool)
    # A column lies in the run when its distance from the start, taken as unsigned, is below the length: one
    # subtraction and one comparison a pixel, in 16 bits, a few holes at a time so that both stay in cache.
    step = max(CHUNK_PIXELS // max(holes[0].size, 1), 1) if len(holes) else 1
    distance = np.empty((min(step, len(holes)), *holes.shape[1:]), np.uint16)
    for begin in range(0, len(holes), step):
        part = slice(begin, begin + step)
        room = distance[: len(holes[part])]
        np.subtract(columns, start[part], out=room)
        np.less(room, length[part], out=holes[part])
    return holes
