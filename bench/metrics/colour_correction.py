"""Colour correction from the known pixels, and the scores after it.

A method that paints the whole picture shows its colour error where the truth is known. Per channel, the gain
and offset that bring ``raw`` nearest to the truth there (least squares over the known pixels) are applied to
``raw`` in the hole; the result is composited, rounded to 8 bits and scored like any fill.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from bench.metrics.card import Card, Hole, Patch, Truth
from bench.metrics.colour_shift import EXACT, LEVELS, MEAN_SHIFT, distance, mean_shift, share
from bench.metrics.drift import Drift, drift, known_levels
from bench.metrics.error import psnr_of
from bench.metrics.registry import metric
from bench.metrics.scratch import SCRATCH

LEAST_SQUARES = "gain and offset by numpy.polyfit on the known pixels of raw, then "


CONSTANT = (0.01 / 255) ** 2
"""A variance of raw, of values in [0, 1], that counts as none."""

LEAST_SPREAD_LEVELS = 8.0
"""A standard deviation of raw below which its rounding to 8 bits flattens the fitted gain by over a thousandth."""


def fit(truth: np.ndarray, known: np.ndarray, raw: np.ndarray) -> np.ndarray | None:
    """Gain and offset per channel, float64 (3, 2), both of values in [0, 1], that bring raw nearest to the truth
    on the known pixels. truth uint8 (H, W, 3), known bool (H, W), raw float32 (H, W, 3). None without known
    pixels; where raw varies there by less
    than a hundredth of a level, the gain is 1.

    >>> levels = np.repeat(np.array([[50, 70, 90]], np.uint8)[..., None], 3, axis=2)
    >>> truth, raw, hole = 2 * levels - 51, levels / np.float32(255), np.array([[False, False, True]])
    >>> fit(truth, ~hole, raw).round(4).tolist()[0]  # red: twice raw, less 51 levels
    [2.0, -0.2]
    """
    if not known.any():
        return None
    r = raw[known].astype(np.float64)
    t = truth[known].astype(np.float64) / 255
    r_mean, t_mean = r.mean(axis=0), t.mean(axis=0)
    r -= r_mean
    spread = (r * r).mean(axis=0)
    gain = np.where(spread > CONSTANT, (r * (t - t_mean)).mean(axis=0) / np.maximum(spread, CONSTANT), 1.0)
    return np.stack([gain, t_mean - gain * r_mean], axis=1)


def quick_fit(card: Card, drift: Drift) -> np.ndarray:
    """The same fit from integer sums, raw rounded to 8 bits on the known pixels; where raw hardly varies, and the
    rounding would tell, :func:`fit`.

    >>> levels = np.repeat(np.array([[50, 70, 90]], np.uint8)[..., None], 3, axis=2)
    >>> truth, raw, hole = 2 * levels - 51, levels / np.float32(255), np.array([[False, False, True]])
    >>> card = Card(Truth(truth), Hole(hole), truth, raw)
    >>> quick_fit(card, drift(card)).round(4).tolist()[0]  # red: twice raw, less 51 levels
    [2.0, -0.2]
    """
    assert card.raw is not None and drift.q is not None and drift.qq is not None and drift.squares is not None
    n, (t, tt) = drift.known, known_levels(card)
    lines = []
    for c in range(3):
        spread = n * drift.qq[c] - drift.q[c] ** 2
        if spread < (LEAST_SPREAD_LEVELS * n) ** 2:
            fitted = fit(card.truth.picture, ~card.hole.mask, card.raw)
            assert fitted is not None
            return fitted
        qt = (drift.qq[c] + tt[c] - drift.squares[c]) // 2
        gain = (n * qt - drift.q[c] * t[c]) / spread
        lines.append((gain, (t[c] - gain * drift.q[c]) / (255 * n)))
    return np.array(lines)


def _repaint(raw: np.ndarray, hole: Hole, fitted: np.ndarray) -> np.ndarray:
    """The hole painted from raw after gain and offset, 8 bits: within its box, zero where known."""
    import cv2

    here = hole.box.of(raw)
    gains, offsets = np.tile((fitted.T * 255).astype(np.float32), here.shape[1])
    painted = SCRATCH.array("painted", (len(here), len(gains)), np.float32)
    np.multiply(here.reshape(painted.shape), gains, out=painted)
    painted += offsets
    if painted.min() < 0:
        np.maximum(painted, 0, out=painted)
    levels = SCRATCH.array("painted levels", painted.shape, np.uint8)
    cv2.convertScaleAbs(painted, dst=levels)  # rounds to even and stops at 255
    return cv2.bitwise_and(levels.reshape(here.shape), hole.stencil)


def _corrected_patch(card: Card) -> Patch | None:
    """The fill after colour correction; None without raw or known pixels, or for an empty hole."""
    drifted = drift(card)
    if card.raw is None or drifted is None or not card.hole.area or not card.hole.known:
        return None
    if drifted.q is None:
        return card
    raw, hole, fitted = card.raw, card.hole, quick_fit(card, drifted)
    return Patch(card.truth, hole, lambda: _repaint(raw, hole, fitted))


def correct(truth: np.ndarray, hole: np.ndarray, filled: np.ndarray, raw: np.ndarray) -> np.ndarray | None:
    """The fill after colour correction, uint8 (H, W, 3): ``filled`` with the hole painted anew from corrected raw.
    None without known pixels or for an empty hole.

    >>> levels = np.repeat(np.array([[50, 70, 90]], np.uint8)[..., None], 3, axis=2)
    >>> truth, raw, hole = 2 * levels - 51, levels / np.float32(255), np.array([[False, False, True]])
    >>> filled = np.where(hole[..., None], levels, truth)
    >>> filled[..., 0].tolist(), correct(truth, hole, filled, raw)[..., 0].tolist()  # 90 becomes 2 * 90 - 51
    ([[49, 89, 90]], [[49, 89, 129]])
    """
    card = Card(Truth(truth), Hole(hole), filled, np.ascontiguousarray(raw, np.float32))
    patch = _corrected_patch(card)
    if patch is None:
        return None
    picture = filled.copy()
    picture[hole] = patch.in_hole[card.hole.box.of(hole)]
    return picture


def _after(card: Card, score: Callable[[Patch], float]) -> float:
    """A score of the corrected patch; NaN where there is no correction to fit."""
    patch = card.once(_corrected_patch)
    return math.nan if patch is None else score(patch)


@metric(
    "psnr_hole_corrected",
    label="hole PSNR, corrected",
    corrects="psnr_hole",
    region="hole",
    unit="dB",
    direction="higher",
    range=(0.0, 100.0),
    needs_raw=True,
    reference=LEAST_SQUARES + "scikit-image peak_signal_noise_ratio over the hole's pixels",
    version=1,
)
def psnr_hole_corrected(card: Card) -> float:
    """psnr_hole after colour correction; NaN without known pixels.

    >>> import numpy as np
    >>> from bench.metrics.card import Card, Hole, Truth
    >>> truth = np.repeat(np.array([[10, 20, 30, 40]], np.uint8)[..., None], 3, axis=2)
    >>> card = Card(Truth(truth), Hole(np.array([[False, False, False, True]])), truth, truth / np.float32(510))
    >>> psnr_hole_corrected(card)  # raw is half as bright as the truth, which a gain of 2 mends
    100.0
    """
    return _after(card, lambda c: psnr_of(c.hole_sums.mse))


@metric(
    "colour_shift_corrected",
    label="colour shift, corrected",
    group="colour",
    corrects="colour_shift",
    region="hole",
    unit="ΔE00",
    direction="lower",
    range=(0.0, 120.0),
    needs_raw=True,
    reference=LEAST_SQUARES + "scikit-image deltaE_ciede2000 of the mean colours",
    version=1,
)
def colour_shift_corrected(card: Card) -> float:
    """colour_shift after colour correction; NaN without known pixels.

    >>> import numpy as np
    >>> from bench.metrics.card import Card, Hole, Truth
    >>> truth = np.repeat(np.array([[10, 20, 30, 40]], np.uint8)[..., None], 3, axis=2)
    >>> card = Card(Truth(truth), Hole(np.array([[False, False, False, True]])), truth, truth / np.float32(510))
    >>> round(colour_shift_corrected(card), 6)
    0.0
    """
    return _after(card, distance)


@metric(
    "colour_shift_r_corrected",
    label="colour shift, red, corrected",
    channel="red",
    corrects="colour_shift_r",
    reference=LEAST_SQUARES + MEAN_SHIFT,
    needs_raw=True,
    **LEVELS,
)
def colour_shift_r_corrected(card: Card) -> float:
    """colour_shift_r after colour correction; NaN without known pixels.

    >>> levels = np.repeat(np.array([[50, 70, 90]], np.uint8)[..., None], 3, axis=2)
    >>> truth, raw, hole = 2 * levels - 51, levels / np.float32(255), np.array([[False, False, True]])
    >>> truth[0, 2] = 126, 129, 120
    >>> colour_shift_r_corrected(Card(Truth(truth), Hole(hole), truth, raw))  # painted 2 * 90 - 51 = 129, where 126 was
    3.0
    """
    return _after(card, lambda c: mean_shift(c)[0])


@metric(
    "colour_shift_g_corrected",
    label="colour shift, green, corrected",
    channel="green",
    corrects="colour_shift_g",
    reference=LEAST_SQUARES + MEAN_SHIFT,
    needs_raw=True,
    **LEVELS,
)
def colour_shift_g_corrected(card: Card) -> float:
    """colour_shift_g after colour correction; NaN without known pixels.

    >>> levels = np.repeat(np.array([[50, 70, 90]], np.uint8)[..., None], 3, axis=2)
    >>> truth, raw, hole = 2 * levels - 51, levels / np.float32(255), np.array([[False, False, True]])
    >>> truth[0, 2] = 126, 129, 120
    >>> colour_shift_g_corrected(Card(Truth(truth), Hole(hole), truth, raw))  # painted 2 * 90 - 51 = 129, as it was
    0.0
    """
    return _after(card, lambda c: mean_shift(c)[1])


@metric(
    "colour_shift_b_corrected",
    label="colour shift, blue, corrected",
    channel="blue",
    corrects="colour_shift_b",
    reference=LEAST_SQUARES + MEAN_SHIFT,
    needs_raw=True,
    **LEVELS,
)
def colour_shift_b_corrected(card: Card) -> float:
    """colour_shift_b after colour correction; NaN without known pixels.

    >>> levels = np.repeat(np.array([[50, 70, 90]], np.uint8)[..., None], 3, axis=2)
    >>> truth, raw, hole = 2 * levels - 51, levels / np.float32(255), np.array([[False, False, True]])
    >>> truth[0, 2] = 126, 129, 120
    >>> colour_shift_b_corrected(Card(Truth(truth), Hole(hole), truth, raw))  # painted 2 * 90 - 51 = 129, where 120 was
    9.0
    """
    return _after(card, lambda c: mean_shift(c)[2])


@metric(
    "colour_shift_share_corrected",
    label="share of one offset, corrected",
    tolerance=0.02,
    undefined=lambda card: EXACT,
    group="colour",
    corrects="colour_shift_share",
    region="hole",
    unit="",
    direction="lower",
    range=(0.0, 1.0),
    needs_raw=True,
    reference=LEAST_SQUARES + "squared channel means of the error over its mean square",
    version=1,
)
def colour_shift_share_corrected(card: Card) -> float:
    """colour_shift_share after colour correction; NaN without known pixels or error.

    >>> levels = np.repeat(np.array([[50, 70, 90]], np.uint8)[..., None], 3, axis=2)
    >>> truth, raw, hole = 2 * levels - 51, levels / np.float32(255), np.array([[False, False, True]])
    >>> truth[0, 2] = 126, 129, 120
    >>> colour_shift_share_corrected(Card(Truth(truth), Hole(hole), truth, raw))  # one pixel is nothing but an offset
    1.0
    """
    return _after(card, share)
