"""Which method is faster than which, where the samples can tell."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bench.throughput.settings import CALIBRATION

if TYPE_CHECKING:
    import pandas as pd

LEAST = 1.07
"""A method less than 7 % slower shares the place of the faster one: where its weights happen to lie in memory
makes as much, and another at the next measuring."""

SURE = 0.02
"""p below which the rounds show that one is slower."""

LEAST_ROUNDS = 6
"""With fewer, no difference is as sure as that: one slower in all of n rounds has p = 2^-n."""

Turns = Mapping[int, float]
"""Seconds a batch by the round in which they were sampled."""


def ranks(frame: pd.DataFrame, turns: Sequence[Turns]) -> pd.Series:
    """The place of each method's ``fast`` row among those of its (device, resolution, batch), NaN in other rows.

    Methods are held against the first of a place round by round, as what disturbs the machine disturbs a whole
    round: one that is not clearly slower shares the place: 1, 1, 3. After too few rounds nobody has a place.

    turns: of each row of the frame, in order.
    """
    import pandas as pd

    found = pd.Series(math.nan, index=frame.index, dtype=float)
    sampled = dict(zip(frame.index, turns, strict=True))
    chosen = frame[frame["fast"] & (frame["variant"] != CALIBRATION)]
    for _, rows in chosen.groupby(["device", "resolution", "batch"]):
        if any(len(sampled[index]) < LEAST_ROUNDS for index in rows.index):
            continue
        place, first = 0, None
        for number, index in enumerate(rows.sort_values("images_per_s", ascending=False).index, 1):
            if first is None or slower(sampled[index], sampled[first]):
                place, first = number, index
            found[index] = place
    return found


def slower(one: Turns, other: Turns) -> bool:
    """Whether one is slower than the other by more than a trifle, by the rounds in which both were sampled (Wilcoxon's
    signed ranks of the logarithms of their ratios, one-sided)."""
    from scipy.stats import wilcoxon

    ratios = [math.log(one[turn] / other[turn]) for turn in one.keys() & other.keys()]
    if len(ratios) < LEAST_ROUNDS or statistics.median(ratios) < math.log(LEAST):
        return False
    return float(wilcoxon(ratios, alternative="greater").pvalue) < SURE
