"""Land: far hills behind the water, rocks in it, and the headland or island that a lighthouse stands on."""

from __future__ import annotations

import numpy as np

from bench.datasets.scenes.canvas import F, Grid, clip, edge, lay, mix, plane, ramp, span, tint
from bench.datasets.scenes.noise import along, line, relief, sample, smooth, texture
from bench.datasets.scenes.plan import Plan, between

ROCKS = np.array(
    [
        [0.52, 0.49, 0.45],
        [0.62, 0.5, 0.38],
        [0.42, 0.43, 0.46],
        [0.76, 0.73, 0.66],
        [0.5, 0.38, 0.33],
        [0.36, 0.35, 0.34],
    ]
)
TURF = np.array([[0.38, 0.5, 0.22], [0.5, 0.52, 0.26], [0.3, 0.43, 0.24], [0.6, 0.54, 0.34], [0.42, 0.55, 0.3]])


def pick(table: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Colours (N, 3): an entry of a table, part of the way towards another."""
    first = table[(u * len(table)).astype(np.int64)]
    return first + (table[(v * len(table)).astype(np.int64)] - first) * 0.3


def places(grid: Grid, count: int, columns: slice = slice(None)) -> np.ndarray:
    """Column centres for every scene, (count, K) float64."""
    x = grid.x[0, :, columns].astype(np.float64)
    return np.broadcast_to(x, (count, x.shape[1]))


def outline(values: np.ndarray) -> np.ndarray:
    """Heights by column (N, K) to go with planes (N, H, K)."""
    return values.astype(F)[:, None, :]


def draw_hills(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    """Up to three ridges on the horizon, the farther the paler."""
    count = np.floor(plan.draw("hills")[0] * 4.4)
    for layer in range(3):
        which = np.flatnonzero(count > layer)
        if len(which):
            draw_ridge(canvas, plan.only(which), grid, which, layer)


def draw_ridge(canvas: np.ndarray, plan: Plan, grid: Grid, which: np.ndarray, layer: int) -> None:
    u = plan.draw(f"ridge{layer}")
    x = places(grid, len(plan))
    tall = between(u[0], (0.12, 0.08, 0.04)[layer], (0.24, 0.17, 0.1)[layer])
    shape = along(line(f"hill{layer}"), x * between(u[1], 0.14, 0.32)[:, None] + u[2][:, None] + 1)
    # Most ridges run out into the sea on one side.
    side = np.where(u[3] < 0.5, -1.0, 1.0)
    reach = between(u[4], -0.35, 0.55)
    taper = smooth(np.clip(((x - 0.5) * side[:, None] + reach[:, None]) / between(u[5], 0.25, 0.7)[:, None], 0, 1))
    ridge = plan.horizon[:, None] + 0.004 - tall[:, None] * taper * (0.15 + 0.85 * shape)
    rows = span(ridge.min(), plan.horizon, grid.size)
    y = grid.y[:, rows]
    under = y - outline(ridge)
    cover = edge(under, grid.size) * edge(plane(plan.horizon) - y, grid.size)

    zoom = plane(between(u[6], 0.5, 0.9))
    across = grid.x * zoom + (under * plane(between(u[7], -0.5, 0.5)) + plane(3 + u[8]))
    down = under * (zoom * F(0.8)) + plane(u[9] + 2)
    bump = sample(relief("rock", grid.side), across, down, (plan.light_x > 0).astype(np.int64))
    lit = clip(F(0.5) + F(0.9) * bump) * plane(0.4 + 0.6 * plan.front)
    c = plan.colours
    wild = between(u[10], 0.1, 0.8)[:, None]
    ground = mix(pick(TURF, u[11], u[10]) * 0.8, pick(ROCKS, u[10], u[11]), wild)
    colour = mix(tint(ground * c["shade"] * 1.1), tint(ground * (0.25 * c["shade"] + 0.85 * c["light"])), lit[:, None])
    air = np.clip((0.7, 0.45, 0.2)[layer] + 0.5 * (plan.haze - 0.4), 0.05, 0.9)
    mist = clip(1 - (plane(plan.horizon) - y) / plane(tall * 0.9)) * plane(0.35 * (plan.haze + 0.3))
    share = clip(plane(air) + mist)
    colour = mix(colour, tint(mix(c["horizon"], c["upper"], 0.35)), share[:, None])
    view = canvas[which, :, rows]
    lay(view, cover, colour)
    canvas[which, :, rows] = view


def draw_rocks(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    """Low rocks awash, in a row at one distance."""
    u = plan.draw("rocks")
    which = np.flatnonzero((u[0] < 0.4) & ~plan.standard)
    if not len(which):
        return
    part, u = plan.only(which), u[:, which]
    x = places(grid, len(part))
    far = between(u[1] * u[1], 0.03, 0.8)
    water = part.horizon + far * (1 - part.horizon)
    tall = between(u[2], 0.1, 0.3) * (0.08 + far * (1 - part.horizon))
    rough = along(line("crag", 0.6), x * between(u[3], 0.15, 0.4)[:, None] + u[4][:, None])
    top = outline(water[:, None] - np.maximum(rough - between(u[5], 0.5, 0.68)[:, None], 0) * 4 * tall[:, None])
    rows = span(top.min(), water + 0.01, grid.size)
    y = grid.y[:, rows]
    under, over = y - top, plane(water) - y
    cover = edge(under, grid.size) * edge(over, grid.size)
    zoom = plane(0.6 / (0.2 + far))
    across, down = grid.x * zoom + plane(u[6]), y * zoom + plane(u[7])
    bump = sample(relief("rock", grid.side), across, down, (part.light_x > 0).astype(np.int64))
    lit = clip(F(0.4) + bump * F(1.2) + over / plane(tall * 1.5) * F(0.3)) * plane(0.35 + 0.65 * part.front)
    c = part.colours
    air = (0.5 * part.haze * (1 - far) * (1 - far))[:, None]
    rock = pick(ROCKS, u[8], u[9]) * 0.8
    dark, bright = mix(rock * c["shade"] * 0.6, c["horizon"], air), mix(rock * c["light"], c["horizon"], air)
    view = canvas[which, :, rows]
    lay(view, cover, mix(tint(dark), tint(bright), lit[:, None]))
    stands = clip((plane(water) - top) * F(60))
    foam = edge(plane(tall * 0.05 + 0.0015) - abs(over), grid.size) * stands
    lay(view, foam * F(0.75), tint(mix(c["cloud"], c["light"], 0.3)))
    canvas[which, :, rows] = view


def land_top(plan: Plan, x: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Height of the headland's outline at places x (N, K), float64."""
    drop = (plan.waterline - plan.plateau)[:, None]
    rough = along(line("crag", 0.6), x * between(u[1], 0.35, 0.7)[:, None] + u[2][:, None] + 3) - 0.5
    # From sheer cliffs to slopes that run out flat; each shore has its own.
    left = (x - plan.shore_left[:, None]) / between(u[0] * u[0], 0.03, 0.3)[:, None]
    right = (plan.shore_right[:, None] - x) / between(u[19] * u[19], 0.03, 0.3)[:, None]
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


def draw_headland(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    which = np.flatnonzero(plan.land)
    if not len(which):
        return
    part = plan.only(which)
    u = part.draw("headland")
    columns = span(part.shore_left - 0.15, part.shore_right + 0.15, grid.size)
    x = places(grid, len(part), columns)
    top = land_top(part, x, u)
    drop = part.waterline - part.plateau
    rows = span(top.min(), part.waterline + 0.1, grid.size)
    y = grid.y[:, rows]
    wobble = along(line("shore", 0.6), x * between(u[4], 0.4, 0.9)[:, None] + u[5][:, None]) - 0.5
    water = part.waterline[:, None] + wobble * np.minimum(drop, 0.15)[:, None] * 0.25
    slope = np.diff(top, axis=1, append=top[:, -1:]) * grid.size
    lean = outline(1 / np.sqrt(1 + slope * slope))
    here = outline(np.clip((water - top) * 30, 0, 1))
    top, water = outline(top), outline(water)
    under, over = y - top, water - y
    cover = edge(under * lean, grid.size) * edge(over, grid.size)

    c = part.colours
    size = np.clip(drop * 4, 0.25, 1)
    zoom = plane(between(u[6], 0.6, 1.0) / size)
    across = grid.x[:, :, columns] * zoom + (under * (F(0.25) * zoom) + plane(4 + u[7]))
    down = y * (zoom * plane(between(u[8], 0.4, 0.8))) + plane(u[9])
    crack = sample(texture("rock", grid.side), across, down)
    bump = sample(relief("rock", grid.side), across, down, (part.light_x > 0).astype(np.int64))
    blades = sample(
        texture("turf", grid.side),
        grid.x[:, :, columns] * (zoom * F(1.5)) + plane(u[10]),
        y * (zoom * F(3.2)) + plane(u[11]),
    )

    lit = plane(0.35 + 0.65 * part.front)
    light = 0.3 * c["shade"] + 0.8 * c["light"]
    air = np.clip(part.haze * (0.04 / np.maximum(drop, 0.02)) - 0.1, 0, 0.5)[:, None]
    rock = pick(ROCKS, u[12], u[13])
    turf = pick(TURF, u[14], u[15])
    stone = clip((F(0.44) + F(0.28) * crack + F(1.0) * bump) * lit)
    colour = mix(
        tint(mix(rock * c["shade"] * 0.72, c["horizon"], air)),
        tint(mix(rock * light, c["horizon"], air)),
        stone[:, None],
    )
    wet = ramp(over / plane(np.minimum(drop * 0.25, 0.04)))
    colour *= (F(0.55) + F(0.45) * wet)[:, None]

    # Turf lies on what is flat, thick or thin, and hangs over the edge; on some shores down to the water.
    cap = np.select([u[16] < 0.5, u[16] < 0.82], [between(u[17], 0.02, 0.1), between(u[17], 0.12, 0.5)], 0.0)
    thick = plane(np.maximum(cap * size, 1e-4))
    turned = ramp((lean - F(0.3)) * F(2.5))
    green = ramp((thick * (F(0.4) + crack) - under) / (thick * F(0.3) + F(0.004))) * turned * plane(cap > 0)
    green *= ramp(over / plane(np.minimum(drop * 0.35, 0.05)) - F(0.6) * crack)
    sward = clip((F(0.3) + F(0.55) * blades + F(0.5) * bump) * lit)
    low, high = mix(turf * c["shade"] * 0.8, c["horizon"], air), mix(turf * light * 1.05, c["horizon"], air)
    lay(colour, green, mix(tint(low), tint(high), sward[:, None]))

    view = canvas[which, :, rows, columns]
    # The land's dark double on the water, and the surf along its foot.
    below = -over
    double = edge(below, grid.size) * clip(1 - below / plane(np.minimum(drop * 0.8, 0.2))) * here
    lay(view, double * F(0.5), tint(rock * c["shade"] * 0.5 + c["sea_near"] * 0.3))
    lay(view, cover, colour)
    surf = abs(below - F(0.004)) / plane(np.minimum(0.005 + drop * 0.05, 0.018) * between(u[18], 0.5, 1.3))
    foam = ramp((F(1.1) - surf - crack * F(0.7)) * F(1.6)) * here
    lay(view, foam * F(0.85), tint(mix(c["cloud"], c["light"], 0.3)))
    canvas[which, :, rows, columns] = view


def ground_at(plan: Plan, x: np.ndarray) -> np.ndarray:
    """Height of the headland at one place of each scene, (N,)."""
    return land_top(plan, x[:, None], plan.draw("headland"))[:, 0]
