"""The random masks of LaMa (Suvorov et al., WACV 2022), by its published generator settings.

The settings are for pictures of 256 and of 512 pixels; others take the nearer ones, scaled.

A hole is brush strokes or, in 0.3 of 1.3 draws, boxes; thin masks have no boxes. A stroke is a walk of one
to five straight segments, each with its own angle, length and brush, cut where it would leave the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.masks.redraw import redrawn
from bench.masks.registry import mask
from bench.masks.strokes import Canvas, direction, draw_walks
from bench.util.draws import integers, uniforms

SEGMENTS = 5
BOX_SHARE = 0.3 / 1.3
SINES, COSINES = direction(np.array([0.01, 1.01, 2.01, 3.01]))


@dataclass(frozen=True)
class Settings:
    """One configuration. Pairs are the least and the most, both drawn; all but counts are pixels."""

    strokes: tuple[int, int]
    brush: tuple[int, int]
    length: tuple[int, int]
    boxes: tuple[int, int] = (0, 0)
    side: tuple[int, int] = (0, 0)
    margin: int = 0


THIN = {256: Settings((4, 51), (5, 14), (10, 49)), 512: Settings((4, 71), (5, 24), (10, 109))}
MEDIUM = {
    256: Settings((4, 6), (5, 54), (10, 109), boxes=(1, 5), side=(10, 50)),
    512: Settings((4, 11), (5, 104), (10, 209), boxes=(1, 5), side=(30, 150)),
}
THICK = {
    256: Settings((1, 6), (5, 104), (10, 209), boxes=(1, 3), side=(30, 150), margin=10),
    512: Settings((1, 6), (5, 254), (10, 459), boxes=(1, 4), side=(30, 300), margin=10),
}


@mask("lama_thin")
def lama_thin(size: tuple[int, int], seed: int, indices: np.ndarray) -> np.ndarray:
    """LaMa's thin masks: 4 to 51 short walks of a fine brush (up to 71 at 512 px).

    >>> lama_thin((64, 64), seed=0, indices=np.arange(3)).shape
    (3, 64, 64)
    """
    return _draw_lama("mask/lama_thin", THIN, size, seed, indices)


@mask("lama_medium")
def lama_medium(size: tuple[int, int], seed: int, indices: np.ndarray) -> np.ndarray:
    """LaMa's medium masks: 4 to 6 walks of a broad brush (up to 11 at 512 px), or 1 to 5 boxes.

    >>> lama_medium((64, 64), seed=0, indices=np.arange(3)).shape
    (3, 64, 64)
    """
    return _draw_lama("mask/lama_medium", MEDIUM, size, seed, indices)


@mask("lama_thick")
def lama_thick(size: tuple[int, int], seed: int, indices: np.ndarray) -> np.ndarray:
    """LaMa's thick masks: 1 to 6 long walks of a very broad brush, or 1 to 3 large boxes (4 at 512 px).

    >>> alone = lama_thick((64, 64), seed=0, indices=np.array([2]))
    >>> bool((lama_thick((64, 64), seed=0, indices=np.arange(3))[2] == alone[0]).all())  # whatever else is drawn
    True
    """
    return _draw_lama("mask/lama_thick", THICK, size, seed, indices)


def _draw_lama(
    stream: str, published: dict[int, Settings], size: tuple[int, int], seed: int, indices: np.ndarray
) -> np.ndarray:
    """Holes by the settings published for 256 or 512, whichever is nearer, scaled to the picture."""
    side = 256 if size[0] * size[1] < 384 * 384 else 512
    settings, canvas = published[side], Canvas.of(size, side)

    def draw(chosen: np.ndarray, attempt: int) -> np.ndarray:
        here = f"{stream}/{attempt}"
        boxed = is_boxed(f"{here}/kind", settings, seed, chosen)
        if not boxed.any():
            return strokes(f"{here}/strokes", settings, canvas, seed, chosen)
        holes = np.empty((len(chosen), *size), bool)
        holes[boxed] = boxes(f"{here}/boxes", settings, canvas, seed, chosen[boxed])
        if not boxed.all():
            holes[~boxed] = strokes(f"{here}/strokes", settings, canvas, seed, chosen[~boxed])
        return holes

    return redrawn(draw, indices, size)


def is_boxed(stream: str, settings: Settings, seed: int, indices: np.ndarray) -> np.ndarray:
    """Which holes are boxes, bool (len(indices),).

    >>> is_boxed("example", THIN[256], 0, np.arange(3)).tolist()  # thin masks have no boxes
    [False, False, False]
    """
    return uniforms(seed, stream, indices, 1)[:, 0] < (BOX_SHARE if settings.boxes[1] else 0)


def strokes(stream: str, settings: Settings, canvas: Canvas, seed: int, indices: np.ndarray) -> np.ndarray:
    """Holes of walks: for each walk its start, its number of segments, and an angle, a length, a brush each.

    >>> strokes("example", THIN[256], Canvas.of((32, 32), 256), 0, np.arange(2)).shape
    (2, 32, 32)
    """
    most = settings.strokes[1]
    draws = uniforms(seed, stream, indices, 1 + most * (3 + 3 * SEGMENTS))
    used = np.arange(most) < integers(draws[:, 0], *settings.strokes)[:, None]
    member, walk = np.nonzero(used)
    draws = draws[:, 1:].reshape(len(indices), most, 3 + 3 * SEGMENTS)[used]
    angle, length, brush = (draws[:, 3 + SEGMENTS * part :][:, :SEGMENTS] for part in range(3))
    angle, length = integers(angle, 0, 3), integers(length, *settings.length)
    # OpenCV draws a line of thickness t as if of radius (t + 1) // 2 and a third: its outline is drawn too.
    radius = (integers(brush, *settings.brush) + 1) // 2 + 1 / 3
    # Every second walk is mirrored, from the first on: the sine changes its sign.
    mirror = np.where(walk % 2 == 0, -1, 1)[:, None]
    x, y = integers(draws[:, 0], 0, canvas.width - 1), integers(draws[:, 1], 0, canvas.height - 1)
    run, fall = length * SINES[angle] * mirror, length * COSINES[angle]
    segments = integers(draws[:, 2], 1, SEGMENTS)
    return draw_walks(canvas, len(indices), member, x, y, run, fall, segments, radius)


def boxes(stream: str, settings: Settings, canvas: Canvas, seed: int, indices: np.ndarray) -> np.ndarray:
    """Holes of boxes, which may overlap and keep ``margin`` from the picture's edge.

    >>> one = Settings((1, 1), (1, 1), (1, 1), boxes=(1, 1), side=(8, 8))  # one box of 8 by 8
    >>> boxes("example", one, Canvas.of((32, 32), 32), 0, np.arange(2)).sum((1, 2)).tolist()
    [64, 64]
    """
    draws = uniforms(seed, stream, indices, 1 + 4 * settings.boxes[1])
    count = integers(draws[:, 0], *settings.boxes)
    margin = settings.margin
    largest = max(min(settings.side[1], canvas.height - 2 * margin, canvas.width - 2 * margin), 1)
    smallest = min(settings.side[0], largest)
    across, down, right, below = np.moveaxis(draws[:, 1:].reshape(len(indices), -1, 4), 2, 0)
    wide, tall = integers(across, smallest, largest), integers(down, smallest, largest)
    left = integers(right, margin, canvas.width - margin - wide)
    top = integers(below, margin, canvas.height - margin - tall)
    # A pixel belongs to a box when its middle does; the smallest box of a small picture is one pixel.
    x0, x1, y0, y1 = (
        np.ceil(edge * canvas.scale - 0.5).astype(np.int64) for edge in (left, left + wide, top, top + tall)
    )
    x0, y0 = np.minimum(x0, canvas.size[1] - 1), np.minimum(y0, canvas.size[0] - 1)
    x1, y1 = np.maximum(x1, x0 + 1), np.maximum(y1, y0 + 1)
    holes = np.zeros((len(indices), *canvas.size), bool)
    for row in range(len(indices)):
        for box in range(count[row]):
            holes[row, y0[row, box] : y1[row, box], x0[row, box] : x1[row, box]] = True
    return holes
