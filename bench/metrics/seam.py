"""The seam: how visible the hole's edge is."""

from __future__ import annotations

import math

import numpy as np

from bench.metrics.card import Card, Hole
from bench.metrics.registry import metric


def edge_pairs(hole: Hole) -> tuple[np.ndarray, np.ndarray]:
    """Flat pixel indices of horizontal and vertical neighbours of which exactly one lies in the hole.

    >>> inside, outside = edge_pairs(Hole(np.array([[False, True, True]])))
    >>> inside.tolist(), outside.tolist()
    ([0], [1])
    """
    height, width = hole.mask.shape
    top, bottom = max(0, hole.box.top - 1), min(height, hole.box.bottom + 1)
    rows = hole.mask[top:bottom].reshape(-1)
    right = np.flatnonzero(rows[1:] != rows[:-1])
    right = right[right % width != width - 1] + top * width
    below = np.flatnonzero(rows[width:] != rows[:-width]) + top * width
    return np.concatenate([right, below]), np.concatenate([right + 1, below + width])


def steps(picture: np.ndarray, pairs: tuple[np.ndarray, np.ndarray]) -> int:
    """Sum over pairs and channels of absolute differences, in levels.

    >>> steps(np.array([[[0, 0, 0], [5, 5, 5]]], np.uint8), (np.array([0]), np.array([1])))
    15
    """
    pixels = picture.reshape(-1, 3)
    first, second = pixels.take(pairs[0], axis=0), pixels.take(pairs[1], axis=0)
    return int(np.abs(np.subtract(first, second, dtype=np.int16)).sum(dtype=np.int64))


def pairs_of(card: Card) -> tuple[np.ndarray, np.ndarray]:
    """The hole's :func:`edge_pairs`, kept with it.

    >>> from bench.metrics.card import Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> card = Card(Truth(black), Hole(hole), np.where(hole[..., None], np.uint8(10), black))
    >>> [part.tolist() for part in pairs_of(card)]
    [[0], [1]]
    """
    if "edge pairs" not in card.hole.kept:
        card.hole.kept["edge pairs"] = edge_pairs(card.hole)
    return card.hole.kept["edge pairs"]


def fill_steps(card: Card) -> int:
    """Summed differences across the edge in the fill.

    >>> from bench.metrics.card import Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> card = Card(Truth(black), Hole(hole), np.where(hole[..., None], np.uint8(10), black))
    >>> fill_steps(card)  # 10 levels in three channels
    30
    """
    return steps(card.filled, pairs_of(card))


@metric(
    "seam",
    label="seam",
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

    >>> from bench.metrics.card import Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> seam(Card(Truth(black), Hole(hole), np.where(hole[..., None], np.uint8(10), black)))
    10.0
    """
    if "seam" not in card.hole.kept:
        pairs = pairs_of(card)
        card.hole.kept["seam"] = len(pairs[0]), steps(card.truth.picture, pairs)
    count, there = card.hole.kept["seam"]
    return (card.once(fill_steps) - there) / (3 * count) if count else math.nan
