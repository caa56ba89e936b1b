"""The lighthouse: a tapering tower, plain, striped or spiral, with gallery, lantern and roof."""

from __future__ import annotations

import numpy as np

from bench.datasets.scenes.canvas import F, Grid, clip, lay, mix, plane, ramp, tint
from bench.datasets.scenes.land import ground_at
from bench.datasets.scenes.moods import DAY, DUSK, OVERCAST
from bench.datasets.scenes.patch import Patch
from bench.datasets.scenes.plan import PLAIN, SPIRAL, STRIPED, Plan, between

WHITE = [0.96, 0.95, 0.92]
SECOND = np.array([[0.78, 0.1, 0.1], [0.8, 0.14, 0.1], [0.12, 0.13, 0.16], [0.13, 0.28, 0.55], [0.72, 0.22, 0.12]])
WALLS = np.array([WHITE, WHITE, [0.9, 0.86, 0.78], [0.75, 0.72, 0.66], [0.68, 0.36, 0.27], [0.93, 0.9, 0.8]])
ROOFS = np.array([[0.7, 0.12, 0.1], [0.16, 0.17, 0.2], [0.2, 0.36, 0.32], [0.62, 0.2, 0.14]])


def turn_of(t: np.ndarray) -> np.ndarray:
    """The angle around a cylinder at ``t`` across it, -1 to 1, in quarter turns (a polynomial for the arcsine)."""
    far = abs(t)
    root = np.sqrt(1 - far)
    angle = 1 - root * (F(1) - far * (F(0.1350341) - far * (F(0.0472760) - far * F(0.0119234))))
    return np.where(t < 0, -angle, angle)


