"""The lighthouse: a tapering tower, plain, striped or spiral, with gallery, lantern and roof."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.datasets.scenes.canvas import F, Grid, clip, edge, lay, mix, plane, ramp, span, tint
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
SOLID = 12
"""Towers of this many windings or fewer faces look round; the rest show their edges."""


@dataclass
class Tower:
    """Where a tower's parts are: arrays (N, 1, 1), float32; ``x`` and ``y`` are relative to its axis and neck."""

    plan: Plan
    u: np.ndarray
    x: np.ndarray
    y: np.ndarray
    half: np.ndarray
    """Half its width at each height, (N, h, 1)."""
    neck_half: np.ndarray
    length: np.ndarray
    """From the ground up to the neck, under the gallery."""
    room: np.ndarray
    """From the neck to the tip."""
    pixels: np.ndarray

    def box(self, width: float, low: float, high: float) -> np.ndarray:
        """Coverage of a level box above the neck: heights in shares of ``room``, half width in ``neck_half``."""
        wide = edge(self.neck_half * F(width) - abs(self.x), self.pixels)
        return wide * edge(-self.y - self.room * F(low), self.pixels) * edge(self.room * F(high) + self.y, self.pixels)

    def shaded(self, paint: np.ndarray, lit: np.ndarray) -> np.ndarray:
        """A paint (N, 3) under the scene's light, (N, 3, h, w)."""
        c = self.plan.colours
        return mix(tint(paint * c["shade"] * 0.78), tint(paint * np.minimum(c["light"] * 1.04, 1.1)), lit[:, None])


