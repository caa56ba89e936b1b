"""The sea: its colour by distance, waves in perspective, the sun's path and white crests."""

from __future__ import annotations

import numpy as np

from bench.datasets.scenes.canvas import F, Grid, clip, lay, mix, plane, ramp, rows_between, tint
from bench.datasets.scenes.noise import sample, texture
from bench.datasets.scenes.plan import Plan, between


def draw_sea(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    u = plan.draw("sea", 12)
    rows = rows_between(plan.horizon, 1, grid.size)
    y = grid.y[:, rows]
    below = y - plane(plan.horizon)
    depth = clip(below / (1 - plane(plan.horizon)))
    c = plan.colours
    away = F(1) / (np.maximum(below, 0) + F(0.035))
    near = np.sqrt(depth)

    colour = mix(tint(c["sea_far"]), tint(c["sea_near"]), near[:, None])
    line = clip(1 - below / F(0.035)) * plane(0.25 + 0.5 * plan.haze)
    colour = mix(colour, tint(c["horizon"]), line[:, None])

    scale = plane(between(u[0], 0.05, 0.1))
    across = (grid.x - F(0.5)) * (away * scale) + plane(6 + u[1])
    down = away * (scale * plane(between(u[2], 0.7, 1.1))) + plane(u[3])
    swell = sample(texture("wave", grid.side), across, down)
    chop = sample(texture("wave", grid.side), across * F(2.7) + plane(u[4]), down * F(2.3) + plane(u[5]))
    wave = swell * F(0.6) + chop * F(0.4)

    # The wave's face shows deep water, its back the sky.
    rough = plane(between(u[6], 0.35, 0.9)) * (F(0.35) + F(0.65) * near)
    back = ramp((wave - F(0.45)) * F(2.2)) * rough
    face = ramp((F(0.5) - wave) * F(2.2)) * rough
    sheet = np.empty((len(plan), 3, y.shape[1], grid.size), F)
    sheet[:] = colour
    lay(sheet, back * F(0.42), tint(mix(c["upper"], c["horizon"], 0.4)))
    lay(sheet, face * F(0.42), tint(c["sea_near"] * 0.62))

    # The sun's path: wider and more broken the nearer it comes.
    aside = abs(grid.x - plane(plan.sun_x)) / (plane(between(u[7], 0.03, 0.07)) + below * plane(between(u[8], 0.2, 0.5)))
    path = F(1) / (1 + aside * aside)
    spark = ramp((wave + path * F(0.62) - F(0.92)) * F(3.5))
    strength = np.where(plan.sun_seen, np.choose(plan.mood, [0.8, 0.95, 0.5, 0.0]), 0.12)
    lay(sheet, (spark * F(0.85) + path * F(0.25)) * plane(strength), tint(c["sun"]))

    windy = np.where(u[9] < 0.4, between(u[10], 0.02, 0.07), 0.0)
    crest = ramp((swell * F(0.5) + chop * F(0.5) - (1 - plane(windy) - F(0.1))) * F(14)) * near
    lay(sheet, crest * plane(np.where(windy > 0, 0.75, 0)), tint(mix(c["cloud"], c["light"], 0.3)))

    cover = clip(below * F(grid.size) + F(0.5))
    lay(canvas[:, :, rows], np.broadcast_to(cover, (len(plan), *cover.shape[1:2], grid.size)), sheet)
