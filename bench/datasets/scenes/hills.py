"""Far hills behind the water."""

from __future__ import annotations

from functools import partial

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
    span,
    tint,
    window,
)
from bench.datasets.scenes.fractal import along, line, look_up, relief, smooth
from bench.datasets.scenes.ground import ROCKS, TURF, page, pick, places
from bench.datasets.scenes.plan import Plan, between


def settle_ridge(layer: int, plan: Plan, grid: Grid) -> Values | None:
    """One of up to three ridges on the horizon, the farther the paler."""
    which = np.flatnonzero(np.floor(plan.draw("hills")[0] * 4.4) > layer)
    if not len(which):
        return None
    part = plan.only(which)
    u, c = part.draw(f"ridge{layer}"), part.colours
    x = places(grid, len(part))
    tall = between(u[0], (0.12, 0.08, 0.04)[layer], (0.24, 0.17, 0.1)[layer])
    shape = along(line(f"hill{layer}"), x * between(u[1], 0.14, 0.32)[:, None] + u[2][:, None] + 1)
    # Most ridges run out into the sea on one side.
    side = np.where(u[3] < 0.5, -1.0, 1.0)
    reach = between(u[4], -0.35, 0.55)
    taper = smooth(np.clip(((x - 0.5) * side[:, None] + reach[:, None]) / between(u[5], 0.25, 0.7)[:, None], 0, 1))
    ridge = part.horizon[:, None] + 0.004 - tall[:, None] * taper * (0.15 + 0.85 * shape)
    zoom = between(u[6], 0.5, 0.9)
    wild = between(u[10], 0.1, 0.8)[:, None]
    ground = mix(pick(TURF, u[11], u[10]) * 0.8, pick(ROCKS, u[10], u[11]), wild)
    air = np.clip((0.7, 0.45, 0.2)[layer] + 0.5 * (part.haze - 0.4), 0.05, 0.9)
    above = plane(part.horizon) - grid.y
    mist = clip(1 - above / plane(tall * 0.9)) * plane(0.35 * (part.haze + 0.3))
    return Values(
        which=which,
        top=ridge.min(axis=1),
        bottom=part.horizon,
        ridge=outline(ridge),
        foot=edge(above, grid.size),
        across=grid.x * plane(zoom) + plane(3 + u[8]),
        lean=plane(between(u[7], -0.5, 0.5)),
        zoom=plane(zoom * 0.8),
        start=plane(u[9] + 2),
        page=page(part, grid),
        front=plane(0.4 + 0.6 * part.front),
        dark=tint(ground * c["shade"] * 1.1),
        bright=tint(ground * (0.25 * c["shade"] + 0.85 * c["light"])),
        veil=clip(plane(air) + mist)[:, None],
        air=tint(mix(c["horizon"], c["upper"], 0.35)),
    )


def _paint_ridge(canvas: np.ndarray, v: Values, grid: Grid) -> None:
    rows = span(v.top, v.bottom, grid.size)
    under = grid.y[:, rows] - v.ridge
    cover = edge(under, grid.size)
    cover *= v.foot[:, rows]
    place = look_up(grid.side, under * v.lean + v.across, under * v.zoom + v.start)
    place += v.page
    lit = relief("rock", grid.side).take(place)
    lit *= F(0.9)
    lit += F(0.5)
    lit = clip(lit) * v.front
    veil = v.veil[:, :, rows]
    # Mist takes its share of both the lit and the shaded colour, row by row.
    dark, bright = mix(v.dark, v.air, veil), mix(v.bright, v.air, veil)
    view = window(canvas, v.which, rows)
    lay(view, cover, lit_between(dark, bright, lit))
    put_back(canvas, v.which, view, rows)


HILLS = tuple(Layer(partial(settle_ridge, layer), _paint_ridge) for layer in range(3))
