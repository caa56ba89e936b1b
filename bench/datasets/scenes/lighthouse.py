"""The lighthouse: a tapering tower, plain, striped or spiral, with gallery, lantern and roof; its beam at dusk."""

from __future__ import annotations

import numpy as np

from bench.datasets.scenes.canvas import (
    F,
    Grid,
    Layer,
    Values,
    clip,
    edge,
    lay,
    lit_between,
    plane,
    put_back,
    ramp,
    span,
    tint,
    window,
)
from bench.datasets.scenes.land import ground_at
from bench.datasets.scenes.moods import DUSK
from bench.datasets.scenes.patch import Patch
from bench.datasets.scenes.plan import PLAIN, SPIRAL, Plan, between

WHITE = [0.96, 0.95, 0.92]
SECOND = np.array([[0.78, 0.1, 0.1], [0.8, 0.14, 0.1], [0.12, 0.13, 0.16], [0.13, 0.28, 0.55], [0.72, 0.22, 0.12]])
WALLS = np.array([WHITE, WHITE, [0.9, 0.86, 0.78], [0.75, 0.72, 0.66], [0.68, 0.36, 0.27], [0.93, 0.9, 0.8]])
ROOFS = np.array([[0.7, 0.12, 0.1], [0.16, 0.17, 0.2], [0.2, 0.36, 0.32], [0.62, 0.2, 0.14]])
DARK = np.array([0.1, 0.12, 0.16])
FLAME = np.array([1.0, 0.86, 0.5])
LAMP = np.array([1.0, 0.96, 0.8])
BEAM_LIGHT = np.array([1.0, 0.93, 0.72])
WINDOWS = ((0.2, 0.1), (0.5, -0.15), (0.76, 0.12))
"""(height, as a share of the wall from the top; how far aside of the middle)"""


