"""The Inception network of FID: TensorFlow's of 2015-12-05, as torch-fidelity converted it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.backbones.backbone import Backbone, WeightsError, read_tensors, require_model, sha256

FEATURES = 2048
"""Length of a picture's features, those of the last pooling layer."""


class Inception(Backbone):
    """Known by its file's SHA-256, as no distances are published that would prove other copies."""

    def check(self, path: Path) -> tuple[Any, str]:
        """torch-fidelity's extractor, on the CPU, and the check passed. Raises WeightsError."""
        require_model(path)
        found = sha256(path)
        if not found.startswith(self.sha256_prefix):
            raise WeightsError(
                f"{path} is refused: its SHA-256 begins with {found[:8]}, not {self.sha256_prefix}, so it is damaged "
                "or the wrong file; fetch or add the published weights"
            )
        state = read_tensors(path)
        try:
            network = build(state)
        except (KeyError, RuntimeError) as error:
            why = " ".join(str(error).split())[:100]
            raise WeightsError(f"{path} does not hold {self.name} ({why}): fetch or add the right file") from error
        return network, f"SHA-256 begins with {self.sha256_prefix}, all {len(state)} tensors fit"

    def recognises(self, state: Mapping[str, Any]) -> bool:
        return "Mixed_7c.branch1x1.conv.weight" in state


def build(state: Mapping[str, Any]) -> Any:
    """torch-fidelity's extractor of 2048 features with these tensors. Raises RuntimeError where they do not fit."""
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    # The extractor unpickles whatever its file holds: it gets a copy of what was read safely.
    copy = io.BytesIO()
    torch.save(dict(state), copy)
    copy.seek(0)
    return FeatureExtractorInceptionV3("inception-v3-compat", [str(FEATURES)], feature_extractor_weights_path=copy)


INCEPTION = Inception(
    "inception",
    "weights-inception-2015-12-05-6726825d.pth",
    91,
    base_url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0",
    pattern="*inception-2015-12-05*",
    suffixes=(".pth",),
    scores="fid, p_ids, u_ids",
)
