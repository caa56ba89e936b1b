"""Small things: cottages beside the lighthouse, boats on the water, birds in the air."""

from __future__ import annotations

import numpy as np

from bench.datasets.scenes.canvas import F, Grid, clip, edge, lay, mix, plane, tint
from bench.datasets.scenes.land import ground_at
from bench.datasets.scenes.moods import DUSK, OVERCAST
from bench.datasets.scenes.patch import Patch
from bench.datasets.scenes.plan import Plan, between

PLASTER = np.array([[0.95, 0.94, 0.9], [0.93, 0.88, 0.78], [0.78, 0.75, 0.7], [0.95, 0.94, 0.9], [0.86, 0.72, 0.6]])
TILES = np.array([[0.66, 0.22, 0.15], [0.3, 0.32, 0.36], [0.5, 0.24, 0.18], [0.22, 0.24, 0.27], [0.42, 0.36, 0.32]])
SAILS = np.array([[0.97, 0.96, 0.92], [0.97, 0.96, 0.92], [0.72, 0.22, 0.16], [0.9, 0.84, 0.7], [0.55, 0.2, 0.15]])
HULLS = np.array([[0.95, 0.94, 0.92], [0.16, 0.22, 0.36], [0.6, 0.13, 0.12], [0.2, 0.2, 0.22], [0.3, 0.42, 0.4]])


def choose(table: np.ndarray, u: np.ndarray) -> np.ndarray:
    return table[(u * len(table)).astype(np.int64)]


