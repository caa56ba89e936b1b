"""Tables of smooth noise: built once per picture size by exact arithmetic, then only looked up.

Value noise: random numbers on a lattice, blended by the polynomial 3t² - 2t³, in octaves of doubling
frequency. Textures tile, so a look-up may start anywhere and go on for ever.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from bench.util import draws

LINE = 4096
"""Entries of a 1-D table."""


def smooth(t: np.ndarray) -> np.ndarray:
    """Smoothstep, 3t² - 2t³: 0 to 1 with no slope at either end."""
    return t * t * (3 - 2 * t)


def cells(place: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For places in periods of ``n`` lattice cells: the cell, the next one, how far between (smoothed)."""
    place = place * n
    cell = np.floor(place).astype(np.int64)
    return cell % n, (cell + 1) % n, smooth(place - cell)


def octave(name: str, rows: int, columns: int, side: int, slanted: bool) -> np.ndarray:
    """Value noise with ``rows`` x ``columns`` lattice cells, (side, side), values in [0, 1), which tiles.

    The lattice is shifted at random; slanted ones are turned by 45 degrees and are finer by the root of 2.
    Octaves whose lattices lay in line would show them as streaks.
    """
    lattice = draws.uniforms(0, f"scenes/texture/{name}/{rows}x{columns}", np.arange(rows), columns + 2)
    shift_down, shift_right = lattice[0, columns:]
    place = np.arange(side) / side
    if not slanted:
        above, below, down = cells(place + shift_down, rows)
        here, there, right = cells(place + shift_right, columns)
        lines = lattice[above] + (lattice[below] - lattice[above]) * down[:, None]
        return lines[:, here] + (lines[:, there] - lines[:, here]) * right
    above, below, down = cells(place[:, None] - place + (1 + shift_down), rows)
    here, there, right = cells(place[:, None] + place + shift_right, columns)
    left = lattice[above, here] + (lattice[below, here] - lattice[above, here]) * down
    other = lattice[above, there] + (lattice[below, there] - lattice[above, there]) * down
    return left + (other - left) * right


def even(field: np.ndarray) -> np.ndarray:
    """The same order of values, spread evenly over (0, 1): a threshold is then a share of the area."""
    rank = np.empty(field.size, np.int64)
    rank[np.argsort(field, axis=None, kind="stable")] = np.arange(field.size)
    return ((rank + 0.5) / field.size).reshape(field.shape).astype(np.float32)


SHAPES = {
    # name: (first rows, first columns, how an octave is folded, weight of the next octave, slanted in turn)
    "cloud": (4, 4, "billow", 0.58, True),
    "veil": (3, 2, "plain", 0.52, True),
    "wave": (14, 4, "crest", 0.8, False),
    "rock": (6, 8, "crest", 0.62, False),
    "turf": (8, 8, "plain", 0.75, True),
}


@lru_cache(maxsize=32)
def texture(name: str, side: int) -> np.ndarray:
    """A tiling texture (side, side), float32 spread evenly over (0, 1); ``side`` is a power of two.

    A larger one holds the same shapes with finer octaves added.
    """
    rows, columns, fold, weight, turning = SHAPES[name]
    total = np.zeros((side, side))
    share, slanted = 1.0, False
    while max(rows, columns) * 4 <= side:
        layer = octave(name, rows, columns, side, slanted)
        if fold == "billow":
            layer = abs(2 * layer - 1) * 0.7 + layer * 0.5
        elif fold == "crest":
            layer = 1 - abs(2 * layer - 1)
            layer = layer * layer
        total += share * layer
        share, slanted = share * weight, turning and not slanted
        rows, columns = rows * 2, columns * 2
    return even(total)


@lru_cache(maxsize=32)
def relief(name: str, side: int) -> np.ndarray:
    """A texture lit from above, (2, side, side) float32, about -1 to 1: first from the left, then from the right.

    To look it up, add ``side * side`` to the places of scenes lit from the right.
    """
    field, step = texture(name, side), max(1, side // 64)
    pages = [field - np.roll(field, (step, across), axis=(0, 1)) for across in (step, -step)]
    return np.stack(pages)


@lru_cache(maxsize=8)
def line(name: str, weight: float = 0.5) -> np.ndarray:
    """1-D noise, LINE + 1 entries (the last is the first again), float64 in about [0, 1]."""
    total, share, whole, n = np.zeros(LINE), 1.0, 0.0, 8
    while n <= LINE // 4:
        lattice = draws.uniforms(0, f"scenes/line/{name}", n, n)[0]
        here, there, t = cells(np.arange(LINE) / LINE, n)
        total += share * (lattice[here] + (lattice[there] - lattice[here]) * t)
        whole, share, n = whole + share, share * weight, n * 2
    total /= whole
    total = (total - total.min()) / (total.max() - total.min())
    return np.append(total, total[0])


def along(table: np.ndarray, place: np.ndarray) -> np.ndarray:
    """A 1-D table read between its entries; ``place`` counts periods (8 coarse waves each), >= 0."""
    position = place * LINE
    cell = np.floor(position)
    part = position - cell
    index = cell.astype(np.int64) % LINE
    return table[index] + (table[index + 1] - table[index]) * part


def look_up(side: int, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Where a texture holds (across, down), counted in periods, >= 0; they broadcast; for ``texture.take``."""
    column = (across * np.float32(side)).astype(np.int64)
    column &= side - 1
    row = (down * np.float32(side)).astype(np.int64)
    row &= side - 1
    row *= side
    shape = np.broadcast_shapes(column.shape, row.shape)
    if column.shape == shape:
        column += row
        return column
    if row.shape == shape:
        row += column
        return row
    return column + row


def sample(name: str, side: int, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """A texture at (across, down), its nearest entries."""
    return texture(name, side).take(look_up(side, across, down))
