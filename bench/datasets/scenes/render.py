"""Drawing scenes, some at a time, from the far end forward."""

from __future__ import annotations

import numpy as np

from bench.datasets.scenes.canvas import F, grid_of
from bench.datasets.scenes.front import draw_front
from bench.datasets.scenes.land import draw_headland, draw_hills, draw_rocks
from bench.datasets.scenes.lighthouse import draw_lighthouse
from bench.datasets.scenes.plan import Plan, compose
from bench.datasets.scenes.sea import draw_sea
from bench.datasets.scenes.sky import draw_sky
from bench.datasets.scenes.small import draw_birds, draw_boats, draw_house

CHUNK_PIXELS = 131072
"""Scenes drawn together hold about this many pixels: enough to feed numpy, few enough to stay in cache."""

LAYERS = (
    draw_sky,
    draw_birds,
    draw_hills,
    draw_sea,
    draw_rocks,
    draw_boats,
    draw_headland,
    draw_house,
    draw_lighthouse,
    draw_front,
)


def render(seed: int, stream: str, indices: np.ndarray, size: int) -> np.ndarray:
    """Scenes ``indices`` of a stream, uint8 RGB (len(indices), size, size, 3); each depends on its index alone."""
    pictures = np.empty((len(indices), size, size, 3), np.uint8)
    together = max(1, CHUNK_PIXELS // (size * size))
    for start in range(0, len(indices), together):
        part = slice(start, start + together)
        canvas = draw(compose(seed, stream, indices[part]), size)
        np.clip(canvas, F(0), F(1), out=canvas)
        canvas *= F(255)
        canvas += F(0.5)
        rounded = canvas.astype(np.uint8)
        for channel in range(3):
            pictures[part, :, :, channel] = rounded[:, channel]
    return pictures


def draw(plan: Plan, size: int) -> np.ndarray:
    """A canvas (N, 3, size, size) float32 with the planned scenes on it."""
    grid = grid_of(size)
    canvas = np.empty((len(plan), 3, size, size), F)
    for layer in LAYERS:
        layer(canvas, plan, grid)
    return canvas
