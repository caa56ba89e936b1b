"""A window of each scene's canvas around one thing in it, so that small things cost little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.datasets.scenes.canvas import Grid


@dataclass
class Patch:
    """``x`` (N, 1, w) and ``y`` (N, h, 1): the places of its pixels in the frame."""

    pixels: np.ndarray
    where: np.ndarray
    x: np.ndarray
    y: np.ndarray

    @classmethod
    def around(
        cls,
        canvas: np.ndarray,
        grid: Grid,
        which: np.ndarray,
        centre: np.ndarray,
        half: np.ndarray,
        top: np.ndarray,
        bottom: np.ndarray,
    ) -> Patch:
        """Windows of scenes ``which``, ``centre ± half`` wide, from ``top`` to ``bottom`` (each (N,)).

        All get the size of the largest, and lie within the frame, moved inwards where they would not.
        """
        size = grid.size
        columns = cover_line(centre - half, centre + half, size)
        rows = cover_line(top, bottom, size)
        area = size * size
        where = (
            (which * (3 * area))[:, None, None, None]
            + (np.arange(3) * area)[None, :, None, None]
            + (rows * size)[:, None, :, None]
            + columns[:, None, None, :]
        )
        return cls(canvas.reshape(-1), where, grid.x[0, 0][columns][:, None, :], grid.y[0, :, 0][rows][:, :, None])

    def read(self) -> np.ndarray:
        """The pixels (N, 3, h, w), a copy."""
        return self.pixels.take(self.where)

    def write(self, view: np.ndarray) -> None:
        self.pixels[self.where] = view


def cover_line(low: np.ndarray, high: np.ndarray, size: int) -> np.ndarray:
    """Pixel numbers (N, length) from ``low`` to ``high`` with one to spare, all of one length, within the frame."""
    first = np.floor(low * size).astype(np.int64) - 1
    length = min(size, int(np.max(np.ceil(high * size).astype(np.int64) + 1 - first)))
    return np.clip(first, 0, size - length)[:, None] + np.arange(length)