def draw_house(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    """A cottage in half profile: a long front, a gable end, a pitched roof, a chimney."""
    u = plan.draw("house")
    which = np.flatnonzero(plan.tower & (u[0] < 0.45) & (plan.tower_height > 0.25))
    if not len(which):
        return
    part, u = plan.only(which), u[:, which]
    tall = part.tower_height
    half = tall * between(u[1], 0.13, 0.2)
    high = half * between(u[2], 0.5, 0.75)
    side = np.where(u[3] < 0.75, part.land_side, -part.land_side)
    x = part.tower_x + side * (tall * 0.1 + half * between(u[4], 0.9, 1.5))
    ground = np.maximum(ground_at(part, x - half), ground_at(part, x + half)) + 0.006
    # No house where the land has already fallen away.
    stands = plane(abs(ground - ground_at(part, part.tower_x)) < tall * 0.3)
    patch = Patch.around(canvas, grid, which, x, half * 1.15, ground - high * 2.5, ground + 0.01)
    turned = np.where(part.light_x > 0, 1, -1) * np.where(u[5] < 0.8, 1, -1)
    p = (patch.x - plane(x)) * plane(turned / half)
    q = (plane(ground) - patch.y) * plane(1 / high)
    wide, tallness = plane(half * grid.size), plane(high * grid.size)
    night = part.mood == DUSK
    lit = 0.35 + 0.65 * part.front
    c = part.colours
    bright, dull = (
        mix(c["shade"] * 0.8, c["light"], (0.95 * lit)[:, None]),
        mix(c["shade"] * 0.75, c["light"], (0.35 * lit)[:, None]),
    )
    wall, tiles = choose(PLASTER, u[6]), choose(TILES, u[7])
    corner, middle, pitch = F(0.3), F(0.65), F(0.95)

    view = patch.read()
    above = edge(q, tallness)
    chimney = edge(F(0.09) - abs(p + F(0.35)), wide) * edge(F(2.2) - q, tallness) * edge(q - F(1.0), tallness)
    lay(view, chimney * stands, tint(wall * dull * 0.85))
    front = edge(p + 1, wide) * edge(corner - p, wide) * above * edge(1 - q, tallness)
    lay(view, front * stands, tint(wall * bright))
    gable_height = 1 + pitch * (1 - abs(p - middle) / (middle - corner))
    end = edge(p - corner, wide) * edge(1 - p, wide) * above * edge(gable_height - q, tallness)
    lay(view, end * stands, tint(wall * dull))
    lean = (q - 1) / pitch * (middle - corner)
    roof = edge((p + F(1.04)) - lean, wide) * edge((corner + F(0.03)) + lean - p, wide)
    roof = roof * edge(q - F(0.96), tallness) * edge(1 + pitch - q, tallness)
    lay(view, roof * stands, tint(tiles * bright * 0.95))
    glass = tint(np.where(night[:, None], [0.98, 0.8, 0.42], np.array([0.12, 0.15, 0.2]) * (0.4 + c["shade"])))
    for place in (-0.72, -0.05):
        pane = edge(F(0.12) - abs(p - F(place)), wide) * edge(F(0.2) - abs(q - F(0.55)), tallness)
        lay(view, pane * F(0.9) * stands, glass)
    door = edge(F(0.1) - abs(p + F(0.38)), wide) * above * edge(F(0.68) - q, tallness)
    lay(view, door * F(0.9) * stands, tint(choose(TILES, u[8]) * dull))
    patch.write(view)


def draw_boats(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    for number, likely in enumerate((0.3, 0.1)):
        u = plan.draw(f"boat{number}")
        which = np.flatnonzero((u[0] < likely) & ~plan.standard)
        if len(which):
            draw_boat(canvas, plan.only(which), grid, which, u[:, which])


def draw_boat(canvas: np.ndarray, plan: Plan, grid: Grid, which: np.ndarray, u: np.ndarray) -> None:
    """A sailing boat and its broken double on the water."""
    near = between(u[1] * u[1], 0.03, 0.55)
    water = plan.horizon + near * (1 - plan.horizon)
    half = (0.012 + 0.11 * near) * between(u[2], 0.7, 1.2)
    x = between(u[3], 0.05, 0.95)
    tall = half * between(u[4], 1.8, 2.6)
    patch = Patch.around(canvas, grid, which, x, half * 1.1, water - tall * 1.1, water + tall * 0.5)
    way = np.where(u[5] < 0.5, -1.0, 1.0)
    p = (patch.x - plane(x)) * plane(way / half)
    q = (plane(water) - patch.y) * plane(1 / half)
    pixels, top = plane(half * grid.size), plane(tall / half)
    lit = mix(0.45, 1.0, plan.front)[:, None]
    c = plan.colours
    air = (0.45 * plan.haze * (1 - near))[:, None]
    light = mix(c["shade"], c["light"], lit)
    sail = mix(choose(SAILS, u[6]) * light, c["horizon"], air)
    jib = mix(choose(SAILS, u[6]) * light * 0.86, c["horizon"], air)
    hull = mix(choose(HULLS, u[7]) * light * 0.9, c["horizon"], air)
    mast = mix(np.array([0.35, 0.27, 0.2]) * light, c["horizon"], air)

    view = patch.read()
    double = clip(1 + q / (top * F(0.45))) * edge(-q, pixels) * clip(1 - abs(p))
    lay(view, double * F(0.3), tint(sail * 0.7 + c["sea_near"] * 0.2))
    deck = F(0.24) + F(0.08) * p * p
    body = edge(F(0.62) + F(1.5) * q - abs(p + F(0.02)), pixels) * edge(1 - abs(p), pixels)
    lay(view, body * edge(q, pixels) * edge(deck - q, pixels), tint(hull))
    pole = edge(F(0.035) + F(0.2) / pixels - abs(p - F(0.05)), pixels)
    lay(view, pole * edge(q - deck, pixels) * edge(top - q, pixels), tint(mast))
    rise = (q - F(0.42)) / (top - F(0.42))
    main = edge(F(0.02) - p, pixels) * edge((p + F(0.78)) - F(0.78) * rise, pixels)
    lay(view, main * edge(rise, pixels) * edge(1 - rise, pixels), tint(sail))
    fore = edge(p - F(0.1), pixels) * edge(F(0.1) + F(0.75) * (1 - rise * F(1.25)) - p, pixels)
    lay(view, fore * edge(rise, pixels), tint(jib))
    patch.write(view)


def draw_birds(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    """A few gulls in loose company."""
    u = plan.draw("birds")
    some = (u[0] < np.choose(plan.mood, [0.35, 0.3, 0.1, 0.3])) & ~plan.standard
    for bird in range(4):
        which = np.flatnonzero(some & (u[1] * 4 >= bird))
        if not len(which):
            return
        part, v = plan.only(which), u[:, which]
        half = between(v[2], 0.01, 0.028) * between(v[4 + bird], 0.7, 1.2)
        x = between(v[3], 0.12, 0.75) + between(v[8 + bird], 0.0, 0.2)
        y = part.horizon * between(v[12 + bird], 0.15, 0.75)
        patch = Patch.around(canvas, grid, which, x, half * 1.1, y - half * 0.9, y + half * 0.9)
        p = abs((patch.x - plane(x)) * plane(1 / half))
        q = (plane(y) - patch.y) * plane(1 / half)
        wing = p * (1 - p) * plane(between(v[16 + bird], 0.8, 2.4)) - p * plane(between(v[20 + bird], -0.1, 0.35))
        pixels = plane(half * grid.size)
        thick = F(0.1) * clip(1 - p) + F(0.12) * clip(1 - p * F(5))
        cover = edge(thick - abs(q - wing), pixels) * edge(1 - p, pixels)
        dark = np.where((part.mood == OVERCAST)[:, None], 0.3, 0.35) * part.colours["shade"]
        view = patch.read()
        lay(view, cover * F(0.85), tint(dark))
        patch.write(view)
