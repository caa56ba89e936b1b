"""What every layer draws with: the grid of a size, coverage of shapes, and laying a colour over a canvas.

A canvas is float32 (N, 3, H, W), colours in [0, 1]. Places are shares of the frame: (0, 0) is the top left
corner, (1, 1) the bottom right. Only + - * /, square roots, comparisons and look-ups touch pixels: these
are rounded alike everywhere, so pictures are the same bit for bit.

A layer draws in two steps. ``settle`` works out its numbers for many scenes at once (:class:`Values`, one row
a scene); ``paint`` puts it on a canvas that holds a few of them, few enough to stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from bench.datasets.scenes.plan import Plan

F = np.float32
ZERO, ONE = F(0), F(1)


@dataclass(frozen=True)
class Grid:
    """Pixel centres of a square frame: ``x`` (1, 1, W) and ``y`` (1, H, 1), float32."""

    size: int
    x: np.ndarray
    y: np.ndarray
    side: int
    """Of the textures: about two entries a pixel, so that the finest detail is a pixel wide."""


@lru_cache(maxsize=8)
def grid_of(size: int) -> Grid:
    """Pixel centres in [0, 1] along x and y, and the side of the noise tables for this size (64 to 1024)."""
    centres = ((np.arange(size) + 0.5) / size).astype(F)
    side = 64
    while side < 2 * size and side < 1024:
        side *= 2
    return Grid(size, centres[None, None, :], centres[None, :, None], side)


class Values(SimpleNamespace):
    """The settled numbers of a layer: arrays with one row for each scene that shows it.

    ``which`` (N,) says which scenes these are.
    """

    which: np.ndarray

    def part(self, chosen: slice) -> Values:
        """The values of some of the scenes."""
        return Values(**{name: value[chosen] for name, value in vars(self).items()})


@dataclass(frozen=True)
class Layer:
    """``settle(plan, grid)`` gives Values or None (no scene shows it); ``paint(canvas, values, grid)`` draws."""

    settle: Callable[[Plan, Grid], Values | None]
    paint: Callable[[np.ndarray, Values, Grid], None]


def plane(values: np.ndarray | float) -> np.ndarray:
    """One number a scene (N,), to go with planes (N, H, W)."""
    return np.asarray(values, F)[:, None, None]


def tint(colours: np.ndarray) -> np.ndarray:
    """One colour a scene (N, 3), to go with a canvas (N, 3, H, W)."""
    return np.asarray(colours, F)[:, :, None, None]


def outline(values: np.ndarray) -> np.ndarray:
    """Heights by column (N, W), to go with planes (N, H, W)."""
    return values.astype(F)[:, None, :]


def clip(values: np.ndarray) -> np.ndarray:
    """Values brought into [0, 1]."""
    return values.clip(ZERO, ONE)


def ramp(values: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, smooth between; float32."""
    t = values.clip(ZERO, ONE)
    u = t * F(-2)
    u += F(3)
    u *= t
    u *= t
    return u


def edge(distance: np.ndarray, pixels: Any) -> np.ndarray:
    """Coverage of a shape whose outline lies ``distance`` inwards: half a pixel of softness on either side."""
    cover = distance * np.asarray(pixels, F)
    cover += F(0.5)
    return cover.clip(ZERO, ONE, out=cover)


def mix(a: Any, b: Any, share: Any) -> np.ndarray:
    """``a`` where share is 0, ``b`` where it is 1, linear in between."""
    change = (b - a) * share
    change += a
    return change


def lay(canvas: np.ndarray, cover: np.ndarray, colour: np.ndarray) -> None:
    """Lay ``colour`` (N, 3, ...) over the canvas where ``cover`` (N, H, W) is 1, and partly between."""
    change = colour - canvas
    change *= cover[:, None]
    canvas += change


def lit_between(dark: np.ndarray, bright: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Colours (N, 3, 1, 1) from dark to bright by how lit each place is (N, H, W): (N, 3, H, W)."""
    colour = (bright - dark) * light[:, None]
    colour += dark
    return colour


def span(low: Any, high: Any, size: int) -> slice:
    """The pixel rows (or columns) that hold anything between two places of any scene, with one to spare."""
    first = max(0, int(np.min(low) * size) - 1)
    last = min(size, int(np.max(high) * size) + 2)
    return slice(first, max(first, last))


EVERYTHING = slice(None)


def window(canvas: np.ndarray, which: np.ndarray, rows: slice, columns: slice = EVERYTHING) -> np.ndarray:
    """A part of some scenes' canvases: a view where it is of all of them, else a copy (see :func:`put_back`)."""
    if len(which) == len(canvas):
        return canvas[:, :, rows, columns]
    return canvas[which, :, rows, columns]


def put_back(canvas: np.ndarray, which: np.ndarray, view: np.ndarray, rows: slice, columns: slice = EVERYTHING) -> None:
    """Write a view that :func:`window` copied; where all scenes are in it, it is the canvas already."""
    if len(which) != len(canvas):
        canvas[which, :, rows, columns] = view
