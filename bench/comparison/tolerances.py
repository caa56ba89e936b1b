"""How much of a difference still counts as the same, metric by metric, unless the user says otherwise."""

from __future__ import annotations

import re

from bench.metrics.declaration import Metric
from bench.util.errors import UsageError
from variants.registry import suggest


def tolerance(metric: Metric, reference_mean: float, wanted: dict[str, float] | None = None) -> float:
    """The difference, in the metric's unit, below which two sides are the same: what the user said of the metric, or
    of the one that it corrects, else what it declares.

    >>> tolerance(Metric("quality", unit="dB"), 30.0), tolerance(Metric("quality"), 30.0, {"quality": 0.05})
    (0.1, 0.05)
    """
    for name in (metric.name, metric.corrects):
        if name in (wanted or {}):
            return (wanted or {})[name]
    return metric.same_within(reference_mean)


def read_tolerances(options: list[str], metrics: list[str]) -> dict[str, float]:
    """``METRIC=VALUE`` options as a dictionary. Raises UsageError for a wrong name or value.

    >>> read_tolerances(["quality=0.05"], ["quality", "error"])
    {'quality': 0.05}
    """
    found = {}
    for option in options:
        match = re.fullmatch(r"\s*(\w+)\s*=\s*(\d*\.?\d+(?:[eE][-+]?\d+)?)\s*", option)
        if not match:
            raise UsageError(f"--tolerance '{option}' is not METRIC=VALUE with a value of 0 or more: psnr_hole=0.05")
        name, value = match.groups()
        if name not in metrics:
            raise UsageError(f"--tolerance: {suggest('metric', name, metrics)}")
        found[name] = float(value)
    return found
