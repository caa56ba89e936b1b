"""Sharpness: how much detail the fill holds beside what was there."""

from __future__ import annotations

import math

import numpy as np

from bench.metrics.card import Card, Hole, squared_error, stencil
from bench.metrics.registry import metric


def _energy(cut: np.ndarray, hole: Hole) -> int:
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


def _fill_energy(card: Card) -> int:
    """Gradient energy of the fill inside the hole."""
    return _energy(card.in_hole, card.hole)


LIMIT = 10.0
"""A thousandth of the truth's energy, or a thousandfold: nothing beyond is told apart, and a flat fill has a value."""


def _undefined(card: Card) -> str | None:
    """Why there is no energy of the truth to compare with."""
    pairs = card.hole.kept.get("pairs", ())
    if not any(each.any() for each in pairs):
        return "no two neighbouring pixels lie in the hole"
    return "the truth is constant in the hole, so there is no detail to compare with"


@metric(
    "sharpness",
    label="sharpness",
    region="hole",
    unit="",
    direction="nearest",
    target=0.0,
    range=(-LIMIT, LIMIT),
    tolerance=0.05,
    decimals=2,
    scale="log2",
    undefined=_undefined,
    reference="log2 of the ratio of summed squared neighbour differences inside the hole (numpy.diff)",
    version=2,
)
def sharpness(card: Card) -> float:
    """Gradient energy of the fill over that of the truth inside the hole, as log2: below 0 blurred, above it noisy.

    0 is right, -1 half the energy, +1 twice; ±10 at most, so that a flat fill has -10. Energy: squared differences of
    horizontal and vertical neighbours that both lie in the hole, summed over channels. NaN where the truth has none
    (constant there, or a hole without neighbours). Ratios are averaged as ratios: that is what the logarithm is for.

    >>> from bench.metrics.card import Truth
    >>> truth = np.array([[[0, 0, 0], [2, 2, 2]]], np.uint8)
    >>> sharpness(Card(Truth(truth), Hole(np.ones((1, 2), bool)), 2 * truth))  # steps of 4 for 2: four times the energy
    2.0
    """
    if "sharpness" not in card.hole.kept:
        card.hole.kept["sharpness"] = _energy(card.truth_in_hole, card.hole)
    there, here = card.hole.kept["sharpness"], card.once(_fill_energy)
    if not there:
        return math.nan
    return max(-LIMIT, min(LIMIT, math.log2(here / there))) if here else -LIMIT
