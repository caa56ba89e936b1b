"""The known region as BrushNet's evaluator scores it: what a method kept of the picture, not what it painted.

Ju et al., "BrushNet", ECCV 2024; ``MetricsCalculator`` of its ``evaluate_brushnet.py``. It looks at a method's picture
as it was put out, before known pixels are restored, and at the truth, both black in the hole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bench.metrics.card import Card, Hole, Truth, cut_out, squared_error

EXACT_MSE = 1e-10
EXACT_DB = 1000.0
"""The evaluator's PSNR of an error below ``EXACT_MSE``."""

LARGEST_MSE = 3.0
"""Three channels, each wrong by 1 everywhere."""

LOWEST_DB = -10 * math.log10(LARGEST_MSE)


def _as_it_came(card: Card) -> np.ndarray:
    """The method's own picture in 8 bits, uint8 (H, W, 3); where it is not known, the fill."""
    from bench.util.compositing import to_levels

    if card.raw is not None:
        return to_levels(card.raw)
    return card.filled if card.finished is None else card.finished


def known_mse(card: Card) -> float:
    """Squared error of values in [0, 1], summed over known pixels and channels, over the number of known pixels: the
    three channels are added, not averaged. NaN for a full hole.

    >>> black, hole = np.zeros((1, 3, 3), np.uint8), np.array([[True, False, False]])
    >>> white = np.full((1, 3, 3), 255, np.uint8)
    >>> known_mse(Card(Truth(black), Hole(hole), white))
    3.0
    """
    if not card.hole.known:
        return math.nan
    picture = card.once(_as_it_came)
    squares = squared_error(card.truth.picture, picture)
    squares -= squared_error(card.truth_in_hole, cut_out(picture, card.hole))
    return squares / (255**2 * card.hole.known)


def known_psnr(card: Card) -> float:
    """-10 log10 of :func:`known_mse` in dB; 1000 where the region is all but exact. NaN for a full hole.

    >>> black, hole = np.zeros((1, 3, 3), np.uint8), np.array([[True, False, False]])
    >>> white = np.full((1, 3, 3), 255, np.uint8)
    >>> round(known_psnr(Card(Truth(black), Hole(hole), white)), 2)  # of an error of 3
    -4.77
    >>> known_psnr(Card(Truth(black), Hole(hole), black))
    1000.0
    """
    return known_psnr_of(card.once(known_mse))


def known_psnr_of(mse: float) -> float:
    """:func:`known_psnr` of an error.

    >>> known_psnr_of(0.0), known_psnr_of(0.01)
    (1000.0, 20.0)
    """
    return EXACT_DB if mse < EXACT_MSE else -10 * math.log10(mse)


def blackened_cards(cards: Sequence[Card]) -> list[Card]:
    """Cards of the methods' own pictures, of one truth and hole, both pictures black in the hole. The known pixels take
    the hole's place: only there can the two differ.

    >>> white, hole = np.full((1, 2, 3), 255, np.uint8), np.array([[False, True]])
    >>> (card,) = blackened_cards([Card(Truth(white), Hole(hole), white)])
    >>> card.truth.picture[..., 0].tolist(), card.filled[..., 0].tolist(), card.hole.mask.tolist()
    ([[255, 0]], [[255, 0]], [[True, False]])
    """
    hole = cards[0].hole
    truth, region = Truth(blackened(cards[0].truth.picture, hole)), Hole(~hole.mask)
    return [Card(truth, region, blackened(card.once(_as_it_came), hole)) for card in cards]


def blackened(picture: np.ndarray, hole: Hole) -> np.ndarray:
    """The picture with zeros in the hole, uint8 (H, W, 3).

    >>> blackened(np.full((1, 2, 3), 9, np.uint8), Hole(np.array([[False, True]]))).tolist()
    [[[9, 9, 9], [0, 0, 0]]]
    """
    return np.where(hole.mask[..., None], np.uint8(0), picture)
