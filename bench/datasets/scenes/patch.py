"""A window of each scene's canvas around one thing in it, so that small things cost little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.datasets.scenes.canvas import Grid, Values


@dataclass
class Patch:
    """``x`` (N, 1, w) and ``y`` (N, h, 1): the places of its pixels in the frame."""

    pixels: np.ndarray
    where: np.ndarray | None
    x: np.ndarray
    y: np.ndarray

    @classmethod
    def around(cls, canvas: np.ndarray, v: Values, top: np.ndarray, bottom: np.ndarray, grid: Grid) -> Patch:
        """Windows of scenes ``v.which`` from ``v.left`` to ``v.right`` and from ``top`` to ``bottom``, each (N,).

        All get the size of the largest, and lie within the frame, moved inwards where they would not.
        """
        first_column, width = cover_line(v.left, v.right, grid.size)
        first_row, height = cover_line(top, bottom, grid.size)
        if len(v.which) == 1:
            scene, row, column = int(v.which[0]), int(first_row[0]), int(first_column[0])
            rows, columns = slice(row, row + height), slice(column, column + width)
            view = canvas[scene : scene + 1, :, rows, columns]
            return cls(view, None, grid.x[:, :, columns], grid.y[:, rows])
        across, down = first_column[:, None] + np.arange(width), first_row[:, None] + np.arange(height)
        area = grid.size * grid.size
        where = (
            (v.which * (3 * area))[:, None, None, None]
            + (np.arange(3) * area)[None, :, None, None]
            + (down * grid.size)[:, None, :, None]
            + across[:, None, None, :]
        )
        x, y = grid.x[0, 0][across][:, None, :], grid.y[0, :, 0][down][:, :, None]
        return cls(canvas.reshape(-1), where, x, y)

    def read(self) -> np.ndarray:
        """The pixels (N, 3, h, w), to draw on."""
        return self.pixels if self.where is None else self.pixels.take(self.where)

    def write(self, view: np.ndarray) -> None:
        """Put what :meth:`read` gave back where it came from."""
        if self.where is not None:
            self.pixels[self.where] = view


def cover_line(low: np.ndarray, high: np.ndarray, size: int) -> tuple[np.ndarray, int]:
    """The first pixel (N,) and the length of lines from ``low`` to ``high`` with one to spare, within the frame."""
    first = np.floor(low * size).astype(np.int64) - 1
    length = min(size, int((np.ceil(high * size).astype(np.int64) + 1 - first).max()))
    return np.clip(first, 0, size - length), length
