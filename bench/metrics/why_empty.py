"""Why a column is empty: what the metric's region lacks, else what the metric itself says."""

from __future__ import annotations

from bench.metrics.card import Card
from bench.metrics.declaration import Metric
from bench.metrics.drift import NEEDS_RAW

UNSAID = "the metric gave no value, and does not declare why"


def why_empty(entry: Metric, card: Card) -> str:
    """Why a card got no value, in a sentence.

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> grey, no_hole = np.full((2, 2, 3), 90, np.uint8), np.zeros((2, 2), bool)
    >>> why_empty(Metric("error", region="hole"), Card(Truth(grey), Hole(no_hole), grey))
    'the hole is empty'
    """
    hole = card.hole
    if entry.needs_raw and card.raw is None:
        return NEEDS_RAW
    if entry.region not in ("image", "known") and not hole.area:
        return "the hole is empty"
    if (entry.region not in ("image", "hole") or entry.needs_raw) and not hole.known:
        return "the hole covers the picture: no known pixel is left"
    return (entry.undefined and entry.undefined(card)) or UNSAID
