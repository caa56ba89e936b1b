"""Known drift: what the method does to pixels it was given."""

from __future__ import annotations

import math

from bench.metrics.card import Card, absolute_error, cut_out
from bench.metrics.drift import NEEDS_RAW, drift
from bench.metrics.registry import metric


def undefined(card: Card) -> str | None:
    """Why a card has no drift, where known pixels are left.

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> undefined(Card(Truth(black), Hole(hole), black))
    'needs the raw output, which finished pictures do not have'
    """
    if card.raw is not None or not card.hole.known:
        return None
    if card.finished is None:
        return NEEDS_RAW
    return "the finished pictures changed no known pixel, and the raw output is not known"


@metric(
    "known_drift",
    label="known drift",
    region="known",
    unit="levels",
    direction="lower",
    range=(0.0, 255.0),
    undefined=undefined,
    reference="mean absolute error of raw, rounded to 8 bits, on the known pixels (numpy)",
    version=1,
)
def known_drift(card: Card) -> float:
    """Mean absolute error of raw, rounded to 8 bits, on the known pixels: in levels, before compositing.

    What the method does to pixels that it was given: 0 where it copies them. NaN for a full hole. Of a finished
    picture it is the error of the picture as it came; NaN where that is none, for it may have been restored since.

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> raw = np.array([[[3, 3, 3], [255, 255, 255]]], np.float32) / np.float32(255)
    >>> known_drift(Card(Truth(black), Hole(hole), black, raw))  # the known pixel came back as level 3
    3.0
    """
    drifted = drift(card)
    if drifted is not None:
        return drifted.mean_levels
    if card.finished is None or not card.hole.known:
        return math.nan
    everywhere = absolute_error(card.truth.picture, card.finished)
    changed = everywhere - absolute_error(card.truth_in_hole, cut_out(card.finished, card.hole))
    return changed / (3 * card.hole.known) if changed else math.nan
