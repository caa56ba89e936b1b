"""Known drift: what the method does to pixels it was given."""

from __future__ import annotations

import math

import numpy as np

from bench.metrics.card import Card
from bench.metrics.registry import metric


@metric(
    "known_drift",
    region="known",
    unit="levels",
    direction="lower",
    range=(0.0, 255.0),
    needs_raw=True,
    reference="mean absolute error of raw x 255 on the known pixels (numpy)",
    version=1,
)
def known_drift(card: Card) -> float:
    """Mean absolute error of raw on the known pixels, 8-bit levels, before compositing; NaN for a full
    hole."""
    known = ~card.hole.mask
    if not known.any():
        return math.nan
    assert card.raw is not None
    return float(np.abs(card.raw[known] * 255.0 - card.truth.picture[known]).mean(dtype=np.float64))
