"""The sea: its colour by distance, waves in perspective, the sun's path and white crests."""

from __future__ import annotations

import numpy as np

from bench.datasets.scenes.canvas import F, Grid, clip, edge, lay, mix, plane, ramp, span, tint
from bench.datasets.scenes.noise import sample, texture
from bench.datasets.scenes.plan import Plan, between


def draw_sea(canvas: np.ndarray, plan: Plan, grid: Grid) -> None:
    u = plan.draw("sea")
    rows = span(plan.horizon, 1, grid.size)
    below = grid.y[:, rows] - plane(plan.horizon)
    near = np.sqrt(clip(below / plane(1 - plan.horizon)))
    c = plan.colours

    water = mix(tint(c["sea_far"]), tint(c["sea_near"]), near[:, None])
    line = clip(1 - below / F(0.035)) * plane(0.25 + 0.5 * plan.haze)
    water = mix(water, tint(c["horizon"]), line[:, None])

    away = F(1) / (np.maximum(below, 0) + F(0.05))
    scale = plane(between(u[0], 0.14, 0.24))
    across = (grid.x - F(0.5)) * (away * scale) + plane(8 + u[1])
    down = away * (scale * plane(between(u[2], 0.8, 1.3))) + plane(u[3])
    swell = sample(texture("wave", grid.side), across * F(0.4) + plane(u[11]), down * F(0.4) + plane(u[12]))
    chop = sample(texture("wave", grid.side), across + plane(u[4]), down + plane(u[5]))
    wave = swell + (chop - swell) * plane(between(u[13], 0.45, 0.65))

    # A wave's back shows the sky, its face deep water.
    rough = plane(between(u[6], 0.14, 0.4)) * (F(0.35) + F(0.65) * near)
    back = ramp((wave - F(0.45)) * F(2.2)) * rough
    face = ramp((F(0.5) - wave) * F(2.2)) * rough
    sky = tint(mix(c["upper"], c["horizon"], 0.4))
    sheet = (sky - water) * back[:, None]
    sheet += (tint(c["sea_near"] * 0.62) - water) * face[:, None]
    sheet += water

    # The sun's path: wider and more broken the nearer it comes.
    narrow = plane(between(u[7], 0.03, 0.07)) + below * plane(between(u[8], 0.2, 0.5))
    aside = (grid.x - plane(plan.sun_x)) / narrow
    path = F(1) / (1 + aside * aside)
    spark = ramp((wave + path * F(0.6) - F(0.98)) * F(3.5))
    strength = plane(np.where(plan.sun_seen, np.choose(plan.mood, [0.8, 0.95, 0.5, 0.0]), 0.12))
    lay(sheet, (spark * F(0.8) + path * F(0.25)) * strength, tint(c["sun"]))

    windy = np.where(u[9] < 0.4, between(u[10], 0.06, 0.13), 0.0)
    if windy.any():
        crest = ramp((wave - plane(1 - windy)) * F(12)) * near
        lay(sheet, crest * plane(np.where(windy > 0, 0.75, 0)), tint(mix(c["cloud"], c["light"], 0.3)))

    cover = np.broadcast_to(edge(below, grid.size), swell.shape)
    lay(canvas[:, :, rows], cover, sheet)
