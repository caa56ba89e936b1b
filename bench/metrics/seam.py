"""The seam: how visible the hole's edge is."""

from __future__ import annotations

import math

import numpy as np

from bench.metrics.card import Card
from bench.metrics.registry import metric


def edge_steps(picture: np.ndarray, hole: np.ndarray) -> tuple[int, int]:
    """Sum over channels of absolute differences between neighbours of which one lies in the hole, and their
    count."""
    wide = picture.astype(np.int64)
    right, below = hole[:, 1:] ^ hole[:, :-1], hole[1:] ^ hole[:-1]
    total = np.abs(wide[:, 1:] - wide[:, :-1])[right].sum() + np.abs(wide[1:] - wide[:-1])[below].sum()
    return int(total), 3 * int(right.sum() + below.sum())


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

    In 8-bit levels over horizontal and vertical neighbours and channels. Above 0 the edge shows, below it is
    smoother than the truth. NaN for an empty or a full hole.
    """
    if "seam" not in card.hole.kept:
        card.hole.kept["seam"] = edge_steps(card.truth.picture, card.hole.mask)
    there, count = card.hole.kept["seam"]
    return (edge_steps(card.filled, card.hole.mask)[0] - there) / count if count else math.nan
