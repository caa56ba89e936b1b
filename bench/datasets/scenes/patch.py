"""A window of each scene's canvas around one thing in it, so that small things cost little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.datasets.scenes.canvas import Grid


@dataclass
class Patch:
    """``x`` (N, 1, w) and ``y`` (N, h, 1): the places of its pixels in the frame."""

    canvas: np.ndarray
    where: np.ndarray
    x: np.ndarray
    y: np.ndarray

    @classmethod
    def around(cls, canvas, grid: Grid, which, centre, half, top, bottom) -> Patch:
        """A window ``centre ± half`` wide from ``top`` to ``bottom`` (each (N,)); all get the largest one's size."""
        size = grid.size
        left = np.floor((centre - half) * size).astype(np.int64) - 1
        first = np.floor(top * size).astype(np.int64) - 1
        width = min(size, int(np.max(np.ceil((centre + half) * size).astype(np.int64) + 1 - left)))
        height = min(size, int(np.max(np.ceil(bottom * size).astype(np.int64) + 1 - first)))
        left = np.clip(left, 0, size - width)
        first = np.clip(first, 0, size - height)
        columns = left[:, None] + np.arange(width)
        rows = first[:, None] + np.arange(height)
        plane = size * size
        where = (
            (which * 3 * plane)[:, None, None, None]
            + (np.arange(3) * plane)[None, :, None, None]
            + (rows * size)[:, None, :, None]
            + columns[:, None, None, :]
        )
        return cls(canvas, where, grid.x[0, 0][columns][:, None, :], grid.y[0, :, 0][rows][:, :, None])

    def read(self) -> np.ndarray:
        """The pixels (N, 3, h, w), a copy."""
        return self.canvas.ravel().take(self.where)

    def write(self, view: np.ndarray) -> None:
        self.canvas.ravel()[self.where] = view
