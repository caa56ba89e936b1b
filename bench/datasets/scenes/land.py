"""Land: far hills behind the water, and the headland or island that a lighthouse stands on."""

from __future__ import annotations

import numpy as np

from bench.datasets.scenes.canvas import F, Grid, clip, lay, mix, plane, ramp, rows_between, tint
from bench.datasets.scenes.noise import along, line, relief, sample, smooth, texture
from bench.datasets.scenes.plan import Plan, between

ROCKS = np.array([[0.52, 0.49, 0.45], [0.62, 0.5, 0.38], [0.42, 0.43, 0.46], [0.74, 0.7, 0.62], [0.5, 0.38, 0.33]])
TURF = np.array([[0.38, 0.5, 0.22], [0.5, 0.52, 0.26], [0.3, 0.43, 0.24], [0.58, 0.53, 0.34], [0.42, 0.55, 0.3]])


def pick(table: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Colours (N, 3): an entry of a table, a quarter of the way towards another."""
    first = table[(u * len(table)).astype(np.int64)]
    return first + (table[(v * len(table)).astype(np.int64)] - first) * 0.3


def draw_hills(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    """Up to three ridges on the horizon, the farther the paler."""
    u = plan.draw("hills", 4)
    count = np.floor(u[0] * 4.4)
    for layer in range(3):
        which = np.flatnonzero(count > layer)
        if len(which):
            draw_ridge(canvas, plan.only(which), grid, which, layer)


def draw_ridge(canvas: np.ndarray, plan: Plan, grid: Grid, which: np.ndarray, layer: int) -> None:
    u = plan.draw(f"ridge{layer}", 12)
    x = grid.x[0].astype(np.float64)
    table = line(f"hill{layer}")
    tall = between(u[0], (0.12, 0.08, 0.04)[layer], (0.24, 0.17, 0.1)[layer])
    shape = along(table, x * between(u[1], 0.14, 0.32)[:, None] + u[2][:, None] + 1)
    # Most ridges run out into the sea on one side.
    side = np.where(u[3] < 0.5, -1.0, 1.0)
    reach = between(u[4], -0.35, 0.55)
    taper = smooth(np.clip(((x - 0.5) * side[:, None] + reach[:, None]) / between(u[5], 0.25, 0.7)[:, None], 0, 1))
    ridge = plan.horizon[:, None] + 0.004 - tall[:, None] * taper * (0.15 + 0.85 * shape)
    rows = rows_between(ridge.min(), plan.horizon, grid.size)
    y = grid.y[:, rows]
    ridge = ridge.astype(F)[:, None, :]
    under = y - ridge
    cover = clip(under * F(grid.size) + F(0.5)) * clip((plane(plan.horizon) - y) * F(grid.size) + F(0.5))

    zoom = plane(between(u[6], 0.5, 0.9))
    across = grid.x * zoom + under * plane(between(u[7], -0.5, 0.5)) + plane(3 + u[8])
    fold = sample(texture("rock", grid.side), across, under * zoom * F(0.8) + plane(u[9]) + 1)
    lit = clip(F(0.3) + F(0.7) * fold)[:, None] * plane(0.45 + 0.55 * plan.front)[:, None]
    c = plan.colours
    ground = mix(pick(TURF, u[10], u[11]) * 0.8, pick(ROCKS, u[10], u[11]), between(u[10], 0.1, 0.8)[:, None])
    colour = mix(tint(ground * c["shade"] * 1.1), tint(ground * (0.25 * c["shade"] + 0.85 * c["light"])), lit)
    air = np.clip((0.72, 0.5, 0.3)[layer] + 0.5 * (plan.haze - 0.4), 0.05, 0.9)
    mist = clip(1 - (plane(plan.horizon) - y) / plane(tall * 0.9)) * F(0.35)
    share = clip(plane(air) + mist * plane(plan.haze + 0.3))
    colour = mix(colour, tint(mix(c["horizon"], c["upper"], 0.35)), share[:, None])
    view = canvas[which][:, :, rows]
    lay(view, cover, colour)
    canvas[which, :, rows] = view


def land_top(plan: Plan, x: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Height of the headland's outline at places x (N, K), float64."""
    steep = between(u[0], 0.05, 0.16)[:, None]
    rough = along(line("crag", 0.6), x * between(u[1], 0.35, 0.7)[:, None] + u[2][:, None] + 3) - 0.5
    from_left = (x - plan.shore_left[:, None]) / steep
    from_right = (plan.shore_right[:, None] - x) / steep
    inside = np.minimum(from_left, from_right) + rough * 0.9
    gap = 1 - np.clip(inside, 0, 1)
    rise = 1 - gap * gap * gap
    inland = np.clip((x - plan.tower_x[:, None]) * plan.land_side[:, None] / 0.6, 0, 1)
    hill = smooth(inland) * np.where(plan.island, 0, between(u[3], -0.04, 0.16))[:, None]
    drop = (plan.waterline - plan.plateau)[:, None]
    bumps = rough * np.minimum(drop, 0.2) * 0.35 * (1 - 0.6 * smooth(np.clip(inside - 0.6, 0, 1)))
    return plan.waterline[:, None] + 0.02 - (drop + 0.02 + hill + bumps) * rise


def draw_headland(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    which = np.flatnonzero(plan.land)
    if not len(which):
        return
    part = plan.only(which)
    u = part.draw("headland", 20)
    x = np.broadcast_to(grid.x[0].astype(np.float64), (len(part), grid.size))
    top = land_top(part, x, u)
    rows = rows_between(top.min(), np.minimum(part.waterline + 0.08, 1), grid.size)
    y = grid.y[:, rows]
    wobble = along(line("shore", 0.6), x * between(u[4], 0.4, 0.9)[:, None] + u[5][:, None]) - 0.5
    drop = part.waterline - part.plateau
    water = part.waterline[:, None] + wobble * np.minimum(drop, 0.15)[:, None] * 0.25
    slope = np.diff(top, axis=1, append=top[:, -1:]) * grid.size
    lean = (1 / np.sqrt(1 + slope * slope)).astype(F)[:, None, :]
    top, water = top.astype(F)[:, None, :], water.astype(F)[:, None, :]
    under, over = y - top, water - y
    cover = clip(under * lean * F(grid.size) + F(0.5)) * clip(over * F(grid.size) + F(0.5))
    here = clip((water - top) * F(30))

    c = part.colours
    scale = plane(np.clip(drop * 4, 0.25, 1))
    zoom = plane(between(u[6], 0.7, 1.2)) / scale
    across = grid.x * zoom + under * F(0.25) * zoom + plane(4 + u[7])
    down = y * zoom * plane(between(u[8], 0.45, 0.8)) + plane(u[9])
    crack = sample(texture("rock", grid.side), across, down)
    right = part.light_x > 0
    bump = np.where(
        plane(right) > 0,
        sample(relief("rock", grid.side, -1, 1), across, down),
        sample(relief("rock", grid.side, -1, -1), across, down),
    )
    blades = sample(texture("turf", grid.side), grid.x * zoom * F(1.7) + plane(u[10]), y * zoom * F(4) + plane(u[11]))

    rock = pick(ROCKS, u[12], u[13])
    turf = pick(TURF, u[14], u[15])
    lit = plane(0.35 + 0.65 * part.front)
    wet = clip(over / plane(np.minimum(drop * 0.25, 0.04)))
    stone = clip((F(0.42) + F(0.3) * crack + F(1.1) * bump) * lit)[:, None]
    light = 0.3 * c["shade"] + 0.8 * c["light"]
    colour = mix(tint(rock * c["shade"] * 0.75), tint(rock * light), stone)
    colour = mix(colour * F(0.55), colour, ramp(wet)[:, None])
    thick = plane(np.where(u[16] < 0.8, between(u[17], 0.02, 0.12), 0.0)) * scale
    cap = ramp((thick * (F(0.4) + crack) - under) / (thick * F(0.3) + F(0.004))) * (lean * lean)
    sward = clip((F(0.25) + F(0.75) * blades) * lit)[:, None]
    green = mix(tint(turf * c["shade"] * 0.9), tint(turf * light * 1.05), sward)
    colour = mix(colour, green, cap[:, None])
    air = plane(np.clip(part.haze * 0.5 * (0.25 / np.maximum(drop, 0.02)) * 0.3, 0, 0.5))
    colour = mix(colour, tint(c["horizon"]), air[:, None])

    view = canvas[which][:, :, rows]
    # The land's dark double on the water, and the surf along its foot.
    below = -over
    double = clip(below * F(grid.size) + F(0.5)) * clip(1 - below / plane(np.minimum(drop * 0.8, 0.2))) * here
    lay(view, double * F(0.5), tint(rock * c["shade"] * 0.5 + c["sea_near"] * 0.3))
    lay(view, cover, colour)
    surf = abs(below - F(0.004)) / plane(np.minimum(0.006 + drop * 0.06, 0.022))
    foam = ramp((F(1.1) - surf - crack * F(0.7)) * F(1.6)) * here
    lay(view, foam * F(0.85), tint(mix(c["cloud"], c["light"], 0.3)))
    canvas[which, :, rows] = view


def ground_at(plan: Plan, x: np.ndarray) -> np.ndarray:
    """Height of the headland at one place of each scene, (N,)."""
    return land_top(plan, x[:, None], plan.draw("headland", 20))[:, 0]
