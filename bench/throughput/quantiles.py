"""Medians and percentiles of timings: intervals without assuming a distribution, and the count they need."""

from __future__ import annotations

import math

import numpy as np

CONFIDENCE = 0.99
"""A percentile is given where, with this confidence, at least two samples lie beyond it."""


def beyond(count: int, q: float) -> float:
    """The chance that at least two of ``count`` independent samples lie above the quantile ``q``."""
    return 1 - q**count - count * (1 - q) * q ** (count - 1)


def samples_needed(q: float) -> int:
    """The fewest samples that a quantile needs: 11 for p50, 64 for p90, 662 for p99."""
    count = 2
    while beyond(count, q) < CONFIDENCE:
        count += 1
    return count


def quantile(samples: list[float], q: float) -> float:
    """The quantile, or NaN where there are too few samples to tell it."""
    return float(np.quantile(samples, q)) if len(samples) >= samples_needed(q) else math.nan


def median_interval(samples: list[float], level: float = 0.95) -> tuple[float, float, float]:
    """(median, low, high): order statistics that hold the true median with at least ``level`` confidence.

    The k-th smallest and k-th largest of n hold it with 1 - 2 P(Binomial(n, 1/2) < k) (David & Nagaraja,
    Order Statistics, 7.1). NaN bounds under six samples, which cannot reach 95 %; all NaN without any.
    """
    n = len(samples)
    if not n:
        return math.nan, math.nan, math.nan
    ordered = np.sort(np.asarray(samples, float))
    median = float(np.median(ordered))
    k, tail = 0, 0.0
    while k < n // 2:
        tail += math.exp(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2))
        if 2 * tail > 1 - level:
            break
        k += 1
    if k == 0:
        return median, math.nan, math.nan
    return median, float(ordered[k - 1]), float(ordered[n - k])
