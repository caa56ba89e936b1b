"""Circles and ellipses, which the paper added to the rectangles for variety.

Pixels and centres are measured in half pixels, so that a centre on a pixel and one between two are both
whole numbers: pixel (x, y) has its middle at (2x + 1, 2y + 1), and a diameter in pixels is a radius in
half pixels.
"""

from __future__ import annotations

import numpy as np

from bench.masks.registry import mask
from bench.masks.spans import Runs, filled
from bench.util.draws import integers, uniforms

TURNS = 32
"""Directions of an ellipse's long axis over half a turn."""

_ANGLES = np.pi * np.arange(TURNS) / TURNS
COSINES = np.rint(64 * np.cos(_ANGLES)).astype(np.int64)
SINES = np.rint(64 * np.sin(_ANGLES)).astype(np.int64)
"""In 64ths: rounded to whole numbers, so that no maths library's last bit reaches a hole."""


@mask("circle")
@filled
def circle(size: tuple[int, int], seed: int, indices: np.ndarray) -> Runs:
    """One circle wholly inside the picture, its diameter 1/8 to 1/2 of the shorter side.

    >>> circle((64, 64), 0, np.arange(2)).shape
    (2, 64, 64)
    """
    return _discs(size, seed, indices)


def _discs(size: tuple[int, int], seed: int, indices: np.ndarray) -> Runs:
    """Circles as one run of columns a row; diameter and centre are drawn."""
    height, width = size
    draws = uniforms(seed, "mask/circle", indices, 3)
    diameter = diameters(draws[:, 0], size)
    x = integers(draws[:, 1], diameter, 2 * width - diameter)
    y = integers(draws[:, 2], diameter, 2 * height - diameter)
    down = 2 * np.arange(height) + 1 - y[:, None]
    inside = (diameter**2)[:, None] - down**2
    half = np.sqrt(np.maximum(inside, 0))
    return between(x[:, None] - half, x[:, None] + half, inside >= 0, width)


@mask("ellipse")
@filled
def ellipse(size: tuple[int, int], seed: int, indices: np.ndarray) -> Runs:
    """One ellipse turned any way, wholly inside the picture, its axes 1/8 to 1/2 of the shorter side.

    >>> area = int(ellipse((64, 64), 0, np.arange(1)).sum())
    >>> 40 < area < 820  # axes of 8 to 32 pixels: 50 (8 by 8) to 804 (32 by 32)
    True
    """
    if min(size) == 1:
        # No room to turn.
        return _discs(size, seed, indices)
    height, width = size
    draws = uniforms(seed, "mask/ellipse", indices, 5)
    first, second = diameters(draws[:, 0], size), diameters(draws[:, 1], size)
    turn = integers(draws[:, 2], 0, TURNS - 1)
    cosine, sine = COSINES[turn], SINES[turn]
    # a x^2 + 2 b x y + c y^2 <= r is the ellipse about its centre, in half pixels and 64ths.
    one, two = first.astype(float) ** 2, second.astype(float) ** 2
    a = cosine**2 * two + sine**2 * one
    b = cosine * sine * (two - one)
    c = sine**2 * two + cosine**2 * one
    r = one * two * 4096.0
    # The true extents, rounded up; the table's rounding makes cos^2 + sin^2 differ from 1 by a percent.
    det = a * c - b * b
    reach_x = np.minimum(np.ceil(np.sqrt(c * r / det)).astype(np.int64), width)
    reach_y = np.minimum(np.ceil(np.sqrt(a * r / det)).astype(np.int64), height)
    x = integers(draws[:, 3], reach_x, 2 * width - reach_x)
    y = integers(draws[:, 4], reach_y, 2 * height - reach_y)
    down = 2 * np.arange(height) + 1.0 - y[:, None]
    inside = (a * r)[:, None] - det[:, None] * down**2
    middle = x[:, None] - b[:, None] * down / a[:, None]
    half = np.sqrt(np.maximum(inside, 0)) / a[:, None]
    return between(middle - half, middle + half, inside >= 0, width)


def diameters(draw: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Whole pixels from 1/8 to 1/2 of the shorter side; 2 or more, so that some pixel is always covered.

    >>> diameters(np.array([0.0, 0.999]), (64, 128)).tolist()
    [8, 32]
    """
    side = min(size)
    return integers(draw, min(max(side // 8, 2), side), min(max(side // 2, 2), side))


def between(left: np.ndarray, right: np.ndarray, inside: np.ndarray, width: int) -> Runs:
    """The pixels whose middles lie between ``left`` and ``right`` (half pixels, (N, H)) where ``inside``.

    >>> first, last = between(np.array([[2.0]]), np.array([[6.0]]), np.array([[True]]), width=8)
    >>> first.tolist(), last.tolist()  # middles at 3 and 5 half pixels: pixels 1 and 2
    ([[1]], [[2]])
    """
    first = np.where(inside, np.ceil((left - 1) / 2), width).astype(np.int64)
    last = np.where(inside, np.floor((right - 1) / 2), -1).astype(np.int64)
    return first, last
