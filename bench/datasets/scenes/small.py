"""Small things: cottages beside the lighthouse, boats on the water, birds in the air."""

from __future__ import annotations

from functools import partial

import numpy as np

from bench.datasets.scenes.canvas import F, Grid, Layer, Values, clip, edge, lay, mix, plane, tint
from bench.datasets.scenes.land import ground_at
from bench.datasets.scenes.moods import DUSK, OVERCAST
from bench.datasets.scenes.patch import Patch
from bench.datasets.scenes.plan import Plan, between

PLASTER = np.array([[0.95, 0.94, 0.9], [0.93, 0.88, 0.78], [0.78, 0.75, 0.7], [0.95, 0.94, 0.9], [0.86, 0.72, 0.6]])
TILES = np.array([[0.66, 0.22, 0.15], [0.3, 0.32, 0.36], [0.5, 0.24, 0.18], [0.22, 0.24, 0.27], [0.42, 0.36, 0.32]])
SAILS = np.array([[0.97, 0.96, 0.92], [0.97, 0.96, 0.92], [0.72, 0.22, 0.16], [0.9, 0.84, 0.7], [0.55, 0.2, 0.15]])
HULLS = np.array([[0.95, 0.94, 0.92], [0.16, 0.22, 0.36], [0.6, 0.13, 0.12], [0.2, 0.2, 0.22], [0.3, 0.42, 0.4]])
WOOD = np.array([0.35, 0.27, 0.2])
WARM = np.array([0.98, 0.8, 0.42])
PANE = np.array([0.12, 0.15, 0.2])
CORNER, MIDDLE, PITCH = F(0.3), F(0.65), F(0.95)
"""Of a house: where its front ends, the middle of its gable, how high the roof rises; in half widths and walls."""


