"""The card computed the plain way, on whole pictures, with NumPy and scikit-image: what the fast path is held to."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity


def plain_card(truth: np.ndarray, hole: np.ndarray, filled: np.ndarray) -> dict[str, float]:
    """Every score of finished pictures by name; uint8 (H, W, 3), bool (H, W), uint8 (H, W, 3)."""
    t, f = truth.astype(np.float64), filled.astype(np.float64)
    inside = (f - t)[hole]
    mse, mse_hole = mean(((f - t) / 255) ** 2), mean((inside / 255) ** 2)
    ssim, ssim_hole = gaussian_ssim(truth, hole, filled)
    shift = inside.mean(axis=0) if hole.any() else np.full(3, math.nan)
    return {
        "mse": mse,
        "mse_hole": mse_hole,
        "psnr": decibels(mse),
        "psnr_hole": decibels(mse_hole),
        "l1": mean(np.abs(f - t)) / 255,
        "l1_hole": mean(np.abs(inside)) / 255,
        "ssim": ssim,
        "ssim_hole": ssim_hole,
        "colour_shift": colour_distance(t[hole], f[hole]),
        "colour_shift_r": shift[0],
        "colour_shift_g": shift[1],
        "colour_shift_b": shift[2],
        "colour_shift_share": float((shift**2).sum() / (inside**2).sum() * len(inside)) if inside.any() else math.nan,
        "sharpness": log_ratio(energy(f, hole), energy(t, hole)),
        "seam": edge_step(f, hole) - edge_step(t, hole),
    }


def mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else math.nan


def log_ratio(fill: float, truth: float) -> float:
    """log2 of the ratio, within ±10; NaN where the truth has none."""
    if not truth:
        return math.nan
    return float(np.clip(np.log2(fill / truth), -10, 10)) if fill else -10.0


def decibels(mse: float) -> float:
    if math.isnan(mse):
        return math.nan
    return min(100.0, 10 * math.log10(1 / mse)) if mse else 100.0


def gaussian_ssim(truth: np.ndarray, hole: np.ndarray, filled: np.ndarray) -> tuple[float, float]:
    if min(hole.shape) < 11:
        return math.nan, math.nan
    whole, similarity = structural_similarity(
        truth,
        filled,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=2,
        full=True,
    )
    return float(whole), mean(similarity[hole])


def windowed_ssim(truth: np.ndarray, filled: np.ndarray, weights: np.ndarray, mode: str, scale: float) -> np.ndarray:
    """The SSIM map, float64 (H, W, 3), by scipy's filters: weights along one axis, border mode, variance scale."""

    def u(picture: np.ndarray) -> np.ndarray:
        rows = ndimage.correlate1d(picture, weights, axis=0, mode=mode)
        return ndimage.correlate1d(rows, weights, axis=1, mode=mode)

    x, y = truth.astype(np.float64), filled.astype(np.float64)
    vx, vy, cov = scale * (u(x * x) - u(x) ** 2), scale * (u(y * y) - u(y) ** 2), scale * (u(x * y) - u(x) * u(y))
    c1, c2 = 2.55**2, 7.65**2
    return (2 * u(x) * u(y) + c1) * (2 * cov + c2) / ((u(x) ** 2 + u(y) ** 2 + c1) * (vx + vy + c2))


def colour_distance(truth: np.ndarray, filled: np.ndarray) -> float:
    if not len(truth):
        return math.nan
    return float(deltaE_ciede2000(rgb2lab(truth.mean(axis=0) / 255), rgb2lab(filled.mean(axis=0) / 255)))


def energy(picture: np.ndarray, hole: np.ndarray) -> float:
    right, below = np.diff(picture, axis=1), np.diff(picture, axis=0)
    return float((right[hole[:, 1:] & hole[:, :-1]] ** 2).sum() + (below[hole[1:] & hole[:-1]] ** 2).sum())


def edge_step(picture: np.ndarray, hole: np.ndarray) -> float:
    right = np.abs(np.diff(picture, axis=1))[hole[:, 1:] ^ hole[:, :-1]]
    below = np.abs(np.diff(picture, axis=0))[hole[1:] ^ hole[:-1]]
    return mean(np.concatenate([right, below]))
