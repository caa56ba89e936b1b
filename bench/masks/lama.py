"""The random masks of LaMa (Suvorov et al., WACV 2022), by its published generator settings.

A hole is either brush strokes (76.9 %) or boxes (23.1 %): LaMa's configuration weighs them 1 to 0.3; thin
masks have no boxes. A stroke is a walk of 1 to 5 straight segments, each with its own angle, length and
brush, and a walk that would leave the picture is cut at its edge. A hole of more than half the picture is
drawn again, never dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np

from bench.draws import integers, uniforms
from bench.masks.registry import mask
from bench.masks.spans import capsules

SEGMENTS = 5
BOX_SHARE = 0.3 / 1.3
LARGEST_AREA = 0.5
ATTEMPTS = 100
CHUNK_PIXELS = 1 << 21

# sin and cos of 0.01, 1.01, 2.01 and 3.01 in units of 2^-30: written out, so that no maths library's last
# bit decides where a stroke ends.
UNIT = 1 << 30
SINES = np.array([10737239, 909278769, 971833592, 140889092])
COSINES = np.array([1073688137, 571081101, -456575266, -1064458439])


@dataclass(frozen=True)
class Settings:
    """One LaMa configuration: counts, and pixels at the side it was published for.

    brush, length: the least and the number of values from there on. boxes: (fewest, most); box: (smallest,
    largest) side.
    """

    strokes: tuple[int, int]
    brush: tuple[int, int]
    length: tuple[int, int]
    boxes: tuple[int, int] = (0, 0)
    box: tuple[int, int] = (0, 0)
    margin: int = 0


THIN = {256: Settings((4, 51), (5, 10), (10, 40)), 512: Settings((4, 71), (5, 20), (10, 100))}
MEDIUM = {
    256: Settings((4, 6), (5, 50), (10, 100), (1, 5), (10, 50), 0),
    512: Settings((4, 11), (5, 100), (10, 200), (1, 5), (30, 150), 0),
}
THICK = {
    256: Settings((1, 6), (5, 100), (10, 200), (1, 3), (30, 150), 10),
    512: Settings((1, 6), (5, 250), (10, 450), (1, 4), (30, 300), 10),
}


@mask("lama_thin")
def lama_thin(size: tuple[int, int], seed: int, indices: np.ndarray) -> np.ndarray:
    """LaMa's thin strokes: 4 to 51 short walks of a fine brush, no boxes."""
    return draw_lama("lama_thin", THIN, size, seed, indices)


@mask("lama_medium")
def lama_medium(size: tuple[int, int], seed: int, indices: np.ndarray) -> np.ndarray:
    """LaMa's medium masks: 4 to 6 walks of a broad brush, or 1 to 5 small boxes."""
    return draw_lama("lama_medium", MEDIUM, size, seed, indices)


@mask("lama_thick")
def lama_thick(size: tuple[int, int], seed: int, indices: np.ndarray) -> np.ndarray:
    """LaMa's thick masks: 1 to 6 long walks of a very broad brush, or 1 to 3 large boxes."""
    return draw_lama("lama_thick", THICK, size, seed, indices)


