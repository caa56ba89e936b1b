"""Colour correction from the known pixels, and the scores after it.

A method that paints the whole picture shows its colour error where the truth is known. Per channel, the gain
and offset that bring ``raw`` nearest to the truth there (least squares over the known pixels) are applied to
``raw`` in the hole; the result is composited, rounded to 8 bits and scored like any fill.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from bench.metrics.card import Card
from bench.metrics.colour_shift import LEVELS, MEAN_SHIFT, distance, mean_shift, share
from bench.metrics.error import psnr_of
from bench.metrics.registry import metric

LEAST_SQUARES = "gain and offset by numpy.polyfit on the known pixels of raw, then "


def fit(truth: np.ndarray, known: np.ndarray, raw: np.ndarray) -> np.ndarray | None:
    """Gain and offset per channel, float64 (3, 2), both in values of [0, 1], that bring raw nearest to the
    truth on the known pixels. truth uint8 (H, W, 3), known bool (H, W), raw float32 (H, W, 3). None without
    known pixels; where raw is constant there, the gain is 1."""
    if not known.any():
        return None
    r = raw[known].astype(np.float64)
    t = truth[known].astype(np.float64) / 255
    r_mean, t_mean = r.mean(axis=0), t.mean(axis=0)
    r -= r_mean
    spread = (r * r).mean(axis=0)
    gain = np.where(spread > 1e-9, (r * (t - t_mean)).mean(axis=0) / np.maximum(spread, 1e-9), 1.0)
    return np.stack([gain, t_mean - gain * r_mean], axis=1)


def correct(truth: np.ndarray, hole: np.ndarray, filled: np.ndarray, raw: np.ndarray) -> np.ndarray | None:
    """The fill after colour correction, uint8 (H, W, 3): ``filled`` with the hole painted anew from
    corrected raw. None without known pixels."""
    fitted = fit(truth, ~hole, raw)
    if fitted is None:
        return None
    painted = raw[hole] * fitted[:, 0] + fitted[:, 1]
    picture = filled.copy()
    picture[hole] = np.rint(np.clip(painted, 0, 1) * 255).astype(np.uint8)
    return picture


def after(card: Card, score: Callable[[Card], float]) -> float:
    return math.nan if card.corrected is None else score(card.corrected)


@metric(
    "psnr_hole_corrected",
    region="hole",
    unit="dB",
    direction="higher",
    range=(0.0, 100.0),
    needs_raw=True,
    reference=LEAST_SQUARES + "scikit-image peak_signal_noise_ratio over the hole's pixels",
    version=1,
)
def psnr_hole_corrected(card: Card) -> float:
    """psnr_hole after colour correction; NaN without known pixels."""
    return after(card, lambda c: psnr_of(c.hole_sums.mse))


@metric(
    "colour_shift_corrected",
    region="hole",
    unit="ΔE00",
    direction="lower",
    range=(0.0, 120.0),
    needs_raw=True,
    reference=LEAST_SQUARES + "scikit-image deltaE_ciede2000 of the mean colours",
    version=1,
)
def colour_shift_corrected(card: Card) -> float:
    """colour_shift after colour correction; NaN without known pixels."""
    return after(card, distance)


@metric("colour_shift_r_corrected", reference=LEAST_SQUARES + MEAN_SHIFT, needs_raw=True, **LEVELS)
def colour_shift_r_corrected(card: Card) -> float:
    """colour_shift_r after colour correction; NaN without known pixels."""
    return after(card, lambda c: mean_shift(c)[0])


@metric("colour_shift_g_corrected", reference=LEAST_SQUARES + MEAN_SHIFT, needs_raw=True, **LEVELS)
def colour_shift_g_corrected(card: Card) -> float:
    """colour_shift_g after colour correction; NaN without known pixels."""
    return after(card, lambda c: mean_shift(c)[1])


@metric("colour_shift_b_corrected", reference=LEAST_SQUARES + MEAN_SHIFT, needs_raw=True, **LEVELS)
def colour_shift_b_corrected(card: Card) -> float:
    """colour_shift_b after colour correction; NaN without known pixels."""
    return after(card, lambda c: mean_shift(c)[2])


@metric(
    "colour_shift_share_corrected",
    region="hole",
    unit="",
    direction="lower",
    range=(0.0, 1.0),
    needs_raw=True,
    reference=LEAST_SQUARES + "squared channel means of the error over its mean square",
    version=1,
)
def colour_shift_share_corrected(card: Card) -> float:
    """colour_shift_share after colour correction; NaN without known pixels or error."""
    return after(card, share)
