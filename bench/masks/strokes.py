"""Brush strokes: walks of straight segments with round ends.

OpenCV and PIL can draw these, but their rasterisers are theirs to change, and one call per segment is
slower than drawing the segments of many holes together as here.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from math import isqrt

import numpy as np

UNIT = 1 << 20
"""Directions are whole numbers of this part, far coarser than the last bit in which maths libraries differ."""

LEAST_RADIUS = 0.75
"""Pixels: a thinner brush would leave gaps, or miss every pixel's middle."""


def direction(angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """sin and cos of angles in radians, in whole ``UNIT``-ths, int64.

    >>> sine, cosine = direction(np.array([0.0, np.pi / 2]))
    >>> (sine / UNIT).tolist(), (cosine / UNIT).tolist()
    ([0.0, 1.0], [1.0, 0.0])
    """
    return np.rint(np.sin(angles) * UNIT).astype(np.int64), np.rint(np.cos(angles) * UNIT).astype(np.int64)


@dataclass(frozen=True)
class Canvas:
    """Where walks are walked, in whole units of a published side, and the picture it is scaled to.

    height, width: of the canvas, units. scale: the picture's pixels per unit. size: of the picture, pixels.
    """

    height: int
    width: int
    scale: float
    size: tuple[int, int]

    @classmethod
    def of(cls, size: tuple[int, int], side: int) -> Canvas:
        """The canvas of a picture: a square one has sides of ``side`` units, any other as many units in all.

        So a hole keeps its share of the picture whatever the picture's size and shape.

        >>> Canvas.of((64, 64), 256)
        Canvas(height=256, width=256, scale=0.25, size=(64, 64))
        """
        scale = isqrt(size[0] * size[1]) / side
        height, width = (max(round(pixels / scale), 1) for pixels in size)
        return cls(height, width, scale, size)

    def pixel(self, unit: np.ndarray) -> np.ndarray:
        """The place of a unit's middle in pixels.

        >>> Canvas.of((64, 64), 128).pixel(np.array([0, 2])).tolist()  # half a pixel a unit
        [-0.25, 0.75]
        """
        return (unit + 0.5) * self.scale - 0.5


def draw_walks(
    canvas: Canvas,
    count: int,
    member: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    run: np.ndarray,
    fall: np.ndarray,
    segments: np.ndarray,
    radius: np.ndarray,
) -> np.ndarray:
    """Holes bool (count, H, W) of K walks that start at (x, y); lengths are in units of the canvas.

    member: the hole of each walk, (K,). run, fall: the step of each segment to the right and down, in
    ``UNIT``-ths, (K, S). segments: how many of the S are walked, 1 or more, (K,). radius: of the brush,
    (K, S). A step that would leave the canvas ends on its edge.

    >>> row, one = Canvas(height=1, width=5, scale=1.0, size=(1, 5)), np.array([1])
    >>> right, level, brush = np.array([[2 * UNIT]]), np.array([[0]]), np.array([[0.75]])
    >>> draw_walks(row, 1, one - 1, one, one - 1, right, level, one, brush).astype(int).tolist()  # from 1 to 3
    [[[0, 1, 1, 1, 0]]]
    """
    members, starts, ends, radii = [], [], [], []
    for segment in range(segments.max()):
        walked = segments > segment
        member, x, y, segments = member[walked], x[walked], y[walked], segments[walked]
        run, fall, radius = run[walked], fall[walked], radius[walked]
        to_x = np.clip(x * UNIT + run[:, segment], 0, canvas.width * UNIT) // UNIT
        to_y = np.clip(y * UNIT + fall[:, segment], 0, canvas.height * UNIT) // UNIT
        members.append(member)
        starts.append(np.stack([x, y]))
        ends.append(np.stack([to_x, to_y]))
        radii.append(radius[:, segment])
        x, y = to_x, to_y
    return draw_segments(
        (count, *canvas.size),
        np.concatenate(members),
        canvas.pixel(np.concatenate(starts, axis=1)),
        canvas.pixel(np.concatenate(ends, axis=1)),
        np.maximum(np.concatenate(radii) * canvas.scale, LEAST_RADIUS),
    )


def draw_segments(
    shape: tuple[int, int, int], member: np.ndarray, start: np.ndarray, end: np.ndarray, radius: np.ndarray
) -> np.ndarray:
    """Holes bool ``shape`` = (N, H, W): every pixel within ``radius`` of one of its hole's S segments.

    member: the hole of each segment, (S,). start, end: pixels (2, S) as (x, y). radius: pixels, (S,).

    >>> start, end = np.array([[1.0], [0.0]]), np.array([[3.0], [0.0]])
    >>> draw_segments((1, 1, 5), np.array([0]), start, end, np.array([0.75])).astype(int).tolist()
    [[[0, 1, 1, 1, 0]]]
    """
    count, height, width = shape
    one = np.float32
    start, end, radius = start.astype(one), end.astype(one), radius.astype(one)
    # From left to right, or downwards where upright.
    turned = (end[0] < start[0]) | ((end[0] == start[0]) & (end[1] < start[1]))
    x0, y0 = np.where(turned, end, start)
    x1, y1 = np.where(turned, start, end)
    dx, dy = x1 - x0, y1 - y0
    upright = dx == 0
    slope = dy / np.where(upright, one(np.inf), dx)
    length = np.sqrt(dx * dx + dy * dy)
    lean = radius * (dy / np.where(length > 0, length, one(1)))

    # One entry for each column that a segment touches.
    left = np.clip(np.ceil(x0 - radius), 0, width)
    columns = np.maximum(np.minimum(np.floor(x1 + radius), width - 1) - left + 1, 0).astype(np.int64)
    begin = np.cumsum(columns) - columns

    def each(values: np.ndarray) -> np.ndarray:
        return np.repeat(values, columns)

    column = np.arange(columns.sum()) - each(begin - left.astype(np.int64))
    along = column.astype(one) - each(x0)
    lean, dx, slope, square = each(lean), each(dx), each(slope), each(radius * radius)

    # A segment is a disc that slides from end to end. Its outline in a column is the outline of the disc
    # whose tangent point lies on the column, or of the disc at an end.
    def outline(shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        at = np.minimum(np.maximum(along - shift, 0), dx)
        across = along - at
        return at * slope, np.sqrt(np.maximum(square - across * across, 0))

    middle, half = outline(lean)
    top = np.minimum(np.maximum(np.ceil(middle - half + each(y0)), 0), height).astype(np.int64)
    middle, half = outline(-lean)
    bottom = np.minimum(np.maximum(np.floor(middle + half + each(np.where(upright, y1, y0))) + 1, 0), height)

    # At the top of each run stands where it ends; carried downwards, it tells whether a pixel lies in one.
    until = np.zeros((height + 1, count, width), np.uint16)
    place = (top * count + each(member)) * width + column
    np.maximum.at(until.reshape(-1), place, bottom.astype(np.uint16))
    for above, row in itertools.pairwise(until):
        np.maximum(above, row, out=row)
    holes = np.empty(shape, bool)
    np.greater(until[:height], np.arange(height, dtype=np.uint16)[:, None, None], out=holes.transpose(1, 0, 2))
    return holes