def measures(plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """The ground under the tower, and the height of its wall."""
    u = plan.draw("lighthouse")
    return ground_at(plan, plan.tower_x) + 0.01, plan.tower_height * between(u[1], 0.74, 0.82)


def _settle_lighthouse(plan: Plan, grid: Grid) -> Values | None:
    which = np.flatnonzero(plan.tower)
    if not len(which):
        return None
    part = plan.only(which)
    u, c = part.draw("lighthouse"), part.colours
    ground, length = measures(part)
    tall = part.tower_height
    base = tall * np.where(part.standard, 0.1, between(u[0], 0.075, 0.125))
    top = base * between(u[2], 0.55, 0.75)
    spiral = part.paint == SPIRAL
    bands = np.where(spiral, np.floor(between(u[5], 2, 5)), np.floor(between(u[5], 2, 5)) + 0.5)
    bands = np.where(part.standard, 3.5, bands)
    wall = np.where((part.paint == PLAIN)[:, None], WALLS[(u[3] * len(WALLS)).astype(np.int64)], np.array(WHITE))
    second = np.where(part.standard[:, None], SECOND[0], SECOND[(u[4] * len(SECOND)).astype(np.int64)])
    metal = np.where(part.standard[:, None], ROOFS[0], ROOFS[(u[12] * len(ROOFS)).astype(np.int64)])
    night = (part.mood == DUSK)[:, None]
    shade, light = c["shade"] * 0.78, np.minimum(c["light"] * 1.04, 1.1)
    return Values(
        which=which,
        left=part.tower_x - base * 1.6,
        right=part.tower_x + base * 1.6,
        top=ground - tall * 1.06,
        bottom=ground + 0.03,
        neck_row=ground - length,
        foot_row=ground - length + 0.1 * (tall - length),
        x=plane(part.tower_x),
        neck=plane(ground - length),
        length=plane(length),
        room=plane(tall - length),
        half_top=plane(top),
        half_base=plane(base),
        # How lit a wall is: everywhere, by how far it turns aside, by how far it faces the viewer.
        even=plane(np.choose(part.mood, [0.22, 0.1, 0.28, 0.52])),
        aside=plane(part.light_x * 0.62),
        facing=plane(np.choose(part.mood, [1.0, 0.9, 0.45, 0.5]) * part.front * 0.62),
        # Some towers have eight sides: each face is lit evenly.
        faces=plane((u[7] < 0.2) & ~part.standard),
        bands=plane(bands),
        wind=plane(np.where(spiral, np.where(u[6] < 0.5, -0.25, 0.25), 0.0)),
        banded=plane(part.paint != PLAIN),
        windows=((u[8:11] - 0.5) * 0.5 + np.array([aside for _, aside in WINDOWS])[:, None]).T.astype(F),
        wall_dark=tint(wall * shade),
        wall_bright=tint(wall * light),
        band_dark=tint(second * shade),
        band_bright=tint(second * light),
        metal_dark=tint(metal * shade),
        metal_bright=tint(metal * light),
        frame=tint(c["shade"] * 0.8),
        pane=tint(DARK * (0.5 + c["shade"])),
        glass=tint(np.where(night, FLAME, c["upper"] * 0.6 + 0.15)),
        lamp=plane(np.where(night[:, 0], 1.0, 0.35)),
        # Domes, cones and what is between them.
        pointed=plane(u[13] * u[13]),
    )


def _paint_lighthouse(canvas: np.ndarray, v: Values, grid: Grid) -> None:
    wall = Patch.around(canvas, v, v.neck_row - 2 / grid.size, v.bottom, grid)
    view = wall.read()
    _paint_wall(view, v, wall.x - v.x, wall.y - v.neck, grid.size)
    wall.write(view)
    lantern = Patch.around(canvas, v, v.top, v.foot_row + 2 / grid.size, grid)
    view = lantern.read()
    paint_lantern(view, v, lantern.x - v.x, lantern.y - v.neck, grid.size)
    lantern.write(view)


def lighting(v: Values, t: np.ndarray) -> np.ndarray:
    """How lit a round wall is at ``t`` across it (-1 to 1), 0 to 1."""
    return clip((v.even + t * v.aside) + np.sqrt(1 - t * t) * v.facing)


def _paint_wall(view: np.ndarray, v: Values, x: np.ndarray, y: np.ndarray, size: int) -> None:
    down = clip(y / v.length)
    half = v.half_top + (v.half_base - v.half_top) * (down * (F(0.75) + F(0.25) * down))
    t = (x / half).clip(F(-1), F(1))
    turn = turn_of(t)
    flat = (np.floor(turn * F(2) + F(0.5)) * F(0.35)).clip(F(-0.95), F(0.95))
    lit = lighting(v, t + (flat - t) * v.faces)
    bow = half * (F(0.16) * np.sqrt(1 - t * t))
    cover = edge(half - abs(x), size) * edge(y, size)
    cover *= edge((v.length + bow) - y, size)
    # Shade under the gallery, and where the wall meets the ground.
    lit *= F(0.55) + F(0.45) * ramp(y / (v.half_top * F(0.6)) - F(0.1))
    lit *= F(0.7) + F(0.3) * ramp((v.length - y) / (v.half_top * F(0.8)))

    # Level bands, or one that winds around.
    phase = (y - bow) * (v.bands / v.length) + (v.wind * turn + F(8))
    phase = phase - np.floor(phase)
    bands = edge((F(0.25) - abs(phase - F(0.5))) * (v.length / v.bands), size) * v.banded
    colour = lit_between(v.wall_dark, v.wall_bright, lit)
    lay(colour, bands, lit_between(v.band_dark, v.band_bright, lit))
    lay(view, cover, colour)

    frames = panes = np.zeros_like(half)
    wide, high = half * F(0.13), half * F(0.24)
    for k, (place, _) in enumerate(WINDOWS):
        dx = abs(x - half * v.windows[:, k, None, None])
        dy = abs(y - v.length * F(place))
        frames = np.maximum(frames, edge(wide * F(1.5) - dx, size) * edge(high * F(1.3) - dy, size))
        panes = np.maximum(panes, edge(wide - dx, size) * edge(high - dy, size))
    high = half * F(0.4)
    door = edge(half * F(0.2) - abs(x), size) * edge(high - abs(y - v.length + high), size)
    lay(view, frames * F(0.35), v.frame)
    lay(view, np.maximum(panes, door) * F(0.88), v.pane)


def turn_of(t: np.ndarray) -> np.ndarray:
    """The angle at ``t`` across a cylinder, in quarter turns.

    A polynomial for the arcsine (Abramowitz & Stegun 4.4.45), which rounds alike everywhere.
    """
    far = abs(t)
    angle = 1 - np.sqrt(1 - far) * (1 - far * (F(0.1350341) - far * (F(0.0472760) - far * F(0.0119234))))
    return np.copysign(angle, t)


def paint_lantern(view: np.ndarray, v: Values, x: np.ndarray, y: np.ndarray, size: int) -> None:
    """Gallery with its rail, the glass with its bars, roof and ball, above the tower's neck."""
    aside, up = abs(x), -y
    lit = lighting(v, (x / v.half_top).clip(F(-1), F(1)))
    metal = lit_between(v.metal_dark, v.metal_bright, lit)

    def level(low: float, high: float) -> np.ndarray:
        return edge(up - v.room * F(low), size) * edge(v.room * F(high) - up, size)

    def wide(width: float) -> np.ndarray:
        return edge(v.half_top * F(width) - aside, size)

    lay(view, level(-0.1, 0.0) * wide(1.14), metal * F(0.9))
    lay(view, level(0.0, 0.07) * wide(1.42), metal * F(0.55))
    glazed = level(0.05, 0.52)
    lay(view, glazed * wide(0.74), v.glass)
    rise = up - v.room * F(0.3)
    lamp = clip(1 - (x * x + rise * rise) / (v.half_top * v.half_top * F(0.3)))
    lay(view, lamp * glazed * wide(0.74) * v.lamp, LAMP.astype(F)[None, :, None, None])
    thin = v.half_top * F(0.05) + F(0.2 / size)
    bars = np.maximum(
        edge(thin - abs(aside - v.half_top * F(0.26)), size), edge(thin - abs(aside - v.half_top * F(0.72)), size)
    )
    frame = metal * F(0.5)
    lay(view, bars * glazed * wide(0.8) * F(0.8), frame)
    rail = np.maximum(level(0.2, 0.23), level(0.07, 0.23) * F(0.35))
    lay(view, rail * wide(1.4) * F(0.9), frame)

    slope = clip((up - v.room * F(0.52)) / (v.room * F(0.36)))
    dome = np.sqrt(1 - slope * slope)
    width = v.half_top * F(0.9) * (dome + ((1 - slope) - dome) * v.pointed)
    lay(view, edge(width - aside, size) * level(0.52, 0.88), metal)
    tip = up - v.room * F(0.92)
    lay(view, edge(v.half_top * F(0.13) - np.sqrt(x * x + tip * tip), size), metal * F(0.8))


def settle_beam(plan: Plan, grid: Grid) -> Values | None:
    """At dusk, the lamp's halo and its beam to both sides."""
    which = np.flatnonzero(plan.tower & (plan.mood == DUSK))
    if not len(which):
        return None
    part = plan.only(which)
    u = part.draw("lighthouse")
    ground, length = measures(part)
    lamp = ground - length - (part.tower_height - length) * 0.3
    return Values(
        which=which,
        top=lamp - 0.3,
        bottom=lamp + 0.3,
        x=plane(part.tower_x),
        y=plane(lamp),
        reach=plane(part.tower_height * 0.5),
        tilt=plane(between(u[14], -0.16, 0.16)),
        spread=plane(between(u[15], 0.08, 0.16)),
        strength=plane(0.5 * (u[16] < 0.6)),
    )


def _paint_beam(canvas: np.ndarray, v: Values, grid: Grid) -> None:
    rows = span(v.top, v.bottom, grid.size)
    x, y = grid.x - v.x, grid.y[:, rows] - v.y
    far = np.sqrt(x * x + y * y) / v.reach
    halo = F(0.6) / (1 + (far * F(9)) * (far * F(9)) * (F(1) + far))
    width = abs(x) * v.spread + F(0.004)
    beam = ramp(1 - abs(y - x * v.tilt) / width) * (v.strength / (1 + far))
    # Both fade out within the rows drawn.
    glow = np.maximum(halo, beam) * ramp((F(0.3) - abs(y)) / F(0.1))
    view = window(canvas, v.which, rows)
    lay(view, glow, BEAM_LIGHT.astype(F)[None, :, None, None])
    put_back(canvas, v.which, view, rows)


LIGHTHOUSE = Layer(_settle_lighthouse, _paint_lighthouse)
BEAM = Layer(settle_beam, _paint_beam)
