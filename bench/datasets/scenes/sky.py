"""Sky: the gradient of the air, the sun and its glow, moon and stars, clouds."""

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
    mix,
    plane,
    put_back,
    ramp,
    span,
    tint,
    window,
)
from bench.datasets.scenes.fractal import look_up, relief, sample, texture
from bench.datasets.scenes.moods import DUSK, OVERCAST
from bench.datasets.scenes.plan import Plan, between


def settle_air(plan: Plan, grid: Grid) -> Values:
    """Three colours from the zenith down to the horizon, and the light scattered around the sun."""
    c = plan.colours
    down = clip(grid.y / plane(plan.horizon))[:, None]
    upper, lower = ramp(down / F(0.62)), ramp((down - F(0.4)) / F(0.6))
    strength = np.where(plan.sun_seen, np.choose(plan.mood, [0.75, 0.85, 0.6, 0.3]), 0.3)
    spread = np.choose(plan.mood, [5.0, 2.6, 2.2, 2.0])
    return Values(
        which=np.arange(len(plan)),
        horizon=plan.horizon,
        rows=mix(mix(tint(c["zenith"]), tint(c["upper"]), upper), tint(c["horizon"]), lower),
        glow=tint(c["glow"]),
        strength=plane(strength),
        spread=plane(spread),
        # Wide along the horizon when it stands low.
        rise=plane(spread * np.choose(plan.mood, [1.0, 2.2, 3.2, 1.2])),
        sun_x=plane(plan.sun_x),
        sun_y=plane(plan.sun_y),
    )


def _paint_air(canvas: np.ndarray, v: Values, grid: Grid) -> None:
    rows = span(0, v.horizon, grid.size)
    dx, dy = (grid.x - v.sun_x) * v.spread, (grid.y[:, rows] - v.sun_y) * v.rise
    near = dx * dx + (1 + dy * dy)
    np.divide(v.strength, near, out=near)
    air, view = v.rows[:, :, rows], canvas[:, :, rows]
    np.multiply(v.glow - air, near[:, None], out=view)
    view += air


def settle_stars(plan: Plan, grid: Grid) -> Values | None:
    """At dusk, one star at most in each cell of a coarse grid, brighter up high."""
    which = np.flatnonzero(plan.mood == DUSK)
    if not len(which):
        return None
    part, cells = plan.only(which), 9
    u = part.draw_many("stars", 3 * cells * cells).reshape(3, cells, cells, len(which)).transpose(0, 3, 1, 2)
    x = (np.arange(cells) + between(u[0], 0.1, 0.9)) / cells
    y = (np.arange(cells)[:, None] + between(u[1], 0.1, 0.9)) / cells
    light = u[2] * u[2] * u[2] * np.maximum(0, 1 - y / (part.horizon[:, None, None] * 0.8))
    return Values(
        which=which,
        column=x * grid.size - 0.5,
        row=y * grid.size - 0.5,
        # Nothing is painted yet below the horizon.
        lowest=np.floor(part.horizon * grid.size)[:, None, None],
        light=light,
    )


def _paint_stars(canvas: np.ndarray, v: Values, grid: Grid) -> None:
    left, top = np.floor(v.column), np.floor(v.row)
    right, low = v.column - left, v.row - top
    scene = np.broadcast_to(v.which[:, None, None], v.light.shape)
    for across, share_x in ((0, 1 - right), (1, right)):
        for down, share_y in ((0, 1 - low), (1, low)):
            i = np.clip(top + down, 0, v.lowest).astype(np.int64)
            j = np.clip(left + across, 0, grid.size - 1).astype(np.int64)
            add = (v.light * share_x * share_y).astype(F)
            for channel in range(3):
                np.add.at(canvas[:, channel], (scene, i, j), add)


