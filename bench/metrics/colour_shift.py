"""Colour shift: how far the mean colour of the fill lies from the mean colour that was there."""

from __future__ import annotations

import math

from bench.metrics.card import Card
from bench.metrics.colour import delta_e_2000, lab
from bench.metrics.registry import metric

LEVELS = {"region": "hole", "unit": "levels", "direction": "nearest", "range": (-255.0, 255.0), "version": 1}
MEAN_SHIFT = "difference of channel means over the hole (numpy, float64)"


def mean_shift(card: Card) -> tuple[float, float, float]:
    """Mean of filled - truth over the hole, per channel, in 8-bit levels; NaN for an empty hole."""
    sums = card.hole_sums
    if not sums.pixels:
        return math.nan, math.nan, math.nan
    red, green, blue = sums.signed
    return red / sums.pixels, green / sums.pixels, blue / sums.pixels


def distance(card: Card) -> float:
    """CIEDE2000 between the mean colours (sRGB-encoded levels averaged) of truth and fill over the hole."""
    if not card.hole.area:
        return math.nan
    mean = card.truth_mean
    shifted = [level + shift for level, shift in zip(mean, mean_shift(card), strict=True)]
    return delta_e_2000(lab(mean), lab(shifted))


def share(card: Card) -> float:
    """Share of the squared error that one constant offset per channel explains; NaN where there is no
    error."""
    sums = card.hole_sums
    return sum(s * s for s in sums.signed) / (sums.pixels * sums.squares) if sums.squares else math.nan


@metric(
    "colour_shift",
    region="hole",
    unit="ΔE00",
    direction="lower",
    range=(0.0, 120.0),
    reference="scikit-image rgb2lab and deltaE_ciede2000 of the hole's mean colours",
    version=1,
)
def colour_shift(card: Card) -> float:
    """CIEDE2000 between the mean colours of fill and truth over the hole; NaN for an empty hole."""
    return distance(card)


@metric("colour_shift_r", reference=MEAN_SHIFT, **LEVELS)
def colour_shift_r(card: Card) -> float:
    """Mean of fill - truth over the hole in red, signed, 8-bit levels."""
    return mean_shift(card)[0]


@metric("colour_shift_g", reference=MEAN_SHIFT, **LEVELS)
def colour_shift_g(card: Card) -> float:
    """Mean of fill - truth over the hole in green, signed, 8-bit levels."""
    return mean_shift(card)[1]


@metric("colour_shift_b", reference=MEAN_SHIFT, **LEVELS)
def colour_shift_b(card: Card) -> float:
    """Mean of fill - truth over the hole in blue, signed, 8-bit levels."""
    return mean_shift(card)[2]


@metric(
    "colour_shift_share",
    region="hole",
    unit="",
    direction="lower",
    range=(0.0, 1.0),
    reference="squared channel means of the error over its mean square (numpy)",
    version=1,
)
def colour_shift_share(card: Card) -> float:
    """Share of the hole's squared error that one constant offset per channel explains: 1 if the colour alone
    is wrong, 0 if it is right on average; NaN for an exact fill or an empty hole."""
    return share(card)
