"""KID: squared maximum mean discrepancy of features.

Unbiased of independent sets. Here each fill has its own truth among the truths, which it is closer to than to others:
of few pictures the value is too low, and below 0 for close fills, by about one part in their number.

Bińkowski et al., "Demystifying MMD GANs", ICLR 2018, as torch-fidelity computes it: the mean over 100 random subsets,
each of 1,000 pictures or, of fewer than 2,000, of half of them.
"""

from __future__ import annotations

import math
from typing import Any

from bench.set_metrics.features import Features
from bench.set_metrics.registry import set_metric

SUBSETS, SUBSET_SIZE, SEED = 100, 1000, 2020

LEAST = 4
"""Pictures: two in each subset of half of them."""


def of_subsets(features: Features) -> tuple[float, float]:
    """What torch-fidelity gives: mean and standard deviation over its random subsets; NaN of fewer than
    :data:`LEAST` pictures."""
    if len(features.truths) < LEAST:
        return math.nan, math.nan
    import torch
    from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, KEY_METRIC_KID_STD, kid_features_to_metric

    told: dict[str, Any] = kid_features_to_metric(
        torch.from_numpy(features.fills).double(),
        torch.from_numpy(features.truths).double(),
        kid_subsets=SUBSETS,
        kid_subset_size=min(SUBSET_SIZE, len(features.truths) // 2),
        rng_seed=SEED,
        verbose=False,
    )
    return told[KEY_METRIC_KID_MEAN], told[KEY_METRIC_KID_STD]


@set_metric(
    "kid",
    label="KID",
    decimals=4,
    direction="lower",
    reference="torch-fidelity 0.4 kid_features_to_metric, subsets of half the pictures where there are under 2,000",
    version=1,
    least=LEAST,
)
def kid(features: Features) -> float:
    """Kernel Inception distance between the sets of truths and of fills (about 0, on either side, where they agree)."""
    return features.once(of_subsets)[0]


@set_metric(
    "kid_error",
    label="KID's own error",
    decimals=4,
    direction="lower",
    range=(0, math.inf),
    reference="torch-fidelity 0.4 kid_features_to_metric: standard deviation over its subsets",
    version=1,
    resampled=False,  # says how sure KID is, not how good fills are: with no interval, nobody is best by it
    least=LEAST,
)
def kid_error(features: Features) -> float:
    """Standard deviation of KID over its random subsets."""
    return features.once(of_subsets)[1]
