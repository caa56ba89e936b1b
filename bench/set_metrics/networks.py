"""The networks that set metrics look through, each with its own features of a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.backbones import DINOV2, INCEPTION
from bench.backbones.backbone import Backbone
from bench.backbones.dinov2 import FEATURES as OF_DINOV2
from bench.backbones.inception import FEATURES as OF_INCEPTION
from bench.set_metrics import dinov2, inception


@dataclass(frozen=True)
class Network:
    """features: of a picture. extract(network, pictures, device): those of pictures of one size, uint8 (N, H, W, 3),
    as float32 (N, features). seconds: what a picture takes on a processor core, about."""

    title: str
    backbone: Backbone
    features: int
    extract: Callable[[Any, np.ndarray, str], np.ndarray]
    seconds: float


NETWORKS = {
    "inception": Network("Inception", INCEPTION, OF_INCEPTION, inception.extract, 0.25),
    "dinov2": Network("DINOv2", DINOV2, OF_DINOV2, dinov2.extract, 1.5),
}
"""By the name that set metrics declare; features of several stand side by side in this order."""
