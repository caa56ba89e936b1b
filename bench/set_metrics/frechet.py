"""Fréchet distance of two normal distributions, fitted to the features of truths and of fills."""

from __future__ import annotations

import math

import numpy as np

from bench.set_metrics.features import Features


def frechet(features: Features) -> float:
    """|mean a − mean b|² + trace(A + B − 2 (A B)^½) of the two sides' means and covariances A and B."""
    a, b = (side.astype(np.float64) for side in (features.truths, features.fills))
    apart = a.mean(0) - b.mean(0)
    a, b = centred(a), centred(b)
    # With covariances A'A and B'B the trace of (A'A B'B)^½ is the sum of the singular values of A B': exact where
    # the covariance is singular too, as with fewer pictures than features.
    common = np.linalg.svd(shortened(a) @ shortened(b).T, compute_uv=False).sum()
    return max(0.0, float(apart @ apart + (a**2).sum() + (b**2).sum() - 2 * common))


def centred(side: np.ndarray) -> np.ndarray:
    """Rows less their mean, over √(n − 1): A of the covariance A'A."""
    return (side - side.mean(0)) / math.sqrt(len(side) - 1)


def shortened(side: np.ndarray) -> np.ndarray:
    """A matrix R of no more rows than columns with R'R = A'A."""
    return np.asarray(np.linalg.qr(side, mode="r")) if len(side) > side.shape[1] else side
