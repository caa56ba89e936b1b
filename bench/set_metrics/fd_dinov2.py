"""FD-DINOv2: Fréchet distance of two normal distributions fitted to DINOv2 features of truths and of fills.

Stein et al., "Exposing flaws of generative model evaluation metrics and their unfair treatment of diffusion models",
NeurIPS 2023.
"""

from __future__ import annotations

import math

from bench.set_metrics.features import Features
from bench.set_metrics.frechet import frechet
from bench.set_metrics.registry import set_metric


@set_metric(
    "fd_dinov2",
    label="FD-DINOv2",
    decimals=2,
    direction="lower",
    range=(0, math.inf),
    reference="dgm-eval's fd: DINOv2 ViT-L/14, class token, 224 × 224 px, Pillow's bicubic filter",
    version=1,
    features="dinov2",
)
def fd_dinov2(features: Features) -> float:
    """Fréchet distance between the sets of truths and of fills in DINOv2's features."""
    return frechet(features)
