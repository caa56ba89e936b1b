"""Intervals of set scores by leaving pictures out: a delete-a-group jackknife.

Drawing pictures with replacement would not do: twins of a picture are each other's nearest neighbours, and narrow the
covariances. A group of pictures is left out at a time, with all their fills, and the values of what is left vary by
1 / (groups - 1) of what new pictures would make them vary (Shao & Wu 1989).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.statistics import intervals


def interval(value: float, left_out: Sequence[float], level: float = intervals.LEVEL) -> tuple[float, float]:
    """Both ends, NaN where a value is missing. left_out: the value without each group.

    >>> [round(end, 2) for end in interval(1.0, [0.9, 1.1])]  # spread √(1/2 · (0.1² + 0.1²)), 12.7 of Student's t
    [-0.27, 2.27]
    """
    values = np.asarray(left_out, float)
    count = len(values)
    error = float(np.sqrt((count - 1) / count * ((values - values.mean()) ** 2).sum()))
    half = float(intervals.student(level, count - 1)) * error
    return value - half, value + half
