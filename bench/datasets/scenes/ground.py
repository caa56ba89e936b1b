"""What all land shares: the colours of rock, turf and foam, and places by column."""

from __future__ import annotations

import numpy as np

from bench.datasets.scenes.canvas import Grid, mix, tint
from bench.datasets.scenes.plan import Plan

ROCKS = np.array(
    [
        [0.52, 0.49, 0.45],
        [0.62, 0.5, 0.38],
        [0.42, 0.43, 0.46],
        [0.76, 0.73, 0.66],
        [0.5, 0.38, 0.33],
        [0.36, 0.35, 0.34],
    ]
)
TURF = np.array([[0.38, 0.5, 0.22], [0.5, 0.52, 0.26], [0.3, 0.43, 0.24], [0.6, 0.54, 0.34], [0.42, 0.55, 0.3]])


def pick(table: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Colours (N, 3): an entry of a table, part of the way towards another."""
    first = table[(u * len(table)).astype(np.int64)]
    return first + (table[(v * len(table)).astype(np.int64)] - first) * 0.3


def places(grid: Grid, count: int) -> np.ndarray:
    """Column centres for every scene, (count, W) float64."""
    return np.broadcast_to(grid.x[0].astype(np.float64), (count, grid.size))


def page(plan: Plan, grid: Grid) -> np.ndarray:
    """Where the relief lit from the scene's side begins."""
    return ((plan.light_x > 0) * grid.side * grid.side)[:, None, None]


def foam_of(plan: Plan) -> np.ndarray:
    """Colour of foam: seven tenths of the clouds', three of the light's."""
    return tint(mix(plan.colours["cloud"], plan.colours["light"], 0.3))
