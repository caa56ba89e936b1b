"""Whether fills lie where truths lie, and cover them: precision and recall, density and coverage.

Kynkäänniemi et al., "Improved precision and recall metric for assessing generative models", NeurIPS 2019, by
torch-fidelity; Naeem et al., "Reliable fidelity and diversity metrics for generative models", ICML 2020, which no
library in use here computes.
"""

from __future__ import annotations

import math

import numpy as np

from bench.set_metrics.features import Features
from bench.set_metrics.registry import set_metric

NEIGHBOURS = 3
"""Of precision and recall; torch-fidelity's own default, as in the paper."""

CLOSE = 5
"""Of density and coverage, as in the paper."""


def balls(features: Features) -> tuple[float, float]:
    """Precision and recall; NaN of too few pictures for a third neighbour."""
    if len(features.truths) <= NEIGHBOURS:
        return math.nan, math.nan
    import torch
    from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, KEY_METRIC_RECALL, prc_features_to_metric

    sides = (torch.from_numpy(side).double() for side in (features.fills, features.truths))
    told = prc_features_to_metric(*sides, prc_neighborhood=NEIGHBOURS, verbose=False)
    return told[KEY_METRIC_PRECISION], told[KEY_METRIC_RECALL]


def closeness(features: Features) -> tuple[float, float]:
    """Density and coverage; NaN of too few pictures for a fifth neighbour."""
    if len(features.truths) <= CLOSE:
        return math.nan, math.nan
    from scipy.spatial.distance import cdist

    truths, fills = features.truths.astype(np.float64), features.fills.astype(np.float64)
    # The nearest of a truth's neighbours is itself.
    radii = np.partition(cdist(truths, truths), CLOSE, axis=1)[:, CLOSE]
    apart = cdist(truths, fills)
    density = float((apart < radii[:, None]).sum(0).mean() / CLOSE)
    return density, float((apart.min(1) < radii).mean())


FIDELITY = "torch-fidelity 0.4 prc_features_to_metric, 3 neighbours"
NAEEM = "Naeem et al. 2020, equations 3 and 4, 5 neighbours"


@set_metric("precision", label="precision", range=(0, 1), reference=FIDELITY, version=1, least=NEIGHBOURS + 1)
def precision(features: Features) -> float:
    """Share of fills that lie within the reach of a truth: fidelity."""
    return features.once(balls)[0]


@set_metric("recall", label="recall", range=(0, 1), reference=FIDELITY, version=1, least=NEIGHBOURS + 1)
def recall(features: Features) -> float:
    """Share of truths that lie within the reach of a fill: variety."""
    return features.once(balls)[1]


@set_metric("density", label="density", range=(0, math.inf), reference=NAEEM, version=1, least=CLOSE + 1)
def density(features: Features) -> float:
    """How many truths' reaches a fill lies in, over the five expected: fidelity, robust against outliers."""
    return features.once(closeness)[0]


@set_metric("coverage", label="coverage", range=(0, 1), reference=NAEEM, version=1, least=CLOSE + 1)
def coverage(features: Features) -> float:
    """Share of truths with a fill within their reach: variety, robust against outliers."""
    return features.once(closeness)[1]