def settle_sun(plan: Plan, grid: Grid) -> Values | None:
    """The disc with a tight halo; at dusk a moon, most often a crescent."""
    which = np.flatnonzero(plan.sun_seen)
    if not len(which):
        return None
    part = plan.only(which)
    u = part.draw("sun")
    moon = part.mood == DUSK
    radius = np.where(moon, between(u[0], 0.014, 0.026), between(u[0], 0.02, 0.045))
    x = part.sun_x
    y = np.where(moon, between(u[2], 0.08, 0.3), part.sun_y)
    # Beyond this the halo has faded out.
    reach = 9 * radius
    return Values(
        which=which,
        left=x - reach,
        right=x + reach,
        top=y - reach,
        bottom=np.minimum(y + reach, part.horizon),
        x=plane(x),
        y=plane(y),
        radius=plane(radius),
        reach=plane(reach),
        halo=plane(np.where(moon, 0.25, 0.7)),
        crescent=plane(moon & (u[4] < 0.7)),
        bite=plane(radius * between(u[3], 0.3, 0.9)),
        colour=tint(part.colours["sun"]),
    )


def _paint_sun(canvas: np.ndarray, v: Values, grid: Grid) -> None:
    rows, columns = span(v.top, v.bottom, grid.size), span(v.left, v.right, grid.size)
    dx, dy = grid.x[:, :, columns] - v.x, grid.y[:, rows] - v.y
    far = np.sqrt(dx * dx + dy * dy)
    cover = edge(v.radius - far, grid.size)
    if v.crescent.any():
        bite_x, bite_y = dx - v.bite, dy + v.radius * F(0.25)
        shadow = edge(v.radius * F(0.96) - np.sqrt(bite_x * bite_x + bite_y * bite_y), grid.size)
        cover = cover * (1 - shadow * v.crescent)
    halo = far / (v.radius * F(1.6))
    fade = clip((v.reach - far) / (v.radius * F(3)))
    cover = np.maximum(cover, v.halo / (1 + halo * halo * halo) * fade)
    view = window(canvas, v.which, rows, columns)
    lay(view, cover, v.colour)
    put_back(canvas, v.which, view, rows, columns)


def settle_veil(plan: Plan, grid: Grid) -> Values:
    """High clouds on a level ceiling: they grow smaller and closer towards the horizon."""
    u = plan.draw("veil")
    amount = np.choose(plan.mood, [0.42, 0.55, 0.5, 0.92]) * between(u[0], 0.3, 1.2)
    amount = np.where(plan.standard, 0.2, amount)
    size = between(u[1], 0.14, 0.3)
    soft = between(u[8], 0.3, 0.6)
    height = np.maximum(plane(plan.horizon) - grid.y, 0)
    away = F(1) / (height + F(0.16))
    return Values(
        which=np.arange(len(plan)),
        horizon=plan.horizon,
        stretch=away * plane(size),
        # The middle of the frame is the middle of the ceiling; the rest of it leans with distance.
        start=away * plane(between(u[3], -0.3, 0.3)) + plane(4 + u[2]) - away * plane(size * 0.5),
        down=away * plane(size * between(u[4], 1.0, 2.4)) + plane(u[5]),
        fine_x=plane(u[6]),
        fine_y=plane(u[7]),
        grain=plane(between(u[9], 0.2, 0.45)),
        need=plane((1 - amount) / soft),
        firm=plane(1 / soft),
        weight=clip(height / F(0.05)) * plane(np.choose(plan.mood, [0.85, 0.9, 0.85, 0.95])),
        sun_x=plane(plan.sun_x),
        sunny=plane(np.choose(plan.mood, [0.07, 0.28, 0.14, 0.07])),
        bright=plane(np.where(plan.mood == OVERCAST, 1.05, 1.15)),
        shade=tint(plan.colours["cloud_shade"]),
        light=tint(plan.colours["cloud"]),
    )


