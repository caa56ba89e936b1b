"""Sky: the gradient of the air, the sun and its glow, moon and stars, clouds."""

from __future__ import annotations

import numpy as np

from bench.datasets.scenes.canvas import F, Grid, clip, edge, lay, mix, plane, ramp, span, tint
from bench.datasets.scenes.moods import DUSK, OVERCAST
from bench.datasets.scenes.noise import relief, sample, texture
from bench.datasets.scenes.plan import Plan, between


def draw_sky(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    draw_air(canvas, plan, grid)
    draw_glow(canvas, plan, grid)
    draw_stars(canvas, plan, grid)
    draw_sun(canvas, plan, grid)
    draw_veil(canvas, plan, grid)
    draw_bank(canvas, plan, grid)


def draw_air(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    """Three colours from the zenith down to the horizon."""
    c = plan.colours
    down = clip(grid.y / plane(plan.horizon))[:, None]
    upper = ramp(down / F(0.62))
    lower = ramp((down - F(0.4)) / F(0.6))
    canvas[:] = mix(mix(tint(c["zenith"]), tint(c["upper"]), upper), tint(c["horizon"]), lower)


def draw_glow(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    """Light scattered around the sun: wide along the horizon when it stands low."""
    rows = span(0, plan.horizon, grid.size)
    spread = plane(np.choose(plan.mood, [5.0, 2.6, 2.2, 2.0]))
    squeeze = plane(np.choose(plan.mood, [1.0, 2.2, 3.2, 1.2]))
    strength = np.where(plan.sun_seen, np.choose(plan.mood, [0.75, 0.85, 0.6, 0.3]), 0.3)
    dx = (grid.x - plane(plan.sun_x)) * spread
    dy = (grid.y[:, rows] - plane(plan.sun_y)) * (spread * squeeze)
    lay(canvas[:, :, rows], plane(strength) / ((1 + dx * dx) + dy * dy), tint(plan.colours["glow"]))


def draw_stars(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    """At dusk, one star at most in each cell of a coarse grid, brighter up high."""
    which = np.flatnonzero(plan.mood == DUSK)
    if not len(which):
        return
    part, cells = plan.only(which), 9
    u = part.draw_many("stars", 3 * cells * cells).reshape(3, cells, cells, len(which)).transpose(0, 3, 1, 2)
    x = (np.arange(cells) + between(u[0], 0.1, 0.9)) / cells
    y = (np.arange(cells)[:, None] + between(u[1], 0.1, 0.9)) / cells
    light = u[2] * u[2] * u[2] * np.maximum(0, 1 - y / (part.horizon[:, None, None] * 0.8))
    column, row = x * grid.size - 0.5, y * grid.size - 0.5
    left, top = np.floor(column), np.floor(row)
    right, low = column - left, row - top
    scene = np.broadcast_to(which[:, None, None], x.shape)
    for across, share_x in ((0, 1 - right), (1, right)):
        for down, share_y in ((0, 1 - low), (1, low)):
            i = np.clip(top + down, 0, grid.size - 1).astype(np.int64)
            j = np.clip(left + across, 0, grid.size - 1).astype(np.int64)
            add = (light * share_x * share_y).astype(F)
            for channel in range(3):
                np.add.at(canvas, (scene, channel, i, j), add)


def draw_sun(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    """The disc with a tight halo; at dusk a moon, most often a crescent."""
    which = np.flatnonzero(plan.sun_seen)
    if not len(which):
        return
    part = plan.only(which)
    u = part.draw("sun")
    moon = part.mood == DUSK
    radius = np.where(moon, between(u[0], 0.014, 0.026), between(u[0], 0.02, 0.045))
    cx = np.where(moon, between(u[1], 0.1, 0.9), part.sun_x)
    cy = np.where(moon, between(u[2], 0.08, 0.3), part.sun_y)
    # Beyond this many radii the halo is a level of 8 bits at most.
    reach = 9 * radius
    rows, columns = span(cy - reach, cy + reach, grid.size), span(cx - reach, cx + reach, grid.size)
    dx, dy = grid.x[:, :, columns] - plane(cx), grid.y[:, rows] - plane(cy)
    far = np.sqrt(dx * dx + dy * dy)
    cover = edge(plane(radius) - far, grid.size)
    if moon.any():
        bite_x, bite_y = dx - plane(radius * between(u[3], 0.3, 0.9)), dy + plane(radius * 0.25)
        shadow = edge(plane(radius * 0.96) - np.sqrt(bite_x * bite_x + bite_y * bite_y), grid.size)
        cover = cover * (1 - shadow * plane(moon & (u[4] < 0.7)))
    halo = far / plane(radius * 1.6)
    fade = clip((plane(reach) - far) / plane(radius * 3))
    cover = np.maximum(cover, plane(np.where(moon, 0.25, 0.7)) / (1 + halo * halo * halo) * fade)
    view = canvas[which, :, rows, columns]
    lay(view, cover, tint(part.colours["sun"]))
    canvas[which, :, rows, columns] = view


def draw_veil(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    """High clouds on a level ceiling: they grow smaller and closer towards the horizon."""
    u = plan.draw("veil")
    amount = np.choose(plan.mood, [0.42, 0.55, 0.5, 0.92]) * between(u[0], 0.3, 1.2)
    amount = np.where(plan.standard, 0.2, amount)
    rows = span(0, plan.horizon, grid.size)
    height = plane(plan.horizon) - grid.y[:, rows]
    away = F(1) / (np.maximum(height, 0) + F(0.16))
    size = plane(between(u[1], 0.14, 0.3))
    across = (grid.x - F(0.5)) * (away * size) + (away * plane(between(u[3], -0.3, 0.3)) + plane(4 + u[2]))
    down = away * (size * plane(between(u[4], 1.0, 2.4))) + plane(u[5])
    wide = sample(texture("veil", grid.side), across, down)
    fine = sample(texture("cloud", grid.side), across * F(1.7) + plane(u[6]), down * F(1.7) + plane(u[7]))
    grain = plane(between(u[9], 0.2, 0.45))
    dense = wide + (fine - wide) * grain
    soft = plane(between(u[8], 0.3, 0.6))
    cover = ramp((dense - plane(1 - amount)) / soft)
    cover *= clip(height / F(0.05)) * plane(np.choose(plan.mood, [0.85, 0.9, 0.85, 0.95]))
    near_sun = 1 - abs(grid.x - plane(plan.sun_x)) * F(0.9)
    near_sun = clip(near_sun) * plane(np.choose(plan.mood, [0.07, 0.28, 0.14, 0.07]))
    lit = ramp((plane(np.where(plan.mood == OVERCAST, 1.05, 1.15)) + near_sun) - dense)
    colour = mix(tint(plan.colours["cloud_shade"]), tint(plan.colours["cloud"]), lit[:, None])
    lay(canvas[:, :, rows], cover, colour)


def draw_bank(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    """Heaped clouds seen from the side: flat below, billowing above, lit from the sun's side."""
    u = plan.draw("bank")
    which = np.flatnonzero((u[0] < np.choose(plan.mood, [0.75, 0.6, 0.45, 0.3])) | plan.standard)
    if not len(which):
        return
    part, u = plan.only(which), u[:, which]
    floor = part.horizon * between(u[1], 0.55, 0.97)
    tall = np.minimum(between(u[2], 0.14, 0.45), floor)
    rows = span(floor - tall * 1.5, floor + 0.03, grid.size)
    y = grid.y[:, rows]
    zoom = plane(between(u[3], 0.4, 0.8))
    across = grid.x * zoom + plane(2 + u[4])
    down = y * (zoom * F(1.25)) + plane(2 + u[5])
    dense = sample(texture("cloud", grid.side), across, down)
    wide = sample(texture("veil", grid.side), across * F(0.5) + plane(u[6]), down * F(0.4) + plane(u[7]))
    dense = (dense + wide) * F(0.5)
    climb = (plane(floor) - y) / plane(tall)
    # Harder to be cloud the higher it is, and quickly impossible below the floor.
    need = plane(np.where(part.standard, 0.46, between(u[8], 0.34, 0.56))) + climb * F(0.36) + clip(-climb) * F(8)
    above = (dense - need) * F(7)
    cover = ramp(above) * plane(np.choose(part.mood, [0.96, 0.9, 0.85, 0.8]))
    bump = sample(relief("cloud", grid.side), across, down, (part.light_x > 0).astype(np.int64))
    lit = clip((F(0.45) + climb * F(0.75)) + bump * F(1.2) - above * F(0.06))
    # Far clouds take the colour of the air before them.
    c, air = part.colours, (0.25 + 0.3 * part.haze)[:, None]
    shade, light = mix(c["cloud_shade"], c["horizon"], air), mix(c["cloud"], c["horizon"], air)
    view = canvas[which, :, rows]
    lay(view, cover, mix(tint(shade), tint(light), lit[:, None]))
    canvas[which, :, rows] = view
