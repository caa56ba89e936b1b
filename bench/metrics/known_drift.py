"""Known drift: what the method does to pixels it was given."""

from __future__ import annotations

from bench.metrics.card import Card
from bench.metrics.drift import drift
from bench.metrics.registry import metric


@metric(
    "known_drift",
    label="known drift",
    region="known",
    unit="levels",
    direction="lower",
    range=(0.0, 255.0),
    needs_raw=True,
    reference="mean absolute error of raw, rounded to 8 bits, on the known pixels (numpy)",
    version=1,
)
def known_drift(card: Card) -> float:
    """Mean absolute error of raw, rounded to 8 bits, on the known pixels: in levels, before compositing.

    What the method does to pixels that it was given: 0 where it copies them. NaN for a full hole.
    """
    drifted = drift(card)
    assert drifted is not None
    return drifted.mean_levels