def _paint_veil(canvas: np.ndarray, v: Values, grid: Grid) -> None:
    rows = span(0, v.horizon, grid.size)
    across, down = grid.x * v.stretch[:, rows], v.down[:, rows]
    across += v.start[:, rows]
    dense = sample("veil", grid.side, across, down)
    across *= F(1.7)
    across += v.fine_x
    fine = sample("cloud", grid.side, across, down * F(1.7) + v.fine_y)
    fine -= dense
    fine *= v.grain
    dense += fine
    cover = dense * v.firm
    cover -= v.need
    cover = ramp(cover)
    cover *= v.weight[:, rows]
    near_sun = clip(1 - abs(grid.x - v.sun_x) * F(0.9)) * v.sunny
    lit = clip((v.bright + near_sun) - dense)
    lay(canvas[:, :, rows], cover, lit_between(v.shade, v.light, lit))


def settle_bank(plan: Plan, grid: Grid) -> Values | None:
    """Heaped clouds seen from the side: flat below, billowing above, lit from the sun's side."""
    u = plan.draw("bank")
    which = np.flatnonzero((u[0] < np.choose(plan.mood, [0.75, 0.6, 0.45, 0.3])) | plan.standard)
    if not len(which):
        return None
    part, u = plan.only(which), u[:, which]
    floor = part.horizon * between(u[1], 0.55, 0.97)
    tall = np.minimum(between(u[2], 0.14, 0.45), floor)
    zoom = between(u[3], 0.4, 0.8)
    # Billows all along, or here and there.
    need = np.where(part.standard, 0.46, between(u[8], 0.34, 0.56))
    # Far clouds take the colour of the air before them.
    c, air = part.colours, (0.25 + 0.3 * part.haze)[:, None]
    return Values(
        which=which,
        # Above this even the densest place is no cloud.
        top=floor - tall * ((1 - need) / 0.36),
        bottom=np.minimum(floor + 0.03, part.horizon),
        floor=plane(floor),
        tall=plane(tall),
        across=grid.x * plane(zoom) + plane(2 + u[4]),
        down=grid.y * plane(zoom * 1.25) + plane(2 + u[5]),
        wide_x=grid.x * plane(zoom * 0.5) + plane(2 + u[6]),
        wide_y=grid.y * plane(zoom * 0.5) + plane(2 + u[7]),
        need=plane(need),
        weight=plane(np.choose(part.mood, [0.96, 0.9, 0.85, 0.8])),
        page=((part.light_x > 0) * grid.side * grid.side)[:, None, None],
        shade=tint(mix(c["cloud_shade"], c["horizon"], air)),
        light=tint(mix(c["cloud"], c["horizon"], air)),
    )


def _paint_bank(canvas: np.ndarray, v: Values, grid: Grid) -> None:
    rows = span(v.top, v.bottom, grid.size)
    place = look_up(grid.side, v.across, v.down[:, rows])
    dense = texture("cloud", grid.side).take(place)
    dense += sample("veil", grid.side, v.wide_x, v.wide_y[:, rows])
    dense *= F(0.5)
    climb = (v.floor - grid.y[:, rows]) / v.tall
    # Harder to be cloud the higher it is, and quickly impossible below the floor.
    dense -= v.need + climb * F(0.36) + clip(F(0.04) - climb) * F(5)
    dense *= F(7)
    cover = ramp(dense)
    cover *= v.weight * clip(climb * F(5) + F(0.4))
    place += v.page
    lit = relief("cloud", grid.side).take(place)
    lit *= F(1.2)
    dense *= F(0.06)
    lit -= dense
    lit += F(0.45) + climb * F(0.75)
    view = window(canvas, v.which, rows)
    lay(view, cover, lit_between(v.shade, v.light, lit.clip(F(0), F(1), out=lit)))
    put_back(canvas, v.which, view, rows)


SKY = (
    Layer(settle_air, _paint_air),
    Layer(settle_stars, _paint_stars),
    Layer(settle_sun, _paint_sun),
    Layer(settle_veil, _paint_veil),
    Layer(settle_bank, _paint_bank),
)
