"""Structural similarity (Wang et al. 2004), of the picture and of the hole."""

from __future__ import annotations

import math

import numpy as np

from bench.metrics.card import Card
from bench.metrics.registry import metric
from bench.protocol import Window

REFERENCE = "scikit-image structural_similarity, gaussian_weights, sigma 1.5, population covariance"


def ssim_map(truth: np.ndarray, filled: np.ndarray, window: Window) -> np.ndarray:
    """The SSIM map of two uint8 pictures (H, W, 3): float64 (H, W, 3), border pixels included."""
    from cv2 import BORDER_CONSTANT, BORDER_REFLECT, sepFilter2D

    kernel = weights(window)
    border = BORDER_REFLECT if window.border == "reflect" else BORDER_CONSTANT

    def smooth(picture: np.ndarray) -> np.ndarray:
        return sepFilter2D(picture, -1, kernel, kernel, borderType=border)

    x, y = truth.astype(np.float64), filled.astype(np.float64)
    mx, my = smooth(x), smooth(y)
    scale = window.side**2 / (window.side**2 - 1) if window.sample else 1.0
    vx = scale * (smooth(x * x) - mx * mx)
    vy = scale * (smooth(y * y) - my * my)
    vxy = scale * (smooth(x * y) - mx * my)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return (2 * mx * my + c1) * (2 * vxy + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))


def weights(window: Window) -> np.ndarray:
    """The window's weights along one axis, summing to 1."""
    if window.kind == "uniform":
        return np.full(window.side, 1 / window.side)
    offsets = np.arange(window.side) - window.reach
    bell = np.exp(-(offsets**2) / (2 * window.sigma**2))
    return bell / bell.sum()


def both(card: Card) -> tuple[float, float]:
    """SSIM of the picture and of the hole; NaN where the picture is smaller than the window."""
    window, (height, width) = card.protocol.window, card.truth.shape
    if min(height, width) < window.smallest:
        return math.nan, math.nan
    similarity = ssim_map(card.truth.picture, card.filled, window)
    inner = similarity[window.crop : height - window.crop, window.crop : width - window.crop]
    return float(inner.mean()), float(similarity[card.hole.mask].mean()) if card.hole.area else math.nan


@metric(
    "ssim", region="image", unit="", direction="higher", range=(-1.0, 1.0), reference=REFERENCE, version=1
)
def ssim(card: Card) -> float:
    """Structural similarity: mean of the map over channels and pixels, 5 pixels along the edges left out.

    NaN where the picture is smaller than the window. Summaries give the mean of the pictures' values.
    """
    return card.ssim[0]


@metric(
    "ssim_hole",
    region="hole",
    unit="",
    direction="higher",
    range=(-1.0, 1.0),
    reference=f"mean over the hole of the map (full=True) of {REFERENCE}",
    version=1,
)
def ssim_hole(card: Card) -> float:
    """Structural similarity in the hole: mean of the whole map, edges included, over the hole and
    channels."""
    return card.ssim[1]
