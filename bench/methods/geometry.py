"""The parts of a picture that a model is shown, their size, and how its answers come back (``fit``, ``paste``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

CONTEXT = 0.5
"""``fit=crop`` shows at least this share of the hole's own width and height around it, half of it on each side."""

OVERLAP = 0.25
"""Neighbouring tiles share at least this part of their sides."""

TOUCHED = 1e-4
"""A resized pixel of which a hole's pixels make up more than this is missing: nothing under a hole shows through."""


@dataclass(frozen=True)
class Window:
    """A part of a picture in pixels; it may reach beyond the right and lower edge, where it is filled by reflection."""

    top: int
    left: int
    height: int
    width: int


def windows(hole: np.ndarray, size: tuple[int, int] | None, fit: str | None, multiple: int) -> list[Window]:
    """The parts of a picture to be shown; none where nothing is missing and only holes are looked at.

    hole: bool (H, W). size: (width, height) that the model takes, None where it takes any multiple of ``multiple``.
    """
    height, width = hole.shape
    if size is None:
        return [Window(0, 0, height + -height % multiple, width + -width % multiple)]
    if fit == "crop":
        return [around(hole, size)] if hole.any() else []
    if fit == "tile":
        tops, lefts = starts(height, size[1]), starts(width, size[0])
        tiles = [Window(top, left, size[1], size[0]) for top in tops for left in lefts]
        return [t for t in tiles if hole[t.top : t.top + t.height, t.left : t.left + t.width].any()]
    return [Window(0, 0, height, width)]


def around(hole: np.ndarray, size: tuple[int, int]) -> Window:
    """The smallest window of the size's proportions, but not below the size, that shows the hole and its context."""
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    tall, wide = int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1
    scale = max(1.0, tall * (1 + CONTEXT) / size[1], wide * (1 + CONTEXT) / size[0])
    height, width = min(round(size[1] * scale), hole.shape[0]), min(round(size[0] * scale), hole.shape[1])
    if scale == 1.0:
        height, width = size[1], size[0]
    top = int(rows[0]) + tall // 2 - height // 2
    left = int(columns[0]) + wide // 2 - width // 2
    return Window(
        max(0, min(top, hole.shape[0] - height)), max(0, min(left, hole.shape[1] - width)), height, width
    )  # fmt: skip


def starts(length: int, tile: int) -> list[int]:
    """Where tiles begin along a side, evenly spread, overlapping by at least :data:`OVERLAP`."""
    if length <= tile:
        return [0]
    count = int(np.ceil((length - tile) / (tile * (1 - OVERLAP)))) + 1
    return [round(k * (length - tile) / (count - 1)) for k in range(count)]


def cut(x: Tensor, window: Window) -> Tensor:
    """The window of x, (1, C, H, W); beyond its edges by reflection."""
    from variants.network_method import reflect

    part = x[..., window.top : window.top + window.height, window.left : window.left + window.width]
    pad = (0, window.width - part.shape[-1], 0, window.height - part.shape[-2])
    return reflect(part, pad) if any(pad) else part


def resized(x: Tensor, size: tuple[int, int] | None) -> Tensor:
    """x, (1, C, H, W), at (width, height), bilinear and without aliasing."""
    import torch.nn.functional as F

    if size is None or tuple(x.shape[-2:]) == (size[1], size[0]):
        return x
    return F.interpolate(x, (size[1], size[0]), mode="bilinear", antialias=True)


def shrunk_hole(hole: Tensor, size: tuple[int, int] | None) -> Tensor:
    """hole, float (1, 1, H, W) of 0 and 1, at another size: 1 wherever a missing pixel has any part."""
    small = resized(hole, size)
    return hole if small is hole else (small > TOUCHED).to(hole.dtype)


def weight(window: Window) -> np.ndarray:
    """How much each pixel of a tile counts where tiles overlap: falling towards its edges, (height, width, 1)."""
    y, x = (np.minimum(np.arange(n) + 1, n - np.arange(n)) for n in (window.height, window.width))
    return (y[:, None] * x[None, :])[..., None].astype(np.float32)


def assemble(image: np.ndarray, parts: list[tuple[Window, np.ndarray]]) -> np.ndarray:
    """raw, float32 (H, W, 3): the parts where there are any, weighted where they overlap, and ``image`` elsewhere."""
    height, width = image.shape[:2]
    if len(parts) == 1 and parts[0][0].top == parts[0][0].left == 0:
        only = parts[0][1][:height, :width]
        if only.shape == image.shape:
            return only
    total, weights = np.zeros(image.shape, np.float32), np.zeros((height, width, 1), np.float32)
    for window, part in parts:
        rows = slice(window.top, min(window.top + window.height, height))
        columns = slice(window.left, min(window.left + window.width, width))
        inside = slice(0, rows.stop - rows.start), slice(0, columns.stop - columns.start)
        share = weight(window)[inside]
        total[rows, columns] += share * part[inside]
        weights[rows, columns] += share
    return np.where(weights > 0, total / np.maximum(weights, 1e-9), image).astype(np.float32)


def feathered(raw: np.ndarray, image: np.ndarray, hole: np.ndarray, width: int) -> np.ndarray:
    """raw, with the fill fading in over ``width`` pixels inwards from the hole's edge.

    What it fades in from is the colour of the nearest known pixel: known pixels themselves are left as they are, and
    the truth under the hole is not looked at. At distance d from the known, raw counts d / (width + 1).
    """
    if not width or not hole.any() or hole.all():
        return raw
    from scipy.ndimage import distance_transform_edt

    distance, (rows, columns) = distance_transform_edt(hole, return_indices=True)
    share = np.minimum(distance / (width + 1), 1).astype(np.float32)[..., None]
    return np.where(hole[..., None], share * raw + (1 - share) * image[rows, columns], raw).astype(np.float32)
