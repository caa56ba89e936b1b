"""Colour shift: how far the mean colour of the fill lies from the mean colour that was there."""

from __future__ import annotations

import math

from bench.metrics.card import Card, Colours, Patch
from bench.metrics.colour import delta_e_2000, lab
from bench.metrics.registry import metric

LEVELS = {
    "region": "hole",
    "unit": "levels",
    "direction": "nearest",
    "range": (-255.0, 255.0),
    "version": 1,
    "group": "colour",
}
EXACT = "the fills are exact there: no error to take a share of"
MEAN_SHIFT = "difference of channel means over the hole (numpy, float64)"


def total_shift(card: Patch) -> Colours:
    """Sum of filled - truth over the hole, per channel, in 8-bit levels.

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> fill = np.array([[[0, 0, 0], [3, 0, 6]]], np.uint8)
    >>> [float(part) for part in total_shift(Card(Truth(black), Hole(hole), fill))]
    [3.0, 0.0, 6.0]
    """
    (red, green, blue), (r, g, b) = card.colours, card.truth_colours
    return red - r, green - g, blue - b


def mean(colours: Colours, area: int) -> tuple[float, float, float]:
    """Mean colour in levels from sums over ``area`` pixels; NaN of no pixels.

    >>> mean((20, 40, 60), 2)
    (10.0, 20.0, 30.0)
    """
    if not area:
        return math.nan, math.nan, math.nan
    red, green, blue = colours
    return red / area, green / area, blue / area


def mean_shift(card: Patch) -> tuple[float, float, float]:
    """Mean of filled - truth over the hole, per channel, in 8-bit levels; NaN for an empty hole.

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> mean_shift(Card(Truth(black), Hole(hole), np.array([[[0, 0, 0], [3, 0, 6]]], np.uint8)))
    (3.0, 0.0, 6.0)
    """
    return mean(total_shift(card), card.hole.area)


def distance(card: Patch) -> float:
    """CIEDE2000 between the mean colours (sRGB-encoded levels averaged) of truth and fill over the hole.

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> white = np.where(hole[..., None], np.uint8(255), black)
    >>> round(distance(Card(Truth(black), Hole(hole), white)), 3)  # black to white
    100.0
    """
    area = card.hole.area
    if not area:
        return math.nan
    if "lab" not in card.hole.kept:
        card.hole.kept["lab"] = lab(mean(card.truth_colours, area))
    return delta_e_2000(card.hole.kept["lab"], lab(mean(card.colours, area)))


def share(card: Patch) -> float:
    """Share of the squared error that one constant offset per channel explains; NaN where there is no error.

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> fill = np.array([[[0, 0, 0], [3, 0, 6]]], np.uint8)
    >>> float(share(Card(Truth(black), Hole(hole), fill)))  # one pixel is nothing but an offset
    1.0
    """
    sums = card.hole_sums
    return sum(s * s for s in total_shift(card)) / (sums.pixels * sums.squares) if sums.squares else math.nan


@metric(
    "colour_shift",
    label="colour shift",
    rank=6,
    group="colour",
    region="hole",
    unit="ΔE00",
    direction="lower",
    range=(0.0, 120.0),
    reference="scikit-image rgb2lab and deltaE_ciede2000 of the hole's mean colours",
    version=1,
)
def colour_shift(card: Card) -> float:
    """CIEDE2000 between the mean colours of fill and truth over the hole; NaN for an empty hole.

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> white = np.where(hole[..., None], np.uint8(255), black)
    >>> round(colour_shift(Card(Truth(black), Hole(hole), white)), 3)  # black to white
    100.0
    """
    return distance(card)


@metric("colour_shift_r", label="colour shift, red", channel="red", reference=MEAN_SHIFT, **LEVELS)
def colour_shift_r(card: Card) -> float:
    """Mean of fill - truth over the hole in red, signed, 8-bit levels.

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> fill = np.array([[[0, 0, 0], [3, 0, 6]]], np.uint8)
    >>> colour_shift_r(Card(Truth(black), Hole(hole), fill))
    3.0
    """
    return mean_shift(card)[0]


@metric("colour_shift_g", label="colour shift, green", channel="green", reference=MEAN_SHIFT, **LEVELS)
def colour_shift_g(card: Card) -> float:
    """Mean of fill - truth over the hole in green, signed, 8-bit levels.

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> fill = np.array([[[0, 0, 0], [3, 0, 6]]], np.uint8)
    >>> colour_shift_g(Card(Truth(black), Hole(hole), fill))
    0.0
    """
    return mean_shift(card)[1]


@metric("colour_shift_b", label="colour shift, blue", channel="blue", reference=MEAN_SHIFT, **LEVELS)
def colour_shift_b(card: Card) -> float:
    """Mean of fill - truth over the hole in blue, signed, 8-bit levels.

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> fill = np.array([[[0, 0, 0], [3, 0, 6]]], np.uint8)
    >>> colour_shift_b(Card(Truth(black), Hole(hole), fill))
    6.0
    """
    return mean_shift(card)[2]


@metric(
    "colour_shift_share",
    undefined=lambda card: EXACT,
    label="share of one offset",
    tolerance=0.02,
    group="colour",
    region="hole",
    unit="",
    direction="lower",
    range=(0.0, 1.0),
    reference="squared channel means of the error over its mean square (numpy)",
    version=1,
)
def colour_shift_share(card: Card) -> float:
    """Share of the hole's squared error that one constant offset per channel explains.

    1 if the colour alone is wrong, 0 if it is right on average. NaN for an exact fill or an empty hole.

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> fill = np.array([[[0, 0, 0], [3, 0, 6]]], np.uint8)
    >>> colour_shift_share(Card(Truth(black), Hole(hole), fill))  # one pixel is nothing but an offset
    1.0
    """
    return share(card)
