"""What methods are put in order by, and how it is written: one rule for terminal and report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.metrics.declaration import Metric


def distance(values: np.ndarray, metric: Metric) -> float:
    """Mean distance of values from the metric's target; NaN where there is none. Values off on both sides of a target
    have a fine mean and are far off all the same.

    >>> distance(np.array([-3.0, 3.0, np.nan]), Metric("seam", direction="nearest", target=0.0))
    3.0
    """
    there = np.isfinite(values)
    return float(np.abs(values[there] - metric.target).mean()) if there.any() else math.nan


def standing(row: Mapping[str, Any] | None, metric: Metric) -> float:
    """What a row of summary.json is put in order by, higher is better: its mean, turned; of a metric with a target, its
    mean distance from that. NaN where it has no value.

    >>> standing({"mean": 0.2}, Metric("lpips", direction="lower"))
    -0.2
    >>> standing({"mean": 0.0, "distance": 3.0}, Metric("seam", direction="nearest", target=0.0))
    -3.0
    """
    if row is None or row["mean"] is None:
        return math.nan
    off = row.get("distance")
    return float(metric.goodness(row["mean"]) if off is None else -off)
