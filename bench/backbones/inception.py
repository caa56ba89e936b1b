"""The Inception network of FID: TensorFlow's of 2015-12-05, as torch-fidelity converted it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from bench.backbones.backbone import Published

FEATURES = 2048
"""Length of a picture's features, those of the last pooling layer."""


class Inception(Published):
    """See :class:`Published`."""

    def build(self, state: Mapping[str, Any]) -> Any:
        """torch-fidelity's extractor of 2048 features, on the CPU."""
        import torch
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

        # The extractor unpickles whatever its file holds: it gets a copy of what was read safely.
        copy = io.BytesIO()
        torch.save(dict(state), copy)
        copy.seek(0)
        return FeatureExtractorInceptionV3("inception-v3-compat", [str(FEATURES)], feature_extractor_weights_path=copy)

    def recognises(self, state: Mapping[str, Any]) -> bool:
        return "Mixed_7c.branch1x1.conv.weight" in state


INCEPTION = Inception(
    "inception",
    "weights-inception-2015-12-05-6726825d.pth",
    91,
    base_url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0",
    pattern="*inception-2015-12-05*",
    suffixes=(".pth",),
    scores="fid, kid and the other scores of a whole set",
)
