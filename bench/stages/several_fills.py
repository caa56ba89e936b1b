"""Several fills of a hole: which methods give others at every try, and how much their fills differ."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from bench.suites.suite import Suite
from variants.errors import FillError
from variants.method import Method

TRIED = 2
"""Pictures on which a method shows whether it draws."""


def settle_samples(methods: Iterable[Method], suite: Suite, samples: int) -> list[str]:
    """Have each method fill every hole ``samples`` times, but once where that changes nothing: a folder of finished
    pictures, and a method of which two samples of the suite's first pictures agree bit for bit. Says of which."""
    told = []
    for method in methods:
        method.samples, method.suite_seed = 1, suite.seed
        if samples < 2:
            continue
        if not method.gives_raw:
            told.append(f"{method.name} is sampled once: it is a folder of finished pictures")
        elif same_again(method, suite):
            told.append(f"{method.name} is sampled once: its samples agree bit for bit on the first pictures")
        else:
            method.samples = samples
    return told


def same_again(method: Method, suite: Suite) -> bool:
    """Whether the method fills the first pictures with holes twice in the same way. One that fails does not."""
    for dataset in suite.datasets:
        for mask in suite.masks_of(dataset):
            part = next(iter(suite.batches(dataset, mask, TRIED)), None)
            if part is None or not any(hole.any() for hole in part.holes):
                continue
            images, holes = np.stack(part.images), np.stack(part.holes)
            try:
                first = method.fill(images, holes, part.ids, mask)
                method.sample = 1
                second = method.fill(images, holes, part.ids, mask)
            except FillError:
                return False
            finally:
                method.sample = 0
            return np.array_equal(first, second)
    return True


def diversity(fills: np.ndarray) -> float:
    """Mean absolute difference between two different samples, over all pairs, pixels of the hole and channels, in
    8-bit levels. fills: uint8 (samples, pixels, 3); NaN where there are no pixels.

    >>> diversity(np.array([0, 30, 60], np.uint8)[:, None, None])  # 30, 30 and 60
    40.0
    """
    count = len(fills)
    if count < 2 or not fills[0].size:
        return math.nan
    # Each sorted value is the larger of its pair as often as there are values before it.
    weights = 2 * np.arange(count) - (count - 1)
    summed = weights @ np.sort(fills.reshape(count, -1), axis=0).astype(np.int64)
    return float(summed.mean() / (count * (count - 1) / 2))
