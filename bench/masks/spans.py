"""Filling shapes from the columns they span in each row.

Every convex shape covers one run of columns per row, so a hole is known by its first and last column in
each row. The arithmetic is +, -, *, / and sqrt of float64 and of integers, each rounded the one way that
IEEE 754 allows, and never sin or cos, whose last bit is the maths library's own: the same bits on every
platform and under every version of every library. That is why strokes are not drawn by PIL or OpenCV,
whose rasterisers are theirs to change.
"""

from __future__ import annotations

import numpy as np


def fill(first: np.ndarray, last: np.ndarray, width: int) -> np.ndarray:
    """Holes bool (N, H, width) of one run a row: columns ``first`` to ``last``, both included.

    first, last: integers (N, H), clipped to the picture here; a row with ``last < first`` stays known.
    """
    # A column lies in the run when its distance from the run's start, taken as unsigned, is below the run's
    # length: one subtraction and one comparison a pixel, in 16 bits.
    start = np.clip(first, 0, width)
    length = np.clip(np.clip(last, -1, width - 1) - start + 1, 0, width)
    columns = np.arange(width, dtype=np.uint16)
    return (columns - start.astype(np.uint16)[..., None]) < length.astype(np.uint16)[..., None]


def capsules(holes: np.ndarray, member: np.ndarray, start: np.ndarray, end: np.ndarray, radius: np.ndarray) -> None:
    """Add straight strokes with round ends to ``holes`` in place: all pixels within ``radius`` of a segment.

    holes: bool (N, H, W). member: which hole each of the S strokes belongs to, (S,). start, end: integer
    pixel coordinates (S, 2) as (x, y), which may lie outside. radius: pixels, (S,).
    """
    count, height, width = holes.shape
    x0, y0 = start[:, 0].astype(float), start[:, 1].astype(float)
    dx, dy = end[:, 0] - x0, end[:, 1] - y0
    # From top to bottom, and from left to right where level: left edges then start at the first end.
    turned = (dy < 0) | ((dy == 0) & (dx < 0))
    x0, y0 = np.where(turned, x0 + dx, x0), np.where(turned, y0 + dy, y0)
    dx, dy = np.where(turned, -dx, dx), np.abs(dy)
    radius = radius.astype(float)
    level = dy == 0
    slope = np.where(level, 0.0, dx / np.where(level, 1.0, dy))
    length = np.sqrt(dx * dx + dy * dy)
    lean = radius * dx / np.where(length == 0, 1.0, length)
    reach = np.where(level, dx, 0.0)

    top = np.clip(np.ceil(y0 - radius), 0, height).astype(np.int64)
    bottom = np.clip(np.floor(y0 + dy + radius), -1, height - 1).astype(np.int64)
    rows = np.maximum(bottom - top + 1, 0)
    stroke = np.repeat(np.arange(len(rows)), rows)
    row = np.arange(len(stroke)) - np.repeat(np.cumsum(rows) - rows - top, rows)
    below = row - y0[stroke]
    dy, slope, lean, x0, squared = dy[stroke], slope[stroke], lean[stroke], x0[stroke], (radius**2)[stroke]

    # The stroke is a disc that slides from end to end; its outline in a row is that of the disc whose
    # tangent point lies on the row, or of the disc at an end.
    at = np.clip(below - lean, 0, dy)
    left = x0 + slope * at - np.sqrt(np.maximum(squared - (below - at) ** 2, 0))
    at = np.clip(below + lean, 0, dy)
    right = x0 + reach[stroke] + slope * at + np.sqrt(np.maximum(squared - (below - at) ** 2, 0))

    first = np.clip(np.ceil(left), 0, width).astype(np.int64)
    last = np.clip(np.floor(right), -1, width - 1).astype(np.int64) + 1
    line = (member[stroke] * height + row) * (width + 1)
    seen = first < last
    depth = np.zeros(count * height * (width + 1), np.int16)
    np.add.at(depth, (line + first)[seen], np.int16(1))
    np.add.at(depth, (line + last)[seen], np.int16(-1))
    depth = depth.reshape(count, height, width + 1)
    np.cumsum(depth, axis=-1, out=depth)
    holes |= depth[..., :width] > 0
