"""Drawing scenes, some at a time, from the far end forward."""

from __future__ import annotations

import numpy as np

from bench.datasets.scenes.canvas import F, Grid, Layer, Values, grid_of
from bench.datasets.scenes.front import FRONT
from bench.datasets.scenes.hills import HILLS
from bench.datasets.scenes.land import HEADLAND, ROCKS_AWASH
from bench.datasets.scenes.lighthouse import BEAM, LIGHTHOUSE
from bench.datasets.scenes.plan import compose
from bench.datasets.scenes.sea import SEA
from bench.datasets.scenes.sky import SKY
from bench.datasets.scenes.small import BIRDS, BOATS, HOUSE

LAYERS: tuple[Layer, ...] = (
    *SKY,
    *BIRDS,
    *HILLS,
    SEA,
    ROCKS_AWASH,
    *BOATS,
    HEADLAND,
    HOUSE,
    LIGHTHOUSE,
    BEAM,
    FRONT,
)

SETTLED_TOGETHER = 128
CHUNK_PIXELS = 131072
"""Scenes painted together hold about this many pixels: enough to feed numpy, few enough to stay in cache."""


def render(seed: int, stream: str, indices: np.ndarray, size: int) -> np.ndarray:
    """Scenes ``indices`` of a stream, uint8 RGB (len(indices), size, size, 3); each depends on its index alone."""
    pictures = np.empty((len(indices), size, size, 3), np.uint8)
    for start in range(0, len(indices), SETTLED_TOGETHER):
        part = slice(start, start + SETTLED_TOGETHER)
        _render_some(seed, stream, indices[part], size, pictures[part])
    return pictures


def _render_some(seed: int, stream: str, indices: np.ndarray, size: int, pictures: np.ndarray) -> None:
    grid, plan = grid_of(size), compose(seed, stream, indices)
    # Scenes painted together share the rows they touch: with like horizons these are fewer.
    order = np.argsort(plan.horizon, kind="stable")
    plan = plan.only(order)
    settled = [(layer, values) for layer in LAYERS if (values := layer.settle(plan, grid)) is not None]
    together = max(1, CHUNK_PIXELS // (size * size))
    for start in range(0, len(indices), together):
        stop = min(start + together, len(indices))
        pictures[order[start:stop]] = paint(settled, start, stop, grid)


def paint(settled: list[tuple[Layer, Values]], start: int, stop: int, grid: Grid) -> np.ndarray:
    """Scenes start..stop of those settled, uint8 (stop - start, size, size, 3)."""
    canvas = np.empty((stop - start, 3, grid.size, grid.size), F)
    for layer, values in settled:
        first, last = np.searchsorted(values.which, (start, stop))
        if first < last:
            few = values.part(slice(first, last))
            few.which = few.which - start
            layer.paint(canvas, few, grid)
    np.clip(canvas, F(0), F(1), out=canvas)
    canvas *= F(255)
    canvas += F(0.5)
    rounded = canvas.astype(np.uint8)
    pictures = np.empty((stop - start, grid.size, grid.size, 3), np.uint8)
    for channel in range(3):
        pictures[..., channel] = rounded[:, channel]
    return pictures
