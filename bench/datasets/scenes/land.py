"""Land near by: rocks in the water, and the headland or island that a lighthouse stands on."""

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
    mix,
    outline,
    plane,
    put_back,
    ramp,
    span,
    tint,
    window,
)
from bench.datasets.scenes.fractal import along, line, look_up, relief, sample, smooth, texture
from bench.datasets.scenes.ground import ROCKS, TURF, foam_of, page, pick, places
from bench.datasets.scenes.plan import Plan, between


def settle_rocks(plan: Plan, grid: Grid) -> Values | None:
    """Low rocks awash, in a row at one distance."""
    u = plan.draw("rocks")
    which = np.flatnonzero((u[0] < 0.4) & ~plan.standard)
    if not len(which):
        return None
    part, u = plan.only(which), u[:, which]
    c = part.colours
    x = places(grid, len(part))
    far = between(u[1] * u[1], 0.03, 0.8)
    depth = far * (1 - part.horizon)
    water = part.horizon + depth
    tall = between(u[2], 0.1, 0.3) * (0.08 + depth)
    rough = along(line("crag", 0.6), x * between(u[3], 0.15, 0.4)[:, None] + u[4][:, None])
    high = np.maximum(rough - between(u[5], 0.5, 0.68)[:, None], 0) * 4 * tall[:, None]
    # The wet foot of each rock bulges towards the viewer.
    foot = water[:, None] + high * 0.2
    zoom = 0.6 / (0.2 + far)
    air = (0.5 * part.haze * (1 - far) * (1 - far))[:, None]
    rock = pick(ROCKS, u[8], u[9]) * 0.8
    return Values(
        which=which,
        top_row=(foot - high).min(axis=1),
        bottom_row=(foot + high).max(axis=1) + 2 / grid.size,
        top=outline(foot - high),
        foot=outline(foot),
        high=outline(np.maximum(high, 1e-6)),
        stands=outline(np.clip(high * 60, 0, 1)),
        # Rock thinner than a pixel covers only part of it.
        solid=outline(np.clip(high * grid.size, 0, 1)),
        tall=plane(1 / (tall * 1.5)),
        foam=plane(tall * 0.04 + 0.001),
        across=grid.x * plane(zoom) + plane(u[6]),
        down=grid.y * plane(zoom) + plane(u[7]),
        page=page(part, grid),
        front=plane(0.35 + 0.65 * part.front),
        dark=tint(mix(rock * c["shade"] * 0.6, c["horizon"], air)),
        bright=tint(mix(rock * c["light"], c["horizon"], air)),
        double=tint(mix(rock * c["shade"] * 0.5 + c["sea_near"] * 0.3, c["horizon"], air * 0.7)),
        white=foam_of(part),
    )


def _paint_rocks(canvas: np.ndarray, v: Values, grid: Grid) -> None:
    rows = span(v.top_row, v.bottom_row, grid.size)
    y = grid.y[:, rows]
    under, over = y - v.top, v.foot - y
    cover = edge(under, grid.size) * edge(over, grid.size) * v.solid
    place = look_up(grid.side, v.across, v.down[:, rows])
    crack = texture("rock", grid.side).take(place)
    place += v.page
    lit = relief("rock", grid.side).take(place) * F(1.2)
    lit += over * v.tall * F(0.3)
    lit += F(0.4)
    lit = clip(lit) * v.front
    view = window(canvas, v.which, rows)
    mirrored = clip(1 + over / v.high) * edge(-over, grid.size) * v.stands
    lay(view, mirrored * F(0.45), v.double)
    lay(view, cover, lit_between(v.dark, v.bright, lit))
    foam = edge(v.foam * (F(1.5) - crack) - abs(over), grid.size) * v.stands
    lay(view, foam * F(0.75), v.white)
    put_back(canvas, v.which, view, rows)