def draw_lama(
    name: str, published: dict[int, Settings], size: tuple[int, int], seed: int, indices: np.ndarray
) -> np.ndarray:
    """Holes of one configuration; pixels scale with the picture's side from the nearer published one.

    The side of a picture that is not square is the root of its area, so that the hole's share stays.
    """
    height, width = size
    side = isqrt(height * width)
    base = 256 if side < 384 else 512
    holes = np.zeros((len(indices), height, width), bool)
    step = max(CHUNK_PIXELS // (height * width), 1)
    for begin in range(0, len(indices), step):
        part = slice(begin, begin + step)
        redrawn(
            holes[part],
            lambda rows, attempt: one_round(f"mask/{name}/{attempt}", published[base], side / base, size, seed, rows),
            indices[part],
        )
    return holes


def redrawn(holes, draw_round, indices):  # type: ignore[no-untyped-def]
    """Draw until every hole covers half the picture or less."""
    pending = np.arange(len(indices))
    limit = holes.shape[1] * holes.shape[2] * LARGEST_AREA
    for attempt in range(ATTEMPTS):
        drawn = draw_round(indices[pending], attempt)
        holes[pending] = drawn
        pending = pending[np.count_nonzero(drawn, axis=(1, 2)) > limit]
        if not len(pending):
            return


def one_round(
    stream: str, settings: Settings, scale: float, size: tuple[int, int], seed: int, indices: np.ndarray
) -> np.ndarray:
    """One draw per index, whatever its area: bool (len(indices), H, W)."""
    height, width = size
    holes = np.zeros((len(indices), height, width), bool)
    if settings.boxes[1]:
        boxed = uniforms(seed, stream + "/kind", indices, 1)[:, 0] < BOX_SHARE
    else:
        boxed = np.zeros(len(indices), bool)
    walks(holes, np.flatnonzero(~boxed), stream + "/strokes", settings, scale, seed, indices)
    for row in np.flatnonzero(boxed):
        boxes(holes[row], stream + "/boxes", settings, scale, seed, int(indices[row]))
    return holes


def pixels(value: np.ndarray, scale: float) -> np.ndarray:
    """Published pixels at this picture's scale, one at least."""
    return np.maximum(np.floor(value * scale), 1).astype(np.int64)


def walks(
    holes: np.ndarray,
    members: np.ndarray,
    stream: str,
    settings: Settings,
    scale: float,
    seed: int,
    indices: np.ndarray,
) -> None:
    _, height, width = holes.shape
    most = settings.strokes[1]
    draws = uniforms(seed, stream, indices[members], 1 + most * (3 + 3 * SEGMENTS))
    strokes = integers(draws[:, 0], *settings.strokes)
    draws = draws[:, 1:].reshape(len(members), most, 3 + 3 * SEGMENTS)
    x, y = integers(draws[..., 0], 0, width - 1), integers(draws[..., 1], 0, height - 1)
    used = np.arange(most) < strokes[:, None]
    segments = np.where(used, integers(draws[..., 2], 1, SEGMENTS), 0)
    angle = integers(draws[..., 3 : 3 + SEGMENTS], 0, 3)
    length = integers(draws[..., 3 + SEGMENTS : 3 + 2 * SEGMENTS], settings.length[0], sum(settings.length) - 1)
    brush = integers(draws[..., 3 + 2 * SEGMENTS :], settings.brush[0], sum(settings.brush) - 1)
    length, brush = pixels(length, scale), pixels(brush, scale)
    mirrored = np.where(np.arange(most) % 2 == 0, -1, 1)[:, None]
    run, fall = length * SINES[angle] * mirrored, length * COSINES[angle]
    member, start, end, radius = [], [], [], []
    for segment in range(SEGMENTS):
        to_x = np.clip(x * UNIT + run[..., segment], 0, width * UNIT) // UNIT
        to_y = np.clip(y * UNIT + fall[..., segment], 0, height * UNIT) // UNIT
        drawn = segments > segment
        member.append(np.broadcast_to(members[:, None], drawn.shape)[drawn])
        start.append(np.stack([x[drawn], y[drawn]], axis=1))
        end.append(np.stack([to_x[drawn], to_y[drawn]], axis=1))
        radius.append((brush[..., segment][drawn] + 1) // 2)
        x, y = to_x, to_y
    capsules(holes, np.concatenate(member), np.concatenate(start), np.concatenate(end), np.concatenate(radius))


def boxes(hole: np.ndarray, stream: str, settings: Settings, scale: float, seed: int, index: int) -> None:
    height, width = hole.shape
    draws = uniforms(seed, stream, index, 1 + 4 * settings.boxes[1])[0]
    margin = int(settings.margin * scale)
    smallest, largest = (int(pixels(np.asarray(side), scale)) for side in settings.box)
    largest = max(min(largest, height - 2 * margin, width - 2 * margin), 1)
    smallest = min(smallest, largest)
    for box in range(int(integers(draws[0], *settings.boxes))):
        u = draws[1 + 4 * box : 5 + 4 * box]
        wide, tall = int(integers(u[0], smallest, largest)), int(integers(u[1], smallest, largest))
        left = int(integers(u[2], margin, width - margin - wide))
        top = int(integers(u[3], margin, height - margin - tall))
        hole[top : top + tall, left : left + wide] = True
