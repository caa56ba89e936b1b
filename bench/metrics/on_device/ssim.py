"""SSIM of whole pictures on a device, in float64: the window and constants are those of the plain path."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.metrics.protocol import Window
from bench.metrics.ssim_map import C1, C2, divisor_scale, weights


def picture_and_hole(truths: Tensor, filled: Tensor, holes: Tensor, owner: Tensor, window: Window) -> Tensor:
    """float64 (K, 2): the mean of the map over the picture, and over the hole (NaN where that is empty).

    truths uint8 (P, H, W, 3); filled uint8 (K, H, W, 3); holes bool (P, H, W); owner int64 (K,). NaN where the
    pictures are smaller than the window.
    """
    height, width = holes.shape[1:]
    if min(height, width) < window.smallest:
        return torch.full((len(owner), 2), torch.nan, dtype=torch.float64, device=filled.device)
    x, y, scale = truths.double(), filled.double(), divisor_scale(window)
    mean_x, mean_y = smooth(x, window), smooth(y, window)
    variance_x = scale * (smooth(x * x, window) - mean_x * mean_x)[owner]
    variance_y = scale * (smooth(y * y, window) - mean_y * mean_y)
    mean_x = mean_x[owner]
    covariance = scale * (smooth(x[owner] * y, window) - mean_x * mean_y)
    similarity = (2 * mean_x * mean_y + C1) * (2 * covariance + C2)
    similarity /= (mean_x * mean_x + mean_y * mean_y + C1) * (variance_x + variance_y + C2)
    crop = window.crop
    picture = similarity[:, crop : height - crop, crop : width - crop].mean((1, 2, 3))
    hole = holes[owner][..., None]
    return torch.stack([picture, (similarity * hole).sum((1, 2, 3)) / (3 * hole.sum((1, 2, 3)))], dim=1)


def smooth(pictures: Tensor, window: Window) -> Tensor:
    """The window's weighted means of float64 (N, H, W, 3)."""
    kernel = weights(window, float).tolist()
    for axis, pad in ((1, (0, 0, 0, 0)), (2, (0, 0))):
        length = pictures.shape[axis]
        if window.border == "zero":
            wide = F.pad(pictures, (*pad, window.reach, window.reach))
        else:
            places = reflected(length, window.reach)
            wide = pictures.index_select(axis, torch.tensor(places, device=pictures.device))
        means = wide.narrow(axis, 0, length) * kernel[0]
        for offset, weight in enumerate(kernel[1:], start=1):
            means.add_(wide.narrow(axis, offset, length), alpha=weight)
        pictures = means
    return pictures


def reflected(length: int, reach: int) -> list[int]:
    """The places of an axis with ``reach`` more on both sides, mirrored at the edge: 1 0 | 0 1 2 …"""
    places = (place % (2 * length) for place in range(-reach, length + reach))
    return [min(place, 2 * length - 1 - place) for place in places]
