"""Free-form brush strokes, as drawn to train gated convolutions (Yu et al., ICCV 2019)."""

from __future__ import annotations

from math import isqrt

import numpy as np

from bench.masks.redraw import redrawn
from bench.masks.registry import mask
from bench.masks.strokes import Canvas, direction, draw_walks
from bench.util.draws import integers, uniforms

WALKS = (1, 4)
SEGMENTS = (4, 12)
BRUSH = (12, 40)
"""Pixels at 256."""

SINES, COSINES = direction(2 * np.pi * (1 / 5 + np.linspace(-1, 1, 33) / 15))
"""A segment's angle: 2/5 of half a turn, give or take 2/15."""


@mask("freeform")
def freeform(size: tuple[int, int], seed: int, indices: np.ndarray) -> np.ndarray:
    """Brush strokes: 1 to 4 zigzag walks of 4 to 12 segments, 12 to 40 px wide at 256, turned at random.

    >>> holes = freeform((64, 64), seed=0, indices=np.arange(3))
    >>> holes.shape, bool(holes.any((1, 2)).all())
    ((3, 64, 64), True)
    """
    canvas = Canvas.of(size, 256)
    reach = isqrt(canvas.height**2 + canvas.width**2) / 4
    most, longest = WALKS[1], SEGMENTS[1]
    each = 6 + 3 * longest

    def draw(chosen: np.ndarray, attempt: int) -> np.ndarray:
        draws = uniforms(seed, f"mask/freeform/{attempt}", chosen, 1 + most * each)
        used = np.arange(most) < integers(draws[:, 0], *WALKS)[:, None]
        member, _ = np.nonzero(used)
        draws = draws[:, 1:].reshape(len(chosen), most, each)[used]
        x, y = integers(draws[:, 0], 0, canvas.width - 1), integers(draws[:, 1], 0, canvas.height - 1)
        segments, brush = integers(draws[:, 2], *SEGMENTS), integers(draws[:, 3], *BRUSH)
        angle, one, two = (draws[:, 6 + longest * part :][:, :longest] for part in range(3))
        angle = integers(angle, 0, len(SINES) - 1)
        # The mean of two draws has the centre of the clipped normal that was published, without a logarithm.
        length = np.floor((one + two) / 2 * reach).astype(np.int64)
        zigzag = np.where(np.arange(longest) % 2 == 0, -1, 1)
        run, fall = length * COSINES[angle], length * SINES[angle] * zigzag
        turned, mirror = draws[:, 4, None] < 0.5, np.where(draws[:, 5, None] < 0.5, -1, 1)
        run, fall = np.where(turned, fall, run) * mirror, np.where(turned, run, fall) * mirror
        radius = np.repeat(brush[:, None] / 2, longest, axis=1)
        return draw_walks(canvas, len(chosen), member, x, y, run, fall, segments, radius)

    return redrawn(draw, indices, size)