def land_top(plan: Plan, x: np.ndarray) -> np.ndarray:
    """Height of the headland's outline at places x (N, K), float64."""
    u = plan.draw("headland")
    drop = (plan.waterline - plan.plateau)[:, None]
    rough = along(line("crag", 0.6), x * between(u[1], 0.35, 0.7)[:, None] + u[2][:, None] + 3) - 0.5
    # From sheer cliffs to slopes that run out flat; each shore has its own, and reaches the top before the tower.
    limit = np.where(plan.tower, 0.62, 1.0)
    least = 0.03 + 0.25 * drop[:, 0]
    run_left = np.minimum(between(u[0] * u[0], least, 0.3), limit * (plan.tower_x - plan.shore_left))
    run_right = np.minimum(between(u[19] * u[19], least, 0.3), limit * (plan.shore_right - plan.tower_x))
    left = (x - plan.shore_left[:, None]) / run_left[:, None]
    right = (plan.shore_right[:, None] - x) / run_right[:, None]
    inside = np.minimum(left, right) + rough * 0.9
    gap = 1 - np.clip(inside, 0, 1)
    cliff = 1 - gap * gap * gap
    slope = smooth(np.clip(inside * 0.8, 0, 1))
    rise = mix(cliff, slope, between(u[20], -0.3, 1.0).clip(0, 1)[:, None])
    inland = np.clip((x - plan.tower_x[:, None]) * plan.land_side[:, None] / 0.6, 0, 1)
    hill = smooth(inland) * np.where(plan.island, 0, between(u[3], -0.06, 0.18))[:, None]
    calm = np.where(plan.tower, 0.65, 0.0)[:, None] * smooth(np.clip(inside - 0.6, 0, 1))
    bumps = rough * np.minimum(drop, 0.2) * between(u[21], 0.25, 0.9)[:, None] * (1 - calm)
    return plan.waterline[:, None] + 0.02 - (drop + 0.02 + hill + bumps) * rise


def ground_at(plan: Plan, x: np.ndarray) -> np.ndarray:
    """Height of the headland at one place of each scene, (N,)."""
    return land_top(plan, x[:, None])[:, 0]


def settle_headland(plan: Plan, grid: Grid) -> Values | None:
    """The land near by: rock with turf on what is flat, a wet foot, its double on the water, surf."""
    which = np.flatnonzero(plan.land)
    if not len(which):
        return None
    part = plan.only(which)
    u, c = part.draw("headland"), part.colours
    x = places(grid, len(part))
    top = land_top(part, x)
    drop = part.waterline - part.plateau
    wobble = along(line("shore", 0.6), x * between(u[4], 0.4, 0.9)[:, None] + u[5][:, None]) - 0.5
    water = part.waterline[:, None] + wobble * np.minimum(drop, 0.15)[:, None] * 0.25
    slope = np.diff(top, axis=1, append=top[:, -1:]) * grid.size
    lean = 1 / np.sqrt(1 + slope * slope)
    turned = np.clip((lean - 0.3) * 2.5, 0, 1)
    size = np.clip(drop * 4, 0.25, 1)
    zoom = between(u[6], 0.6, 1.0) / size
    cap = np.select([u[16] < 0.5, u[16] < 0.82], [between(u[17], 0.02, 0.1), between(u[17], 0.12, 0.5)], 0.0)
    thick = np.maximum(cap * size, 1e-4)
    air = np.clip(part.haze * (0.04 / np.maximum(drop, 0.02)) - 0.1, 0, 0.5)[:, None]
    rock, turf = pick(ROCKS, u[12], u[13]), pick(TURF, u[14], u[15])
    light = 0.3 * c["shade"] + 0.8 * c["light"]
    surf = np.minimum(0.005 + drop * 0.05, 0.018) * between(u[18], 0.5, 1.3)
    return Values(
        which=which,
        left=part.shore_left - 0.15,
        right=part.shore_right + 0.15,
        top_row=top.min(axis=1) - 1 / grid.size,
        bottom_row=water.max(axis=1) + np.maximum(np.minimum(drop * 0.8, 0.2), 1.2 * surf) + 3 / grid.size,
        top=outline(top),
        water=outline(water),
        # The outline is softened across its slope, as far as a pixel and a half upwards.
        lean=outline(np.maximum(lean, 0.35) * grid.size),
        here=outline(np.clip((water - top) * 30, 0, 1)),
        # Land thinner than a pixel covers only part of it.
        solid=outline(np.clip((water - top) * grid.size, 0, 1)),
        across=grid.x * plane(zoom) + plane(4 + u[7]),
        shear=plane(zoom * 0.25),
        down=grid.y * plane(zoom * between(u[8], 0.4, 0.8)) + plane(u[9]),
        blades_x=grid.x * plane(zoom * 1.5) + plane(u[10]),
        blades_y=grid.y * plane(zoom * 3.2) + plane(u[11]),
        page=page(part, grid),
        front=plane(0.35 + 0.65 * part.front),
        rock_dark=tint(mix(rock * c["shade"] * 0.72, c["horizon"], air)),
        rock_bright=tint(mix(rock * light, c["horizon"], air)),
        turf_dark=tint(mix(turf * c["shade"] * 0.8, c["horizon"], air)),
        turf_bright=tint(mix(turf * light * 1.05, c["horizon"], air)),
        wet=plane(1 / np.minimum(drop * 0.25, 0.04)),
        bare=plane(1 / np.minimum(drop * 0.35, 0.05)),
        thick=plane(thick),
        hang=plane(1 / (thick * 0.3 + 0.004)),
        turned=outline(smooth(turned) * (cap > 0)[:, None]),
        fade=plane(1 / np.minimum(drop * 0.8, 0.2)),
        double=tint(rock * c["shade"] * 0.5 + c["sea_near"] * 0.3),
        surf=plane(1 / np.maximum(surf, 1.2 / grid.size)),
        # Where surf is finer than a pixel, the pixel is only partly white.
        white_share=plane(0.85 * np.minimum(surf / (1.2 / grid.size), 1)),
        white=foam_of(part),
    )


