"""Pixel errors: mean squared and absolute, and PSNR. From integer sums, so exact."""

from __future__ import annotations

import math

from bench.metrics import brushnet_known_region
from bench.metrics.card import Card
from bench.metrics.registry import metric

CAP_DB = 100.0
"""PSNR of identical pictures, where the formula has no value; nothing is ever above it."""


def _level_total(card: Card) -> int:
    """The levels of both pictures, summed."""
    return int(card.truth.picture.sum(dtype="int64")) + int(card.filled.sum(dtype="int64"))


def psnr_of(mse: float) -> float:
    """PSNR in dB of a mean squared error of values in [0, 1]; 100 at most, NaN for NaN.

    >>> psnr_of(0.01), psnr_of(0.0)
    (20.0, 100.0)
    """
    if math.isnan(mse):
        return math.nan
    return min(CAP_DB, -10.0 * math.log10(mse)) if mse > 0 else CAP_DB


@metric(
    "mse",
    label="MSE",
    tolerance=0.0002,
    decimals=5,
    protocols={
        "brushbench": {
            "label": "known-region MSE",
            "region": "known",
            "range": (0.0, brushnet_known_region.LARGEST_MSE),
            "summary": "Squared error of the known pixels before they are restored, the three channels added.",
            "reference": "BrushNet calculate_mse: of the known pixels before they are restored, channels summed",
            "compute": brushnet_known_region.known_mse,
        }
    },
    region="image",
    unit="",
    direction="lower",
    range=(0.0, 1.0),
    reference="scikit-image mean_squared_error of values in [0, 1]",
    version=1,
)
def mse(card: Card) -> float:
    """Mean squared error over the picture and channels, values in [0, 1].

    The PSNR of its mean over pictures (:func:`psnr_of`) stands beside the mean PSNR in summaries.

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> black, hole = np.zeros((2, 2, 3), np.uint8), np.array([[True, False], [False, False]])
    >>> white_in_hole = np.where(hole[..., None], np.uint8(255), black)
    >>> mse(Card(Truth(black), Hole(hole), white_in_hole))  # one pixel of four is wrong by 1
    0.25
    """
    return card.image_sums.mse


@metric(
    "mse_hole",
    label="hole MSE",
    tolerance=0.0005,
    decimals=5,
    region="hole",
    unit="",
    direction="lower",
    range=(0.0, 1.0),
    reference="scikit-image mean_squared_error over the hole's pixels",
    version=1,
)
def mse_hole(card: Card) -> float:
    """Mean squared error over the hole and channels, values in [0, 1]; NaN for an empty hole.

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> fill = np.where(hole[..., None], np.uint8(51), black)
    >>> round(mse_hole(Card(Truth(black), Hole(hole), fill)), 6)  # (51 / 255)²
    0.04
    """
    return card.hole_sums.mse


@metric(
    "psnr",
    label="PSNR",
    from_error=("mse", psnr_of),
    protocols={
        "mat": {"reference": "MAT cal_psnr_ssim_l1, 8-bit pictures in double precision"},
        "brushbench": {
            "label": "known-region PSNR",
            "region": "known",
            "range": (brushnet_known_region.LOWEST_DB, brushnet_known_region.EXACT_DB),
            "reference": "BrushNet calculate_psnr: of its MSE, which sums the channels; 1000 for an MSE under 1e-10",
            "compute": brushnet_known_region.known_psnr,
            "summary": "-10 log10(mse) of the known pixels before they are restored; 1000 dB where they are unchanged.",
            "from_error": ("mse", brushnet_known_region.known_psnr_of),
        },
    },
    region="image",
    unit="dB",
    direction="higher",
    range=(0.0, 100.0),
    reference="scikit-image peak_signal_noise_ratio, data_range 255",
    version=1,
)
def psnr(card: Card) -> float:
    """Peak signal-to-noise ratio of the picture, -10 log10(mse), capped at 100 dB (identical pictures).

    Summaries give the mean of the pictures' values, and the PSNR of the mean error beside it.

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> fill = np.where(hole[..., None], np.uint8(51), black)
    >>> round(psnr(Card(Truth(black), Hole(hole), fill)), 2)  # -10 log10(0.04 / 2)
    16.99
    """
    return psnr_of(card.image_sums.mse)


@metric(
    "psnr_hole",
    label="hole PSNR",
    rank=1,
    from_error=("mse_hole", psnr_of),
    region="hole",
    unit="dB",
    direction="higher",
    range=(0.0, 100.0),
    reference="scikit-image peak_signal_noise_ratio over the hole's pixels, data_range 255",
    version=1,
)
def psnr_hole(card: Card) -> float:
    """Peak signal-to-noise ratio of the hole's pixels, capped at 100 dB (an exact fill).

    NaN for an empty hole. Summaries give the mean of the pictures' values, and the PSNR of the mean error beside it.

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> round(psnr_hole(Card(Truth(black), Hole(hole), np.where(hole[..., None], np.uint8(51), black))), 2)  # of 0.04
    13.98
    """
    return psnr_of(card.hole_sums.mse)


@metric(
    "l1",
    label="L1",
    tolerance=0.001,
    protocols={
        "mat": {"reference": "MAT cal_psnr_ssim_l1: mean absolute error of values in [0, 1], which is native"},
        "aot": {
            "reference": "AOT-GAN compare_mae: sum of absolute errors over the sum of both pictures",
            "summary": "Sum of absolute errors over the sum of both pictures.",
        },
    },
    undefined=lambda card: "truth and fill are black throughout, so there is no sum to divide by",
    region="image",
    unit="",
    direction="lower",
    range=(0.0, 1.0),
    reference="mean absolute error of values in [0, 1] (numpy)",
    version=1,
)
def l1(card: Card) -> float:
    """Mean absolute error over the picture and channels, values in [0, 1].

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> fill = np.where(hole[..., None], np.uint8(51), black)
    >>> l1(Card(Truth(black), Hole(hole), fill))  # one pixel of two is off by 51 / 255
    0.1
    """
    if card.protocol.l1 == "relative":
        total = card.once(_level_total)
        return card.image_sums.absolutes / total if total else math.nan
    return card.image_sums.l1


@metric(
    "l1_hole",
    label="hole L1",
    rank=5,
    tolerance=0.002,
    region="hole",
    unit="",
    direction="lower",
    range=(0.0, 1.0),
    reference="mean absolute error of values in [0, 1] over the hole's pixels (numpy)",
    version=1,
)
def l1_hole(card: Card) -> float:
    """Mean absolute error over the hole and channels, values in [0, 1]; NaN for an empty hole.

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> l1_hole(Card(Truth(black), Hole(hole), np.where(hole[..., None], np.uint8(51), black)))  # 51 / 255
    0.2
    """
    return card.hole_sums.l1
