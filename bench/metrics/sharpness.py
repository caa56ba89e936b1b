"""Sharpness: how much detail the fill holds beside what was there."""

from __future__ import annotations

import math

import numpy as np

from bench.metrics.card import Card
from bench.metrics.registry import metric


def energy(picture: np.ndarray, hole: np.ndarray) -> int:
    """Sum of squared differences, in levels, between neighbours right and below that both lie in the hole."""
    wide = picture.astype(np.int64)
    right = (wide[:, 1:] - wide[:, :-1])[hole[:, 1:] & hole[:, :-1]]
    below = (wide[1:] - wide[:-1])[hole[1:] & hole[:-1]]
    return int((right * right).sum() + (below * below).sum())


@metric(
    "sharpness",
    region="hole",
    unit="",
    direction="nearest",
    target=1.0,
    range=(0.0, math.inf),
    reference="ratio of summed squared neighbour differences inside the hole (numpy.diff)",
    version=1,
)
def sharpness(card: Card) -> float:
    """Gradient energy of the fill over that of the truth inside the hole: 1 is right, below is blurred,
    above noisy.

    Energy: squared differences of horizontal and vertical neighbours that both lie in the hole, summed over
    channels. NaN where the truth has none (constant there, or a hole without neighbours).
    """
    if "sharpness" not in card.hole.kept:
        card.hole.kept["sharpness"] = energy(card.truth.picture, card.hole.mask)
    there = card.hole.kept["sharpness"]
    return energy(card.filled, card.hole.mask) / there if there else math.nan
