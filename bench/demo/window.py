"""Where a hole is filled: the window around it, brought to the network's size and pasted back.

Pictures are uint8 (H, W, 3), holes bool (H, W). Nothing under a hole reaches what a method is shown: windows are
shrunk by averaging whole cells, and a cell that touches the hole is a hole.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench.metrics.box import Box
from bench.metrics.card import Hole

PAINT_SIDE = 768
"""The longer side, in pixels, at which a picture is shown to be painted on."""

CONTEXT = 2
"""A window is that many times as wide as the hole in it, as the standard hole stands in its picture."""


class Window(NamedTuple):
    """A part of a picture and the (height, width) it is filled at."""

    box: Box
    shape: tuple[int, int]


def paint_shape(shape: tuple[int, int], side: int = PAINT_SIDE) -> tuple[int, int]:
    """(height, width) with the longer side at ``side``; a smaller picture keeps its own."""
    height, width = shape
    factor = min(1.0, side / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))


def shown(picture: np.ndarray, side: int = PAINT_SIDE) -> np.ndarray:
    """The picture as it is shown: no side longer than ``side``."""
    from PIL import Image

    height, width = paint_shape(picture.shape[:2], side)
    if (height, width) == picture.shape[:2]:
        return picture
    # The gap makes a large picture three times as fast, and nobody sees it.
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0))


def hole_to(hole: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A painted hole at another (height, width): every pixel takes the nearest one's."""
    rows = np.arange(shape[0]) * hole.shape[0] // shape[0]
    columns = np.arange(shape[1]) * hole.shape[1] // shape[1]
    return np.ascontiguousarray(hole[rows[:, None], columns])


def touched(hole: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A hole at a smaller (height, width): a cell is missing where any of its pixels is."""
    return cells(hole.astype(np.float32), shape) > 0


def cells(plane: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Means over cells, float32 of ``shape``."""
    from PIL import Image

    return np.asarray(Image.fromarray(plane).resize((shape[1], shape[0]), Image.Resampling.BOX))


def window_of(hole: np.ndarray, size: int) -> Window:
    """The window in which a hole, not empty, is filled by a method that works at ``size`` pixels.

    Twice as wide as the hole, at least ``size``, inside the picture; never enlarged.
    """
    height, width = hole.shape
    box = Hole(hole).box
    side = max(CONTEXT * max(box.bottom - box.top, box.right - box.left), size)
    top, bottom = span(box.top, box.bottom, side, height)
    left, right = span(box.left, box.right, side, width)
    factor = size / side
    shape = (max(1, round((bottom - top) * factor)), max(1, round((right - left) * factor)))
    return Window(Box(top, bottom, left, right), shape)


def span(low: int, high: int, length: int, room: int) -> tuple[int, int]:
    """``length`` pixels (or all there are) with low to high in their middle, moved inside ``room``."""
    length = min(length, room)
    start = min(max(0, (low + high - length) // 2), room - length)
    return start, start + length


def cut(picture: np.ndarray, hole: np.ndarray, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """What a method is given: the window's picture and hole at the window's shape."""
    from PIL import Image

    part = np.ascontiguousarray(window.box.of(picture))
    gap = np.ascontiguousarray(window.box.of(hole))
    if gap.shape == window.shape:
        return part, gap
    height, width = window.shape
    # A copy: what Pillow lends cannot be written to, which tensors made of it must be.
    small = np.array(Image.fromarray(part).resize((width, height), Image.Resampling.BOX))
    return small, touched(gap, window.shape)


def paste(picture: np.ndarray, hole: np.ndarray, window: Window, filled: np.ndarray) -> np.ndarray:
    """The picture with its hole filled from ``filled``, uint8 of the window's shape; known pixels stay as they are."""
    from PIL import Image

    box = window.box
    height, width = box.bottom - box.top, box.right - box.left
    if filled.shape[:2] != (height, width):
        filled = np.asarray(Image.fromarray(filled).resize((width, height), Image.Resampling.BICUBIC))
    result = picture.copy()
    np.copyto(box.of(result), filled, where=box.of(hole)[..., None])
    return result
