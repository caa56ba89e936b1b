"""The sea: its colour by distance, waves in perspective, the sun's path and white crests."""

from __future__ import annotations

import numpy as np

from bench.datasets.scenes.canvas import F, Grid, Layer, Values, clip, edge, lay, mix, plane, ramp, span, tint
from bench.datasets.scenes.fractal import sample
from bench.datasets.scenes.plan import Plan, between


def _settle_sea(plan: Plan, grid: Grid) -> Values:
    u = plan.draw("sea")
    c = plan.colours
    below = np.maximum(grid.y - plane(plan.horizon), 0)
    near = np.sqrt(clip(below / plane(1 - plan.horizon)))
    water = mix(tint(c["sea_far"]), tint(c["sea_near"]), near[:, None])
    line = clip(1 - below / F(0.035)) * plane(0.25 + 0.5 * plan.haze)
    water = mix(water, tint(c["horizon"]), line[:, None])
    away = F(1) / (below + F(0.05))
    scale = between(u[0], 0.14, 0.24)
    down = away * plane(scale * between(u[2], 0.8, 1.3)) + plane(u[3])
    rough = plane(between(u[6], 0.2, 0.5)) * (F(0.35) + F(0.65) * near)
    sky = tint(mix(c["upper"], c["horizon"], 0.4))
    windy = np.where(u[9] < 0.4, between(u[10], 0.06, 0.13), 0.0)
    return Values(
        which=np.arange(len(plan)),
        horizon=plan.horizon,
        cover=edge(grid.y - plane(plan.horizon), grid.size),
        stretch=away * plane(scale),
        start=plane(8 + u[1]) - away * plane(scale * 0.5),
        down=down,
        swell_x=plane(u[11]),
        swell_y=plane(u[12]),
        choppy=plane(between(u[13], 0.45, 0.65)),
        water=water,
        # A wave's back shows the sky, its face deep water.
        back=(sky - water) * rough[:, None],
        face=(tint(c["sea_near"] * 0.62) - water) * rough[:, None],
        sun_x=plane(plan.sun_x),
        # The sun's path grows wider the nearer it comes.
        narrow=1 / (plane(between(u[7], 0.03, 0.07)) + below * plane(between(u[8], 0.2, 0.5))),
        path=plane(np.where(plan.sun_seen, np.choose(plan.mood, [0.8, 0.95, 0.5, 0.0]), 0.12)),
        # Sparks are smaller and fewer close by, where one sees single waves.
        dull=F(3.35) + F(0.4) * near,
        sun=tint(c["sun"]),
        calm=plane(1 - windy),
        crest=near * plane(np.where(windy > 0, 0.75, 0)),
        foam=tint(mix(c["cloud"], c["light"], 0.3)),
    )


def _paint_sea(canvas: np.ndarray, v: Values, grid: Grid) -> None:
    rows = span(v.horizon, 1, grid.size)
    down = v.down[:, rows]
    across = grid.x * v.stretch[:, rows]
    across += v.start[:, rows]
    wave = sample("wave", grid.side, across, down)
    across *= F(0.4)
    across += v.swell_x
    swell = sample("wave", grid.side, across, down * F(0.4) + v.swell_y)
    wave -= swell
    wave *= v.choppy
    wave += swell

    slope = (wave - F(0.475)) * F(2.4)
    sheet = v.back[:, :, rows] * clip(slope)[:, None]
    sheet += v.face[:, :, rows] * clip(-slope)[:, None]
    sheet += v.water[:, :, rows]

    aside = (grid.x - v.sun_x) * v.narrow[:, rows]
    aside *= aside
    aside += F(1)
    path = F(1) / aside
    spark = path * F(2.1)
    spark += wave * F(3.5)
    spark -= v.dull[:, rows]
    spark = ramp(spark) * F(0.8)
    spark += path * F(0.25)
    spark *= v.path
    lay(sheet, spark, v.sun)
    if v.crest.any():
        lay(sheet, ramp((wave - v.calm) * F(12)) * v.crest[:, rows], v.foam)

    # Rows that are sea in every scene are simply set.
    shared = min(grid.size, span(v.horizon, v.horizon, grid.size).stop)
    split = shared - rows.start
    lay(canvas[:, :, rows.start : shared], v.cover[:, rows.start : shared], sheet[:, :, :split])
    canvas[:, :, shared:] = sheet[:, :, split:]


SEA = Layer(_settle_sea, _paint_sea)
