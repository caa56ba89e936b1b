"""The composition of scenes: what is in each, where it stands and how it is lit; no pixel is drawn here."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from bench.datasets.scenes.moods import DAY, DUSK, OVERCAST, SUNSET, colours_of
from bench.util import draws

PLAIN, STRIPED, SPIRAL = range(3)

DRAWS = {
    "plan": 32,
    "colours": 8,
    "veil": 12,
    "sun": 8,
    "bank": 12,
    "hills": 4,
    "ridge0": 12,
    "ridge1": 12,
    "ridge2": 12,
    "sea": 14,
    "rocks": 16,
    "boat0": 12,
    "boat1": 12,
    "headland": 28,
    "lighthouse": 30,
    "house": 16,
    "birds": 24,
    "front": 24,
}
"""How many uniform draws each subject takes from a scene's row; a new subject goes last, so no other moves."""

SPANS = {}
_start = 0
for _subject, _count in DRAWS.items():
    SPANS[_subject] = slice(_start, _start + _count)
    _start += _count
TOTAL = _start


@dataclass
class Plan:
    """One entry a scene in every array. Places are shares of the frame, y downwards."""

    seed: int
    stream: str
    index: np.ndarray
    uniforms: np.ndarray
    """The draws of :data:`DRAWS`, (N, TOTAL)."""
    standard: np.ndarray
    """The scene of the standard grid: a clear day, a striped tower through the centre."""
    mood: np.ndarray
    colours: dict[str, np.ndarray]
    horizon: np.ndarray
    sun_x: np.ndarray
    sun_y: np.ndarray
    sun_seen: np.ndarray
    light_x: np.ndarray
    """From where light falls on upright things: -1 from the left, 1 from the right."""
    front: np.ndarray
    """0 where the light comes from behind them, 1 where they are lit from the front."""
    haze: np.ndarray
    tower: np.ndarray
    """Whether there is a lighthouse."""
    paint: np.ndarray
    """PLAIN, STRIPED or SPIRAL."""
    tower_x: np.ndarray
    tower_height: np.ndarray
    """From the ground to the top of the roof."""
    land: np.ndarray
    """Whether there is a headland or an island near by."""
    island: np.ndarray
    land_side: np.ndarray
    """Towards which side a headland goes on: -1 left, 1 right."""
    shore_left: np.ndarray
    shore_right: np.ndarray
    plateau: np.ndarray
    """Height of the land's flat top."""
    waterline: np.ndarray

    def draw(self, subject: str) -> np.ndarray:
        """Uniform draws (count, N) for one subject of these scenes."""
        return self.uniforms[:, SPANS[subject]].T

    def draw_many(self, subject: str, count: int) -> np.ndarray:
        """Uniform draws (count, N) for a subject that few scenes have."""
        return draws.uniforms(self.seed, f"scenes/{self.stream}/{subject}", self.index, count).T

    def __len__(self) -> int:
        return len(self.index)

    def only(self, which: np.ndarray) -> Plan:
        """The plan of some of the scenes."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        part = {k: v[which] if isinstance(v, np.ndarray) else v for k, v in values.items()}
        part["colours"] = {k: v[which] for k, v in self.colours.items()}
        return Plan(**part)


def between(u: np.ndarray, low: np.ndarray | float, high: np.ndarray | float) -> np.ndarray:
    """Bring draws from [0, 1) to [low, high)."""
    return low + (high - low) * u


def compose(seed: int, stream: str, indices: np.ndarray) -> Plan:
    """The plans of scenes ``indices`` of a stream (``train``, ``validation`` or ``test``)."""
    uniforms = draws.uniforms(seed, f"scenes/{stream}", indices, TOTAL)
    u = uniforms[:, SPANS["plan"]].T
    standard = (indices == 0) & (stream != "train")
    mood = np.select([u[0] < 0.42, u[0] < 0.68, u[0] < 0.82], [DAY, SUNSET, DUSK], OVERCAST)
    mood = np.where(standard, DAY, mood)
    horizon = np.where(standard, 0.62, between(u[1], 0.44, 0.7))

    seen = u[2] < np.choose(mood, [0.22, 0.75, 0.3, 0.0])
    seen &= ~standard
    side = np.where(u[3] < 0.5, -1.0, 1.0)
    sun_x = np.where(seen, between(u[4], 0.08, 0.92), 0.5 + side * between(u[4], 0.6, 1.1))
    high = between(u[5], 0.04, 0.2)
    low = horizon - between(u[5] * u[5], 0.015, 0.32)
    sun_y = np.choose(mood, [high, low, horizon + 0.03, high])
    front = np.where(seen, between(u[6], 0.15, 0.5), between(u[6], 0.55, 1.0))
    haze = np.choose(mood, [0.35, 0.5, 0.45, 0.6]) + 0.35 * (u[7] - 0.4)

    tower = standard | (u[8] < 0.66)
    paint = np.where(standard, STRIPED, np.select([u[9] < 0.36, u[9] < 0.74], [PLAIN, STRIPED], SPIRAL))
    far = (u[10] < 0.17) & ~standard
    tower_x = np.where(standard, between(u[11], 0.47, 0.53), 0.5 + 0.36 * (u[11] + u[12] - 1))
    height = np.where(far, between(u[13], 0.13, 0.24), between(u[13], 0.32, 0.66))
    plateau = np.where(far, horizon - between(u[14], 0.0, 0.04), horizon + between(u[14], -0.1, 0.14))
    plateau = np.where(standard, between(u[14], 0.74, 0.77), plateau)
    height = np.where(standard, between(u[13], 0.6, 0.66), np.minimum(height, plateau - 0.05))
    drop = np.where(far, between(u[15], 0.02, 0.05), between(u[15], 0.09, 0.3))
    waterline = np.maximum(plateau + drop, horizon + 0.012)

    land = tower | (u[16] < 0.45)
    island = np.where(far, u[17] < 0.8, (u[17] < 0.25) & (waterline < 0.97))
    land_side = np.where(u[18] < 0.5, -1, 1)
    reach = np.where(far, between(u[19], 0.05, 0.12), between(u[19], 0.1, 0.34))
    other = np.where(far, between(u[20], 0.05, 0.2), between(u[20], 0.12, 0.36))
    # A headland's shore lies on its open side; on the other one it goes on past the frame.
    left = np.where(island | (land_side > 0), tower_x - reach, -2.0)
    right = np.where(island | (land_side < 0), tower_x + other, 3.0)
    return Plan(
        seed=seed,
        stream=stream,
        index=indices,
        uniforms=uniforms,
        standard=standard,
        mood=mood,
        colours=colours_of(mood, uniforms[:, SPANS["colours"]]),
        horizon=horizon,
        sun_x=sun_x,
        sun_y=sun_y,
        sun_seen=seen,
        light_x=np.where(seen, np.where(sun_x < tower_x, -1.0, 1.0), side) * between(u[21], 0.5, 1.0),
        front=front,
        haze=haze,
        tower=tower,
        paint=paint,
        tower_x=tower_x,
        tower_height=height,
        land=land,
        island=island,
        land_side=land_side,
        shore_left=left,
        shore_right=right,
        plateau=plateau,
        waterline=waterline,
    )
