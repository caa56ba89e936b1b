"""What every layer draws with: the grid of a size, coverage of shapes, and laying a colour over a canvas.

A canvas is float32 (N, 3, H, W), colours in [0, 1]. Places are shares of the frame: (0, 0) is the top left
corner, (1, 1) the bottom right. Only + - * /, square roots, comparisons and look-ups touch pixels: these
are rounded alike everywhere, so pictures are the same bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

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
    centres = ((np.arange(size) + 0.5) / size).astype(F)
    side = 64
    while side < 2 * size and side < 1024:
        side *= 2
    return Grid(size, centres[None, None, :], centres[None, :, None], side)


def plane(values: np.ndarray) -> np.ndarray:
    """One number a scene, to go with planes (N, H, W)."""
    return np.asarray(values, F)[:, None, None]


def tint(colours: np.ndarray) -> np.ndarray:
    """One colour a scene (N, 3), to go with a canvas (N, 3, H, W)."""
    return np.asarray(colours, F)[:, :, None, None]


def clip(values: np.ndarray) -> np.ndarray:
    return values.clip(ZERO, ONE)


def ramp(values: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, smooth between."""
    t = clip(values)
    return t * t * (3 - 2 * t)


def mix(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    return a + (b - a) * share


def lay(canvas: np.ndarray, cover: np.ndarray, colour: np.ndarray) -> None:
    """Lay ``colour`` (N, 3, ...) over the canvas where ``cover`` (N, H, W) is 1, and partly between."""
    change = colour - canvas
    change *= cover[:, None]
    canvas += change


def span(low: np.ndarray | float, high: np.ndarray | float, size: int) -> slice:
    """The pixel rows (or columns) that hold anything between two places of any scene, with one to spare."""
    first = max(0, int(np.min(low) * size) - 1)
    last = min(size, int(np.max(high) * size) + 2)
    return slice(first, max(first, last))


def edge(distance: np.ndarray, pixels: np.ndarray | float) -> np.ndarray:
    """Coverage of a shape whose outline lies ``distance`` inwards: half a pixel of softness on either side."""
    return clip(distance * F(pixels) + F(0.5))
