"""What several fills of a hole say beside their mean: how far they lie apart, and the best of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.metrics.declaration import Metric
from bench.statistics.scores import Tries


def over_samples(tries: Tries, column: int, inside: np.ndarray, metric: Metric) -> dict[str, Any]:
    """The fields that a row of summary.json has where holes were filled several times; means over the pictures
    ``inside``, bool (images, masks), all of which have a value.

    samples: how many. spread: standard deviation (n - 1) over a picture's samples. diversity: see
    :func:`bench.stages.several_fills.diversity`. oracle: the best sample, chosen with the truth at hand.

    >>> tries = Tries(np.array([1.0, 3.0]).reshape(1, 1, 1, 2, 1), np.zeros((1, 1, 1)))  # one picture, two samples
    >>> found = over_samples(tries, 0, np.array([[True]]), Metric("score", direction="higher"))
    >>> found["samples"], round(found["spread"], 3), found["oracle"]
    (2, 1.414, 3.0)
    """
    values = tries.values[0, ..., column][inside]
    found = {"samples": tries.values.shape[-2], "spread": np.nan, "diversity": np.nan, "oracle": np.nan}
    if len(values):
        diverse = tries.diversity[0][inside]
        diverse = diverse[np.isfinite(diverse)]
        best = np.argmax(metric.goodness(values), axis=1)
        found["spread"] = float(values.std(axis=1, ddof=1).mean())
        found["diversity"] = float(diverse.mean()) if len(diverse) else np.nan
        found["oracle"] = float(values[np.arange(len(values)), best].mean())
    return found