def draw_lighthouse(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    which = np.flatnonzero(plan.tower)
    if not len(which):
        return
    part = plan.only(which)
    u = part.draw("lighthouse")
    ground = ground_at(part, part.tower_x) + 0.01
    tall = part.tower_height
    length = tall * between(u[1], 0.74, 0.82)
    base = tall * np.where(part.standard, 0.1, between(u[0], 0.075, 0.125))
    top = base * between(u[2], 0.55, 0.75)
    neck = ground - length
    patch = Patch.around(canvas, grid, which, part.tower_x, base * 1.6, ground - tall * 1.06, ground + 0.03)
    y = patch.y - plane(neck)
    v = clip(y / plane(length))
    tower = Tower(
        plan=part,
        u=u,
        x=patch.x - plane(part.tower_x),
        y=y,
        half=plane(top) + plane(base - top) * (v * (F(0.75) + F(0.25) * v)),
        neck_half=plane(top),
        length=plane(length),
        room=plane(tall - length),
        pixels=F(grid.size),
    )
    view = patch.read()
    draw_body(view, tower)
    draw_openings(view, tower)
    draw_lantern(view, tower)
    patch.write(view)
    draw_beam(canvas, part, grid, which, neck - (tall - length) * 0.3)


def lighting(plan: Plan, t: np.ndarray) -> np.ndarray:
    """How lit a round wall is at ``t`` across it (-1 to 1), 0 to 1."""
    facing = plane(np.choose(plan.mood, [1.0, 0.9, 0.45, 0.5]) * plan.front * 0.62)
    even = plane(np.choose(plan.mood, [0.22, 0.1, 0.28, 0.52]))
    return clip((even + t * plane(plan.light_x * 0.62)) + np.sqrt(1 - t * t) * facing)


def draw_body(view: np.ndarray, tower: Tower) -> None:
    plan, u = tower.plan, tower.u
    t = (tower.x / tower.half).clip(F(-1), F(1))
    # Some towers have eight sides: each face is lit evenly.
    faces = plane(np.where((u[7] < 0.2) & ~plan.standard, 1, 0))
    flat = (np.floor(turn_of(t) * F(2) + F(0.5)) * F(0.35)).clip(F(-0.95), F(0.95))
    lit = lighting(plan, t + (flat - t) * faces)
    bow = tower.half * (F(0.16) * np.sqrt(1 - t * t))
    cover = edge(tower.half - abs(tower.x), tower.pixels)
    cover = cover * edge((tower.length + bow) - tower.y, tower.pixels) * edge(tower.y, tower.pixels)
    # Shade under the gallery, and where the wall meets the ground.
    lit = lit * (F(0.55) + F(0.45) * ramp(tower.y / (tower.neck_half * F(0.6)) - F(0.1)))
    lit = lit * (F(0.7) + F(0.3) * ramp((tower.length - tower.y) / (tower.neck_half * F(0.8))))
    wall = np.where((plan.paint == PLAIN)[:, None], WALLS[(u[3] * len(WALLS)).astype(np.int64)], np.array(WHITE))
    second = np.where(plan.standard[:, None], SECOND[0], SECOND[(u[4] * len(SECOND)).astype(np.int64)])
    bands = stripes(tower, t, bow)
    lay(view, cover, mix(tower.shaded(wall, lit), tower.shaded(second, lit), bands[:, None]))


def turn_of(t: np.ndarray) -> np.ndarray:
    """The angle at ``t`` across a cylinder, in quarter turns: a polynomial for the arcsine (Abramowitz & Stegun 4.4.45)."""
    far = abs(t)
    angle = 1 - np.sqrt(1 - far) * (1 - far * (F(0.1350341) - far * (F(0.0472760) - far * F(0.0119234))))
    return angle * np.where(t < 0, F(-1), F(1))


def stripes(tower: Tower, t: np.ndarray, bow: np.ndarray) -> np.ndarray:
    """How much of the second colour is on each place: level bands, or one that winds around."""
    plan, u = tower.plan, tower.u
    spiral = plan.paint == SPIRAL
    number = np.where(spiral, np.floor(between(u[5], 2, 5)), np.floor(between(u[5], 2, 5)) + 0.5)
    number = plane(np.where(plan.standard, 3.5, number))
    wind = plane(np.where(spiral, np.where(u[6] < 0.5, -0.25, 0.25), 0.0))
    phase = (tower.y - bow) * (number / tower.length) + (wind * turn_of(t) + F(8))
    phase = phase - np.floor(phase)
    return edge((F(0.25) - abs(phase - F(0.5))) * (tower.length / number), tower.pixels) * plane(plan.paint != PLAIN)


def draw_openings(view: np.ndarray, tower: Tower) -> None:
    """Windows one above the other, and a door."""
    c, u, pixels = tower.plan.colours, tower.u, tower.pixels
    frame, pane = tint(c["shade"] * 0.8), tint(DARK * (0.5 + c["shade"]))
    for k, (place, aside) in enumerate(((0.2, 0.1), (0.5, -0.15), (0.76, 0.12))):
        dx = abs(tower.x - tower.half * plane((u[8 + k] - 0.5) * 0.5 + aside))
        dy = abs(tower.y - tower.length * F(place))
        wide, high = tower.half * F(0.13), tower.half * F(0.24)
        lay(view, edge(wide * F(1.5) - dx, pixels) * edge(high * F(1.3) - dy, pixels) * F(0.35), frame)
        lay(view, edge(wide - dx, pixels) * edge(high - dy, pixels) * F(0.85), pane)
    high = tower.half * F(0.4)
    door = edge(tower.half * F(0.2) - abs(tower.x), pixels) * edge(high - abs(tower.y - tower.length + high), pixels)
    lay(view, door * F(0.9), pane)


def draw_lantern(view: np.ndarray, tower: Tower) -> None:
    """Gallery with its rail, the glass with its bars, roof and ball, above the tower's neck."""
    plan, u, pixels, x = tower.plan, tower.u, tower.pixels, tower.x
    c = plan.colours
    t = (x / tower.neck_half).clip(F(-1), F(1))
    lit = lighting(plan, t)
    metal = np.where(plan.standard[:, None], ROOFS[0], ROOFS[(u[12] * len(ROOFS)).astype(np.int64)])
    lay(view, tower.box(1.14, -0.1, 0.0), tower.shaded(metal * 0.9, lit))
    lay(view, tower.box(1.42, 0.0, 0.07), tower.shaded(metal * 0.55, lit))

    night = (plan.mood == DUSK)[:, None]
    room = tower.box(0.74, 0.05, 0.52)
    lay(view, room, tint(np.where(night, FLAME, c["upper"] * 0.6 + 0.15)))
    rise = -tower.y - tower.room * F(0.3)
    lamp = clip(1 - (x * x + rise * rise) / (tower.neck_half * tower.neck_half * F(0.3)))
    lay(
        view,
        lamp * room * plane(np.where(night[:, 0], 1.0, 0.35)),
        tint(np.broadcast_to([1.0, 0.96, 0.8], metal.shape)),
    )
    bars = np.zeros_like(lamp)
    thin = tower.neck_half * F(0.05) + F(0.2) / pixels
    for place in (-0.72, -0.26, 0.26, 0.72):
        bars = np.maximum(bars, edge(thin - abs(x - tower.neck_half * F(place)), pixels))
    frame = tower.shaded(metal * 0.5, lit)
    lay(view, bars * tower.box(0.8, 0.05, 0.52) * F(0.8), frame)
    rail = np.maximum(tower.box(1.4, 0.2, 0.23), tower.box(1.4, 0.07, 0.23) * F(0.35))
    lay(view, rail * F(0.9), frame)

    # Domes, cones and what is between them.
    up = clip((-tower.y - tower.room * F(0.52)) / (tower.room * F(0.36)))
    round_, cone = np.sqrt(1 - up * up), 1 - up
    width = tower.neck_half * F(0.9) * (round_ + (cone - round_) * plane(u[13] * u[13]))
    roof = edge(width - abs(x), pixels) * tower.box(1.0, 0.52, 0.88)
    lay(view, roof, tower.shaded(metal, lit))
    tip = -tower.y - tower.room * F(0.92)
    ball = edge(tower.neck_half * F(0.13) - np.sqrt(x * x + tip * tip), pixels)
    lay(view, ball, tower.shaded(metal * 0.8, lit))


def draw_beam(canvas: np.ndarray, plan: Plan, grid: Grid, which: np.ndarray, lamp: np.ndarray) -> None:
    """At dusk, the lamp's halo and its beam to both sides."""
    night = np.flatnonzero(plan.mood == DUSK)
    if not len(night):
        return
    part, which, height = plan.only(night), which[night], plane(lamp[night])
    u = part.draw("lighthouse")
    reach = part.tower_height * 0.5
    rows = span(lamp[night] - 0.3, lamp[night] + 0.3, grid.size)
    x, y = grid.x - plane(part.tower_x), grid.y[:, rows] - height
    far = np.sqrt(x * x + y * y) / plane(reach)
    halo = F(0.6) / (1 + (far * F(9)) * (far * F(9)) * (F(1) + far))
    tilt = plane(between(u[14], -0.16, 0.16))
    away = abs(y - x * tilt)
    width = abs(x) * plane(between(u[15], 0.08, 0.16)) + F(0.004)
    beam = ramp(1 - away / width) * (F(0.5) / (1 + far)) * plane(u[16] < 0.6)
    # Only light is added, and the beam ends within the rows drawn.
    glow = np.maximum(halo, beam) * ramp((F(0.3) - abs(y)) / F(0.1))
    view = canvas[which, :, rows]
    lay(view, glow, tint(np.broadcast_to([1.0, 0.93, 0.72], (len(part), 3))))
    canvas[which, :, rows] = view
