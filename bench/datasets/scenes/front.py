"""What lies at the viewer's feet in some scenes: a beach, rocks or turf along the lower edge."""

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
    outline,
    plane,
    put_back,
    ramp,
    span,
    tint,
    window,
)
from bench.datasets.scenes.fractal import along, line, look_up, relief, smooth, texture
from bench.datasets.scenes.ground import ROCKS, TURF, foam_of, page, pick, places
from bench.datasets.scenes.plan import Plan, between

SAND = np.array([[0.86, 0.77, 0.6], [0.8, 0.72, 0.58], [0.9, 0.84, 0.72], [0.72, 0.64, 0.52], [0.66, 0.6, 0.54]])
BEACH, BOULDERS, MEADOW = range(3)


def _settle_front(plan: Plan, grid: Grid) -> Values | None:
    u = plan.draw("front")
    # It must leave the foot of the lighthouse in sight.
    room = 1 - np.where(plan.land, plan.plateau + 0.06, plan.horizon + 0.08)
    which = np.flatnonzero((u[0] < 0.5) & (room > 0.06) & ~plan.standard)
    if not len(which):
        return None
    part, u, room = plan.only(which), u[:, which], room[which]
    c = part.colours
    kind = np.select([u[1] < 0.4, u[1] < 0.72], [BEACH, BOULDERS], MEADOW)
    beach, meadow = (kind == BEACH)[:, None], (kind == MEADOW)[:, None]
    x = places(grid, len(part))
    high = np.minimum(room, between(u[2], 0.08, 0.3))
    rough = along(line("crag", 0.6), x * between(u[3], 0.25, 0.5)[:, None] + u[4][:, None] + 2)
    calm = along(line("shore", 0.35), x * 0.12 + u[4][:, None])
    way = np.where(u[5] < 0.5, -1.0, 1.0) * between(u[7], 0.5, 1.6)
    slant = smooth(np.clip(0.5 + (x - between(u[6], 0.2, 0.8)[:, None]) * way[:, None], 0, 1))
    rise = slant * np.where(beach, 0.7 + 0.3 * calm, 0.35 + 0.65 * rough)
    blades = along(line("blade", 0.95), x * between(u[8], 1.2, 1.8)[:, None] + u[9][:, None])
    rise = rise + np.where(meadow, 0.16 * (blades - 0.5) * np.clip(rise * 4, 0, 1), 0)
    top = 1.01 - high[:, None] * rise
    zoom = between(u[10], 0.7, 1.1)
    fine = np.choose(kind, [0.3, 0.2, 0.75])
    light = 0.3 * c["shade"] + 0.8 * c["light"]
    boulders = (kind == BOULDERS)[:, None]
    ground = np.select([beach, boulders], [pick(SAND, u[13], u[14]), pick(ROCKS, u[13], u[14]) * 0.85], 0.0)
    ground = np.where(meadow, pick(TURF, u[13], u[14]), ground)
    fine_wash = between(u[15], 0.006, 0.014)
    wash = np.maximum(fine_wash, 1.2 / grid.size)
    return Values(
        which=which,
        beach=beach[:, :, None],
        # The shallows before a beach reach out a little way.
        top_row=top.min(axis=1) - np.where(kind == BEACH, high * 0.5 + 0.02 + 3 * wash, 0.02),
        top=outline(top),
        across=grid.x * plane(zoom) + plane(3 + u[11]),
        down=grid.y * plane(zoom * np.choose(kind, [2.2, 0.8, 0.5])) + plane(u[12]),
        blades_x=grid.x * plane(zoom * np.where(kind == MEADOW, 2.5, 1.0)) + plane(3 + u[16]),
        page=page(part, grid),
        bump=plane(np.choose(kind, [0.16, 1.1, 0.25])),
        fine=plane(fine),
        even=plane(0.7 - 0.5 * fine),
        front=plane(0.35 + 0.65 * part.front),
        dark=tint(np.where(beach, 0.8, 0.55) * ground * c["shade"]),
        bright=tint(ground * light),
        # Wet sand is darker and shines a little of the sky.
        wet=plane(1 / (high * 0.35)),
        shine=tint(ground * c["shade"] * 0.5 + c["horizon"] * 0.25),
        shallow=plane(1 / (high * 0.5 + 0.02)),
        shoal=tint(ground * light * 0.5 + c["sea_near"] * 0.5),
        wash=plane(wash),
        foam=plane(0.85 * (fine_wash / wash) * (kind == BEACH)),
        white=foam_of(part),
    )


def _paint_front(canvas: np.ndarray, v: Values, grid: Grid) -> None:
    rows = span(v.top_row, 1, grid.size)
    under = grid.y[:, rows] - v.top
    cover = edge(under, grid.size)
    down = v.down[:, rows]
    turf = texture("turf", grid.side).take(look_up(grid.side, v.blades_x, down))
    place = look_up(grid.side, v.across, down)
    place += v.page
    tone = relief("rock", grid.side).take(place)
    tone *= v.bump
    tone += turf * v.fine
    tone += v.even
    tone *= v.front
    colour = lit_between(v.dark, v.bright, clip(tone))
    view = window(canvas, v.which, rows)
    if v.beach.any():
        lay(colour, clip(1 - under * v.wet) * (F(0.45) * v.beach), v.shine)
        lay(view, ramp(1 + under * v.shallow) * (1 - cover) * (F(0.4) * v.beach), v.shoal)
    lay(view, cover, colour)
    if v.beach.any():
        # The last wave's foam runs along the sand.
        foam = ramp(F(1.2) - abs(under + v.wash) / v.wash - turf * F(0.5))
        lay(view, foam * v.foam, v.white)
    put_back(canvas, v.which, view, rows)


FRONT = Layer(_settle_front, _paint_front)
