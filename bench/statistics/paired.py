"""Differences of scores of the same pictures, resampled: what a comparison's rows and a report's leads rest on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.statistics import intervals, significance
from bench.statistics.intervals import Resampled, Seeds


def resampled(
    sums: np.ndarray,
    counts: np.ndarray,
    moved: np.ndarray,
    sides: tuple[Seeds, ...] = (),
    resamples: int = intervals.RESAMPLES,
    seed: int = 0,
) -> tuple[Resampled, np.ndarray]:
    """Mean differences with what their intervals are read from, and the two-sided p of none.

    sums, counts: of the differences of each image, (images, columns). moved: bool (columns,), whether any differs;
    where none does, the mean is zero for certain. sides: training noise of sides with several seeds, which the
    intervals hold too (:func:`bench.statistics.intervals.hierarchical`).

    >>> found, p = resampled(np.array([[1.0], [3.0]]), np.ones((2, 1)), np.array([True]))
    >>> found.mean.tolist(), p.tolist()  # of four ways to set the signs two lie as far from zero
    ([2.0], [0.5])
    """
    if any(side.known for side in sides):
        found, p = intervals.hierarchical(sums, counts, sides, resamples, seed)
    else:
        found = intervals.resample(sums, counts, resamples, seed)
        p = significance.sign_flip_p(intervals.merged(seed, sums)[0])
    return found.settled(~moved & (found.rows > 0)), p


def pooled(blocks: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """sums, counts and moved, as :func:`resampled` takes them: a column for each block of differences (images, masks),
    NaN where there is none.

    >>> sums, counts, moved = pooled([np.array([[1.0, 2.0], [np.nan, 4.0]])])
    >>> sums.tolist(), counts.tolist(), moved.tolist()
    ([[3.0], [4.0]], [[2.0], [1.0]], [True])
    """
    there = [np.isfinite(block) for block in blocks]
    sums = [np.where(t, block, 0.0).sum(1) for block, t in zip(blocks, there, strict=True)]
    moved = [bool((np.abs(np.nan_to_num(block)) > significance.TIE).any()) for block in blocks]
    return np.stack(sums, 1), np.stack([t.sum(1).astype(float) for t in there], 1), np.array(moved)