def _paint_headland(canvas: np.ndarray, v: Values, grid: Grid) -> None:
    rows, columns = span(v.top_row, v.bottom_row, grid.size), span(v.left, v.right, grid.size)
    y = grid.y[:, rows]
    under, over = y - v.top[:, :, columns], v.water[:, :, columns] - y
    cover = edge(under, v.lean[:, :, columns])
    cover *= edge(over, grid.size)
    cover *= v.solid[:, :, columns]

    place = look_up(grid.side, under * v.shear + v.across[:, :, columns], v.down[:, rows])
    crack = texture("rock", grid.side).take(place)
    place += v.page
    bump = relief("rock", grid.side).take(place)
    blades = sample("turf", grid.side, v.blades_x[:, :, columns], v.blades_y[:, rows])

    stone = crack * F(0.28)
    stone += bump
    stone += F(0.44)
    stone *= v.front
    # Rock is darker where the sea wets it.
    wet = ramp(over * v.wet) * F(0.45)
    wet += F(0.55)
    colour = lit_between(v.rock_dark, v.rock_bright, clip(stone))
    colour *= wet[:, None]
    # Turf lies on what is flat, hangs over the edge, and keeps clear of the surf.
    green = ramp((v.thick * (F(0.4) + crack) - under) * v.hang)
    green *= v.turned[:, :, columns]
    green *= ramp(over * v.bare - F(0.6) * crack)
    blades *= F(0.55)
    bump *= F(0.5)
    blades += bump
    blades += F(0.3)
    blades *= v.front
    lay(colour, green, lit_between(v.turf_dark, v.turf_bright, clip(blades)))

    view = window(canvas, v.which, rows, columns)
    here = v.here[:, :, columns]
    mirrored = edge(-over, grid.size) * clip(1 + over * v.fade) * here
    lay(view, mirrored * F(0.5), v.double)
    lay(view, cover, colour)
    foam = abs(over + F(0.004)) * v.surf
    foam += crack * F(0.7)
    foam = ramp((F(1.1) - foam) * F(1.6)) * here
    lay(view, foam * v.white_share, v.white)
    put_back(canvas, v.which, view, rows, columns)


ROCKS_AWASH = Layer(settle_rocks, _paint_rocks)
HEADLAND = Layer(settle_headland, _paint_headland)
