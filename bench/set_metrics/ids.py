"""P-IDS and U-IDS: how often a linear classifier takes fills for truths.

Zhao et al., "Large scale image completion via co-modulated generative adversarial networks", ICLR 2021: a linear
support vector machine is fitted to the features of truths and fills and then asked about the same pictures.
"""

from __future__ import annotations

import numpy as np

from bench.set_metrics.features import Features
from bench.set_metrics.registry import set_metric

REFERENCE = "CoModGAN's definition: scikit-learn LinearSVC(dual=False) on Inception features"


def judged(features: Features) -> tuple[np.ndarray, np.ndarray]:
    """How real each truth and each fill looks to the classifier: (n,) twice, above 0 where it says truth."""
    from sklearn.svm import LinearSVC

    pictures = np.concatenate([features.truths, features.fills]).astype(np.float64)
    real = np.repeat([1, 0], [len(features.truths), len(features.fills)])
    decisions = LinearSVC(dual=False).fit(pictures, real).decision_function(pictures)
    return decisions[real == 1], decisions[real == 0]


@set_metric(
    "u_ids",
    label="U-IDS",
    region="image",
    unit="",
    direction="higher",
    range=(0, 0.5),
    reference=REFERENCE,
    version=1,
    resampled=False,
)
def u_ids(features: Features) -> float:
    """Share of truths and fills that a linear classifier mistakes for the other (unpaired)."""
    truths, fills = features.once(judged)
    return float(np.mean(np.concatenate([truths <= 0, fills > 0])))


@set_metric(
    "p_ids",
    label="P-IDS",
    region="image",
    unit="",
    direction="higher",
    range=(0, 1),
    reference=REFERENCE,
    version=1,
    resampled=False,
)
def p_ids(features: Features) -> float:
    """Share of fills that a linear classifier finds more real than their own truth (paired)."""
    truths, fills = features.once(judged)
    return float(np.mean(fills > truths))