def choose(table: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Rows of a table picked by draws ``u`` in [0, 1), each row as likely as any other."""
    return table[(u * len(table)).astype(np.int64)]


def settle_house(plan: Plan, grid: Grid) -> Values | None:
    """A cottage in half profile: a long front, a gable end, a pitched roof, a chimney."""
    u = plan.draw("house")
    which = np.flatnonzero(plan.tower & (u[0] < 0.5) & (plan.tower_height > 0.25))
    if not len(which):
        return None
    part, u = plan.only(which), u[:, which]
    tall, c = part.tower_height, part.colours
    half = tall * between(u[1], 0.13, 0.2)
    high = half * between(u[2], 0.5, 0.75)
    side = np.where(u[3] < 0.75, part.land_side, -part.land_side)
    x = part.tower_x + side * (tall * 0.1 + half * between(u[4], 0.9, 1.5))
    ground = np.maximum(ground_at(part, x - half), ground_at(part, x + half)) + 0.006
    # No house where the land has already fallen away.
    stands = abs(ground - ground_at(part, part.tower_x)) < tall * 0.12
    if not stands.any():
        return None
    turned = np.where(part.light_x > 0, 1, -1) * np.where(u[5] < 0.8, 1, -1)
    lit = 0.35 + 0.65 * part.front
    bright = mix(c["shade"] * 0.8, c["light"], (0.95 * lit)[:, None])
    dull = mix(c["shade"] * 0.75, c["light"], (0.35 * lit)[:, None])
    wall, tiles = choose(PLASTER, u[6]), choose(TILES, u[7])
    values = Values(
        which=which,
        left=x - half * 1.15,
        right=x + half * 1.15,
        top=ground - high * 2.5,
        bottom=ground + 0.01,
        x=plane(x),
        ground=plane(ground),
        across=plane(turned / half),
        up=plane(1 / high),
        wide=plane(half * grid.size),
        tall=plane(high * grid.size),
        chimney=tint(wall * dull * 0.85),
        wall=tint(wall * bright),
        gable=tint(wall * dull),
        roof=tint(tiles * bright * 0.95),
        door=tint(choose(TILES, u[8]) * dull),
        glass=tint(np.where((part.mood == DUSK)[:, None], WARM, PANE * (0.4 + c["shade"]))),
    )
    return Values(**{name: value[stands] for name, value in vars(values).items()})


def _paint_house(canvas: np.ndarray, v: Values, grid: Grid) -> None:
    patch = Patch.around(canvas, v, v.top, v.bottom, grid)
    p, q = (patch.x - v.x) * v.across, (v.ground - patch.y) * v.up
    view = patch.read()
    above = edge(q, v.tall)
    chimney = edge(F(0.09) - abs(p + F(0.35)), v.wide) * (edge(F(2.2) - q, v.tall) * edge(q - F(1.0), v.tall))
    lay(view, chimney, v.chimney)
    front = edge(p + 1, v.wide) * edge(CORNER - p, v.wide) * (above * edge(1 - q, v.tall))
    lay(view, front, v.wall)
    peak = 1 + PITCH * (1 - abs(p - MIDDLE) / (MIDDLE - CORNER))
    gable = edge(p - CORNER, v.wide) * edge(1 - p, v.wide) * above * edge(peak - q, v.tall)
    lay(view, gable, v.gable)
    lean = (q - 1) / PITCH * (MIDDLE - CORNER)
    roof = edge((p + F(1.04)) - lean, v.wide) * edge((CORNER + F(0.03)) + lean - p, v.wide)
    roof *= edge(q - F(0.96), v.tall) * edge(1 + PITCH - q, v.tall)
    lay(view, roof, v.roof)
    storey = edge(F(0.2) - abs(q - F(0.55)), v.tall) * F(0.9)
    for place in (-0.72, -0.05):
        lay(view, edge(F(0.12) - abs(p - F(place)), v.wide) * storey, v.glass)
    door = edge(F(0.1) - abs(p + F(0.38)), v.wide) * (above * edge(F(0.68) - q, v.tall))
    lay(view, door * F(0.9), v.door)
    patch.write(view)


def settle_boat(number: int, likely: float, plan: Plan, grid: Grid) -> Values | None:
    """A sailing boat and its broken double on the water."""
    u = plan.draw(f"boat{number}")
    which = np.flatnonzero((u[0] < likely) & ~plan.standard)
    if not len(which):
        return None
    part, u = plan.only(which), u[:, which]
    c = part.colours
    near = between(u[1] * u[1], 0.03, 0.55)
    water = part.horizon + near * (1 - part.horizon)
    half = (0.012 + 0.11 * near) * between(u[2], 0.7, 1.2)
    x = between(u[3], 0.05, 0.95)
    tall = half * between(u[4], 1.8, 2.6)
    air = (0.45 * part.haze * (1 - near))[:, None]
    light = mix(c["shade"], c["light"], (0.45 + 0.55 * part.front)[:, None])
    sail = choose(SAILS, u[6]) * light
    return Values(
        which=which,
        left=x - half * 1.1,
        right=x + half * 1.1,
        top=water - tall * 1.1,
        bottom=water + tall * 0.5,
        x=plane(x),
        water=plane(water),
        across=plane(np.where(u[5] < 0.5, -1.0, 1.0) / half),
        up=plane(1 / half),
        pixels=plane(half * grid.size),
        mast=plane(tall / half),
        thin=plane(0.035 + 0.2 / (half * grid.size)),
        double=tint(mix(sail * 0.7 + c["sea_near"] * 0.2, c["horizon"], air)),
        sail=tint(mix(sail, c["horizon"], air)),
        jib=tint(mix(sail * 0.86, c["horizon"], air)),
        hull=tint(mix(choose(HULLS, u[7]) * light * 0.9, c["horizon"], air)),
        wood=tint(mix(WOOD * light, c["horizon"], air)),
    )


def _paint_boat(canvas: np.ndarray, v: Values, grid: Grid) -> None:
    patch = Patch.around(canvas, v, v.top, v.bottom, grid)
    p, q = (patch.x - v.x) * v.across, (v.water - patch.y) * v.up
    view = patch.read()
    mirrored = (clip(1 + q / (v.mast * F(0.45))) * edge(-q, v.pixels)) * clip(1 - abs(p))
    lay(view, mirrored * F(0.3), v.double)
    deck = F(0.24) + F(0.08) * p * p
    body = edge(F(0.62) + F(1.5) * q - abs(p + F(0.02)), v.pixels) * edge(1 - abs(p), v.pixels)
    lay(view, body * edge(q, v.pixels) * edge(deck - q, v.pixels), v.hull)
    pole = edge(v.thin - abs(p - F(0.05)), v.pixels) * edge(q - deck, v.pixels)
    lay(view, pole * edge(v.mast - q, v.pixels), v.wood)
    rise = (q - F(0.42)) / (v.mast - F(0.42))
    main = edge(F(0.02) - p, v.pixels) * edge((p + F(0.78)) - F(0.78) * rise, v.pixels)
    lay(view, main * (edge(rise, v.pixels) * edge(1 - rise, v.pixels)), v.sail)
    fore = edge(p - F(0.1), v.pixels) * edge(F(0.1) + F(0.75) * (1 - rise * F(1.25)) - p, v.pixels)
    lay(view, fore * edge(rise, v.pixels), v.jib)
    patch.write(view)


def settle_bird(bird: int, plan: Plan, grid: Grid) -> Values | None:
    """One of a few gulls in loose company."""
    u = plan.draw("birds")
    some = (u[0] < np.choose(plan.mood, [0.35, 0.3, 0.1, 0.3])) & ~plan.standard
    which = np.flatnonzero(some & (u[1] * 4 >= bird))
    if not len(which):
        return None
    part, u = plan.only(which), u[:, which]
    half = between(u[2], 0.01, 0.028) * between(u[4 + bird], 0.7, 1.2)
    x = between(u[3], 0.12, 0.75) + between(u[8 + bird], 0.0, 0.2)
    y = part.horizon * between(u[12 + bird], 0.15, 0.75)
    return Values(
        which=which,
        left=x - half * 1.1,
        right=x + half * 1.1,
        top=y - half * 0.9,
        bottom=y + half * 0.9,
        x=plane(x),
        y=plane(y),
        per_half=plane(1 / half),
        pixels=plane(half * grid.size),
        bend=plane(between(u[16 + bird], 0.8, 2.4)),
        droop=plane(between(u[20 + bird], -0.1, 0.35)),
        colour=tint(np.where(part.mood == OVERCAST, 0.3, 0.35)[:, None] * part.colours["shade"]),
    )


def _paint_bird(canvas: np.ndarray, v: Values, grid: Grid) -> None:
    patch = Patch.around(canvas, v, v.top, v.bottom, grid)
    p, q = abs((patch.x - v.x) * v.per_half), (v.y - patch.y) * v.per_half
    out = np.minimum(p, 1)
    wing = out * (1 - out) * v.bend - out * v.droop
    thick = F(0.1) * clip(1 - p) + F(0.12) * clip(1 - p * F(5))
    cover = edge(thick - abs(q - wing), v.pixels) * edge(1 - p, v.pixels)
    view = patch.read()
    lay(view, cover * F(0.85), v.colour)
    patch.write(view)


HOUSE = Layer(settle_house, _paint_house)
BOATS = tuple(Layer(partial(settle_boat, number, likely), _paint_boat) for number, likely in enumerate((0.3, 0.1)))
BIRDS = tuple(Layer(partial(settle_bird, bird), _paint_bird) for bird in range(4))
