"""FID: Fréchet distance of two normal distributions fitted to the features of truths and of fills.

Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash equilibrium", NeurIPS 2017.
"""

from __future__ import annotations

import math

from bench.set_metrics.features import Features
from bench.set_metrics.frechet import frechet
from bench.set_metrics.registry import set_metric


@set_metric(
    "fid",
    label="FID",
    rank=9,
    decimals=2,
    region="image",
    unit="",
    direction="lower",
    range=(0, math.inf),
    reference="torch-fidelity 0.4 frechet_inception_distance",
    version=1,
)
def fid(features: Features) -> float:
    """Fréchet Inception distance between the sets of truths and of fills."""
    return frechet(features)
