"""The seam: how visible the hole's edge is."""

from __future__ import annotations

import math

import numpy as np

from bench.metrics.card import Card, Hole
from bench.metrics.registry import metric


def edge_pairs(hole: Hole) -> tuple[np.ndarray, np.ndarray]:
    """Flat pixel indices of horizontal and vertical neighbours of which exactly one lies in the hole."""
    height, width = hole.mask.shape
    top, bottom = max(0, hole.box.top - 1), min(height, hole.box.bottom + 1)
    rows = hole.mask[top:bottom].reshape(-1)
    right = np.flatnonzero(rows[1:] != rows[:-1])
    right = right[right % width != width - 1] + top * width
    below = np.flatnonzero(rows[width:] != rows[:-width]) + top * width
    return np.concatenate([right, below]), np.concatenate([right + 1, below + width])


def steps(picture: np.ndarray, pairs: tuple[np.ndarray, np.ndarray]) -> int:
    """Sum over pairs and channels of absolute differences, in levels."""
    pixels = picture.reshape(-1, 3)
    first, second = pixels.take(pairs[0], axis=0), pixels.take(pairs[1], axis=0)
    return int(np.abs(np.subtract(first, second, dtype=np.int16)).sum(dtype=np.int64))


@metric(
    "seam",
    region="seam",
    unit="levels",
    direction="nearest",
    range=(-255.0, 255.0),
    reference="mean absolute neighbour difference across the hole's edge, fill less truth (numpy.diff)",
    version=1,
)
def seam(card: Card) -> float:
    """Extra step across the hole's edge: mean |difference| of neighbours inside and outside, fill less truth.

    In 8-bit levels, over horizontal and vertical neighbours and channels. Above 0 the edge shows, below it is
    smoother than the truth. NaN for an empty or a full hole.
    """
    if "seam" not in card.hole.kept:
        pairs = edge_pairs(card.hole)
        card.hole.kept["seam"] = pairs, steps(card.truth.picture, pairs)
    pairs, there = card.hole.kept["seam"]
    return (steps(card.filled, pairs) - there) / (3 * len(pairs[0])) if len(pairs[0]) else math.nan
