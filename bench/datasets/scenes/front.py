"""What lies at the viewer's feet in some scenes: a beach, rocks or turf along the lower edge."""

from __future__ import annotations

import numpy as np

from bench.datasets.scenes.canvas import F, Grid, clip, edge, lay, mix, plane, ramp, span, tint
from bench.datasets.scenes.land import ROCKS, TURF, outline, pick, places
from bench.datasets.scenes.noise import along, line, relief, sample, smooth, texture
from bench.datasets.scenes.plan import Plan, between

SAND = np.array([[0.86, 0.77, 0.6], [0.8, 0.72, 0.58], [0.9, 0.84, 0.72], [0.72, 0.64, 0.52], [0.62, 0.58, 0.54]])
BEACH, BOULDERS, MEADOW = range(3)


def draw_front(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    u = plan.draw("front")
    # It must leave the foot of the lighthouse in sight.
    room = 1 - np.where(plan.land, plan.plateau + 0.06, plan.horizon + 0.08)
    which = np.flatnonzero((u[0] < 0.5) & (room > 0.06) & ~plan.standard)
    if not len(which):
        return
    part, u, room = plan.only(which), u[:, which], room[which]
    kind = np.select([u[1] < 0.4, u[1] < 0.72], [BEACH, BOULDERS], MEADOW)
    beach = kind == BEACH
    x = places(grid, len(part))
    high = np.minimum(room, between(u[2], 0.08, 0.3))
    rough = along(line("crag", 0.6), x * between(u[3], 0.25, 0.5)[:, None] + u[4][:, None] + 2)
    calm = along(line("shore", 0.35), x * 0.12 + u[4][:, None])
    way = np.where(u[5] < 0.5, -1.0, 1.0)
    slant = smooth(
        np.clip(0.5 + (x - between(u[6], 0.2, 0.8)[:, None]) * way[:, None] * between(u[7], 0.5, 1.6)[:, None], 0, 1)
    )
    rise = slant * np.where(beach[:, None], 0.7 + 0.3 * calm, 0.35 + 0.65 * rough)
    blades = along(line("blade", 0.95), x * between(u[8], 1.2, 1.8)[:, None] + u[9][:, None])
    rise = rise + np.where((kind == MEADOW)[:, None], 0.16 * (blades - 0.5) * np.clip(rise * 4, 0, 1), 0)
    top = outline(1.01 - high[:, None] * rise)
    rows = span(top.min() - 0.02, 1, grid.size)
    y = grid.y[:, rows]
    under = y - top
    cover = edge(under, grid.size)

    c = part.colours
    lit = plane(0.35 + 0.65 * part.front)
    light = 0.3 * c["shade"] + 0.8 * c["light"]
    zoom = plane(np.where(kind == BOULDERS, between(u[10], 0.35, 0.6), between(u[10], 0.7, 1.0)))
    across = grid.x * zoom + plane(3 + u[11])
    down = y * (zoom * plane(np.choose(kind, [2.2, 0.8, 0.5]))) + plane(u[12])
    turf = sample(texture("turf", grid.side), across * plane(np.where(kind == MEADOW, 2.5, 1.0)), down)
    bump = sample(relief("rock", grid.side), across, down, (part.light_x > 0).astype(np.int64))
    weight = plane(np.choose(kind, [0.12, 1.1, 0.25]))
    fine = plane(np.choose(kind, [0.22, 0.2, 0.75]))
    tone = clip((F(0.7) - fine * F(0.5) + fine * turf + weight * bump) * lit)
    ground = np.select(
        [beach[:, None], (kind == BOULDERS)[:, None]],
        [pick(SAND, u[13], u[14]), pick(ROCKS, u[13], u[14]) * 0.85],
        pick(TURF, u[13], u[14]),
    )
    dark = np.where(beach[:, None], 0.8, 0.55) * ground * c["shade"]
    colour = mix(tint(dark), tint(ground * light), tone[:, None])
    view = canvas[which, :, rows]
    if beach.any():
        # Wet sand is darker and shines a little of the sky; the last wave's foam runs along it.
        wet = clip(1 - under / plane(high * 0.35)) * plane(beach)
        lay(colour, wet * F(0.45), tint(ground * c["shade"] * 0.5 + c["horizon"] * 0.25))
        lay(view, cover, colour)
        shallow = ramp(1 + under / plane(high * 0.5 + 0.02)) * plane(beach)
        lay(view, shallow * (1 - cover) * F(0.4), tint(ground * light * 0.5 + c["sea_near"] * 0.5))
        wide = plane(between(u[15], 0.006, 0.014))
        foam = ramp(F(1.2) - abs(under + wide) / wide - turf * F(0.5)) * plane(beach)
        lay(view, foam * F(0.85), tint(mix(c["cloud"], c["light"], 0.3)))
    else:
        lay(view, cover, colour)
    canvas[which, :, rows] = view
