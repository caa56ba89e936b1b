"""Sky: the gradient of the air, the sun and its glow, moon and stars, clouds."""

from __future__ import annotations

import numpy as np

from bench.datasets.scenes.canvas import F, Grid, clip, lay, mix, plane, ramp, rows_between, tint
from bench.datasets.scenes.moods import DAY, DUSK, OVERCAST, SUNSET
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
    rows = mix(mix(tint(c["zenith"]), tint(c["upper"]), upper), tint(c["horizon"]), lower)
    canvas[:] = rows


def draw_glow(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    """Light scattered around the sun: wide along the horizon when it stands low."""
    rows = rows_between(0, plan.horizon, grid.size)
    spread = plane(np.choose(plan.mood, [5.0, 2.6, 2.2, 2.0]))
    squeeze = plane(np.choose(plan.mood, [1.0, 2.2, 3.2, 1.2]))
    strength = np.where(plan.sun_seen, np.choose(plan.mood, [0.75, 0.85, 0.6, 0.3]), 0.3)
    dx = (grid.x - plane(plan.sun_x)) * spread
    dy = (grid.y[:, rows] - plane(plan.sun_y)) * (spread * squeeze)
    lay(canvas[:, :, rows], plane(strength) / (1 + dx * dx + dy * dy), tint(plan.colours["glow"]))


def draw_stars(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    """At dusk, one star at most in each cell of a coarse grid, brighter up high."""
    which = np.flatnonzero(plan.mood == DUSK)
    if not len(which):
        return
    part, cells = plan.only(which), 9
    u = part.draw("stars", 3 * cells * cells).reshape(3, cells, cells, len(which)).transpose(0, 3, 1, 2)
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
    """The disc with a tight halo; at dusk a moon, now and then a crescent."""
    which = np.flatnonzero(plan.sun_seen)
    if not len(which):
        return
    part = plan.only(which)
    u = part.draw("sun", 6)
    moon = part.mood == DUSK
    radius = plane(np.where(moon, between(u[0], 0.014, 0.026), between(u[0], 0.02, 0.045)))
    x = plane(np.where(moon, between(u[1], 0.1, 0.9), part.sun_x))
    y = plane(np.where(moon, between(u[2], 0.08, 0.3), part.sun_y))
    dx, dy = grid.x - x, grid.y - y
    far = np.sqrt(dx * dx + dy * dy)
    cover = clip((radius - far) * F(grid.size) + F(0.5))
    bite = grid.x - (x + radius * plane(between(u[3], 0.3, 0.9))), dy + radius * F(0.25)
    shadow = clip((radius * F(0.96) - np.sqrt(bite[0] * bite[0] + bite[1] * bite[1])) * F(grid.size) + F(0.5))
    cover = cover * (1 - shadow * plane(moon & (u[4] < 0.7)))
    halo = far / (radius * F(1.6))
    cover = np.maximum(cover, plane(np.where(moon, 0.25, 0.7)) / (1 + halo * halo * halo))
    view = canvas[which]
    lay(view, cover, tint(part.colours["sun"]))
    canvas[which] = view


def draw_veil(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    """High clouds on a level ceiling: they grow smaller and closer towards the horizon."""
    u = plan.draw("veil", 10)
    amount = np.choose(plan.mood, [0.36, 0.5, 0.42, 0.9]) * between(u[0], 0.35, 1.15)
    amount = np.where(plan.standard, 0.2, amount)
    rows = rows_between(0, plan.horizon, grid.size)
    height = plane(plan.horizon) - grid.y[:, rows]
    away = F(1) / (np.maximum(height, 0) + F(0.14))
    size = plane(between(u[1], 0.05, 0.12))
    across = (grid.x - F(0.5)) * (away * size) + plane(4 + u[2])
    skew = away * plane(between(u[3], -0.25, 0.25))
    down = away * size * plane(between(u[4], 1.2, 3.2)) + plane(u[5])
    across = across + skew
    name_a, name_b = "veil", "cloud"
    wide = sample(texture(name_a, grid.side), across, down)
    fine = sample(texture(name_b, grid.side), across * F(2.3) + plane(u[6]), down * F(2.3) + plane(u[7]))
    dense = wide * F(0.68) + fine * F(0.32)
    soft = plane(between(u[8], 0.3, 0.6))
    cover = ramp((dense - (1 - plane(amount))) / soft)
    cover *= clip(height / F(0.05)) * plane(np.choose(plan.mood, [0.85, 0.9, 0.85, 0.95]))
    near_sun = clip(1 - abs(grid.x - plane(plan.sun_x)) * F(0.9)) * plane(np.choose(plan.mood, [0.2, 0.8, 0.4, 0.2]))
    lit = clip(F(1.15) - dense + near_sun * F(0.35) - plane(np.where(plan.mood == OVERCAST, 0.1, 0)))
    lit = ramp(lit)[:, None]
    shade, light = tint(plan.colours["cloud_shade"]), tint(plan.colours["cloud"])
    colour = mix(shade, light, lit)
    lay(canvas[:, :, rows], cover, colour)


def draw_bank(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    """Heaped clouds seen from the side: flat below, billowing above, lit from the sun's side."""
    u = plan.draw("bank", 12)
    wanted = (u[0] < np.choose(plan.mood, [0.7, 0.55, 0.4, 0.25])) | plan.standard
    which = np.flatnonzero(wanted)
    if not len(which):
        return
    part, u = plan.only(which), u[:, which]
    floor = part.horizon * between(u[1], 0.55, 0.97)
    tall = between(u[2], 0.12, 0.4)
    rows = rows_between(np.maximum(floor - tall, 0), floor + 0.03, grid.size)
    y = grid.y[:, rows]
    zoom = plane(between(u[3], 0.35, 0.75))
    across = grid.x * zoom + plane(2 + u[4])
    down = y * zoom * F(1.25) + plane(2 + u[5])
    dense = sample(texture("cloud", grid.side), across, down)
    wide = sample(texture("veil", grid.side), across * F(0.45) + plane(u[6]), down * F(0.3) + plane(u[7]))
    dense = dense * F(0.55) + wide * F(0.45)
    climb = (plane(floor) - y) / plane(tall)
    # Harder to be cloud the higher it is, and quickly impossible below the floor.
    need = plane(between(u[8], 0.42, 0.62)) + climb * F(0.36) + clip(-climb) * F(8)
    above = (dense - need) * F(7)
    cover = ramp(above) * plane(np.choose(part.mood, [0.96, 0.9, 0.85, 0.8]))
    right = np.where(part.light_x > 0, 1, -1)
    bump = np.where(
        plane(right) > 0,
        sample(relief("cloud", grid.side, -1, 1), across, down),
        sample(relief("cloud", grid.side, -1, -1), across, down),
    )
    lit = clip(F(0.45) + climb * F(0.75) + bump * F(1.1) - above * F(0.06))[:, None]
    colour = mix(tint(part.colours["cloud_shade"]), tint(part.colours["cloud"]), lit)
    # Far clouds take the colour of the air before them.
    colour = mix(colour, tint(part.colours["horizon"]), plane(0.25 + 0.3 * part.haze)[:, None])
    view = canvas[which][:, :, rows]
    lay(view, cover, colour)
    canvas[which, :, rows] = view


__all__ = ["DAY", "SUNSET", "draw_sky"]
