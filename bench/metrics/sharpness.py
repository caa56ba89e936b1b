"""Sharpness: how much detail the fill holds beside what was there."""

from __future__ import annotations

import math

import numpy as np

from bench.metrics.card import Card, Hole, squared_error, stencil
from bench.metrics.registry import metric


def energy(cut: np.ndarray, hole: Hole) -> int:
    """Sum over channels of squared differences, in levels, between horizontal and vertical neighbours that both
    lie in the hole. cut: the picture within the hole's box, uint8 (h, w, 3)."""
    import cv2

    if "pairs" not in hole.kept:
        mask = hole.box.of(hole.mask)
        hole.kept["pairs"] = stencil(mask[:, 1:] & mask[:, :-1]), stencil(mask[1:] & mask[:-1])
    right, below = hole.kept["pairs"]
    return sum(
        squared_error(cv2.bitwise_and(first, pairs), cv2.bitwise_and(second, pairs))
        for first, second, pairs in ((cut[:, 1:], cut[:, :-1], right), (cut[1:], cut[:-1], below))
        if pairs.size
    )


def fill_energy(card: Card) -> int:
    return energy(card.in_hole, card.hole)


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
    """Gradient energy of the fill over that of the truth inside the hole: below 1 blurred, above it noisy.

    Energy: squared differences of horizontal and vertical neighbours that both lie in the hole, summed over
    channels. NaN where the truth has none (constant there, or a hole without neighbours).
    """
    if "sharpness" not in card.hole.kept:
        card.hole.kept["sharpness"] = energy(card.truth_in_hole, card.hole)
    there = card.hole.kept["sharpness"]
    return card.once(fill_energy) / there if there else math.nan
