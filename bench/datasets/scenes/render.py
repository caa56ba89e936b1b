"""Drawing scenes, some at a time, from the far end forward."""

from __future__ import annotations

import numpy as np

from bench.datasets.scenes.canvas import F, grid_of
from bench.datasets.scenes.land import draw_headland, draw_hills
from bench.datasets.scenes.lighthouse import draw_lighthouse
from bench.datasets.scenes.plan import compose
from bench.datasets.scenes.sea import draw_sea
from bench.datasets.scenes.sky import draw_sky

CHUNK_PIXELS = 65536
"""Scenes drawn together hold about this many pixels: enough to feed numpy, few enough to stay in cache."""


def render(seed: int, stream: str, indices: np.ndarray, size: int) -> np.ndarray:
    """Scenes ``indices`` of a stream, uint8 RGB (len(indices), size, size, 3); each depends on its index alone."""
    pictures = np.empty((len(indices), size, size, 3), np.uint8)
    together = max(1, CHUNK_PIXELS // (size * size))
    for start in range(0, len(indices), together):
        part = indices[start : start + together]
        canvas = draw(seed, stream, part, size)
        np.clip(canvas, F(0), F(1), out=canvas)
        canvas *= F(255)
        canvas += F(0.5)
        pictures[start : start + len(part)] = canvas.astype(np.uint8).transpose(0, 2, 3, 1)
    return pictures


def draw(seed: int, stream: str, indices: np.ndarray, size: int) -> np.ndarray:
    """A canvas (N, 3, size, size) float32 with the scenes on it."""
    plan, grid = compose(seed, stream, indices), grid_of(size)
    canvas = np.empty((len(indices), 3, size, size), F)
    draw_sky(canvas, plan, grid)
    draw_hills(canvas, plan, grid)
    draw_sea(canvas, plan, grid)
    draw_headland(canvas, plan, grid)
    draw_lighthouse(canvas, plan, grid)
    return canvas