def draw_lighthouse(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    which = np.flatnonzero(plan.tower)
    if not len(which):
        return
    part = plan.only(which)
    u = part.draw("lighthouse", 30)
    ground = ground_at(part, part.tower_x) + 0.012
    tall = part.tower_height
    slim = np.where(part.standard, 0.1, between(u[0], 0.075, 0.12))
    body = tall * between(u[1], 0.74, 0.82)
    half_base = tall * slim
    half_top = half_base * between(u[2], 0.55, 0.75)
    patch = Patch.around(canvas, grid, which, part.tower_x, half_base * 1.6, ground - tall * 1.04, ground + 0.02)
    x = patch.x - plane(part.tower_x)
    y = patch.y
    pixels = F(grid.size)
    foot, neck = plane(ground), plane(ground - body)
    v = (y - neck) / (foot - neck)
    half = plane(half_top) + plane(half_base - half_top) * clip(v) * (F(0.75) + F(0.25) * clip(v))
    t = np.clip(x / half, F(-1), F(1))
    depth = np.sqrt(1 - t * t)
    cover = clip((half - abs(x)) * pixels + F(0.5))
    bow = half * F(0.16) * depth
    cover *= clip((foot + bow - y) * pixels + F(0.5)) * clip((y - neck) * pixels + F(0.5))

    wall = np.where((part.paint == PLAIN)[:, None], WALLS[(u[3] * len(WALLS)).astype(int)], np.array(WHITE))
    second = SECOND[(u[4] * len(SECOND)).astype(int)]
    second = np.where(part.standard[:, None], SECOND[0], second)
    paint = mix(tint(wall), tint(second), stripes(part, u, v, t, bow, half, foot - neck, pixels)[:, None])
    lit = lighting(part, t, depth)
    light, shade = part.colours["light"], part.colours["shade"]
    colour = paint * mix(tint(shade * 0.8), tint(np.minimum(light * 1.04, 1.1)), lit[:, None])
    view = patch.read()
    lay(view, cover, colour)
    windows(view, part, u, x, y, v, half, foot - neck, pixels)
    lantern(view, part, u, x, y, neck, plane(half_top), plane(tall - body), pixels)
    patch.write(view)


def lighting(plan: Plan, t: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """How lit a round wall is at ``t`` across it, 0 to 1."""
    aside = plane(plan.light_x)
    facing = plane(np.choose(plan.mood, [1.0, 0.9, 0.45, 0.5]) * plan.front)
    even = plane(np.choose(plan.mood, [0.25, 0.12, 0.3, 0.55]))
    return clip(even + F(0.62) * t * aside + F(0.62) * depth * facing)


def stripes(plan, u, v, t, bow, half, length, pixels):
    """How much of the second colour is on each place: level bands, or bands that wind around."""
    number = np.where(plan.paint == SPIRAL, np.floor(between(u[5], 2, 5)), np.floor(between(u[5], 2, 4.99)) + 0.5)
    number = np.where(plan.standard, 3.5, number)
    sink = v - bow / length
    wind = plane(np.where(plan.paint == SPIRAL, np.where(u[6] < 0.5, -0.25, 0.25), 0.0))
    phase = sink * plane(number) + wind * turn_of(t) + F(8)
    phase = phase - np.floor(phase)
    edge = F(0.25) - abs(phase - F(0.5))
    cover = clip(edge * (length / plane(number)) * pixels + F(0.5))
    return cover * plane(plan.paint != PLAIN)


def windows(view, plan, u, x, y, v, half, length, pixels):
    dark = tint(np.array([[0.1, 0.12, 0.16]]) * (0.5 + plan.colours["shade"]))
    for k, (place, aside) in enumerate(((0.2, 0.1), (0.5, -0.15), (0.76, 0.12))):
        cx = half * plane((u[8 + k] - 0.5) * 0.5 + aside)
        dy = (v - F(place)) * length
        w, h = half * F(0.13), half * F(0.24)
        frame = clip((w * F(1.5) - abs(x - cx)) * pixels + F(0.5)) * clip((h * F(1.3) - abs(dy)) * pixels + F(0.5))
        lay(view, frame * F(0.35), tint(plan.colours["shade"]))
        pane = clip((w - abs(x - cx)) * pixels + F(0.5)) * clip((h - abs(dy)) * pixels + F(0.5))
        lay(view, pane * F(0.85), dark)
    w, h = half * F(0.2), half * F(0.42)
    door = clip((w - abs(x)) * pixels + F(0.5)) * clip((h - abs((v - F(0.965)) * length)) * pixels + F(0.5))
    lay(view, door * F(0.9), dark)


def lantern(view, plan, u, x, y, neck, half_top, room, pixels):
    """Gallery, glass with mullions, roof and its ball, above the tower's neck."""
    c = plan.colours
    lit = lighting(plan, np.clip(x / half_top, F(-1), F(1)), np.sqrt(1 - np.clip(x / half_top, F(-1), F(1)) ** 2))
    metal = ROOFS[(u[12] * len(ROOFS)).astype(int)]
    metal = np.where(plan.standard[:, None], ROOFS[0], metal)
    light = mix(tint(c["shade"] * 0.75), tint(c["light"]), lit[:, None])
    up = (neck - y) / room

    def box(width, low, high):
        return clip((half_top * F(width) - abs(x)) * pixels + F(0.5)) * clip(
            (up - F(low)) * room * pixels + F(0.5)
        ) * clip((F(high) - up) * room * pixels + F(0.5))

    lay(view, box(1.12, -0.1, 0.0), tint(metal * 0.9) * light)
    lay(view, box(1.4, 0.0, 0.07), tint(metal * 0.55) * light)
    rail = np.maximum(box(1.38, 0.2, 0.23), box(1.38, 0.07, 0.23) * F(0.4))
    night = plan.mood == DUSK
    glass = np.where((night)[:, None], [1.0, 0.86, 0.5], c["upper"] * 0.6 + 0.15)
    lay(view, box(0.74, 0.05, 0.52), tint(glass))
    lamp = clip(1 - (x * x + ((up - F(0.3)) * room) ** 2) / (half_top * half_top * F(0.3)))
    lay(view, lamp * plane(np.where(night, 1.0, 0.35)) * box(0.74, 0.05, 0.52), tint(np.array([[1.0, 0.96, 0.8]]) * np.ones((len(plan), 1))))
    for bar in (-0.72, -0.26, 0.26, 0.72):
        post = clip((half_top * F(0.05) + F(0.2) / pixels - abs(x - half_top * F(bar))) * pixels + F(0.5))
        lay(view, post * box(0.8, 0.05, 0.52) * F(0.8), tint(metal * 0.5) * light)
    lay(view, rail * F(0.9), tint(metal * 0.4) * light)
    dome = clip((up - F(0.52)) / F(0.36))
    width = half_top * F(0.88) * np.sqrt(1 - dome * dome)
    roof = clip((width - abs(x)) * pixels + F(0.5)) * clip((up - F(0.52)) * room * pixels + F(0.5))
    roof *= clip((F(0.88) - up) * room * pixels + F(0.5))
    lay(view, roof, tint(metal) * light)
    ball = half_top * F(0.13)
    dy = (up - F(0.92)) * room
    lay(view, clip((ball - np.sqrt(x * x + dy * dy)) * pixels + F(0.5)), tint(metal * 0.8) * light)
