"""A file of the Inception network's real shapes with random values, for tests that have no real weights."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.backbones.backbone import sha256
from bench.backbones.inception import INCEPTION, Inception


def random_state() -> dict[str, torch.Tensor]:
    """Tensors by name as torch-fidelity wants them, scaled so that pictures keep apart to the last layer."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Blank(FeatureExtractorInceptionV3):
        def load_state_dict(self, *_: Any, **__: Any) -> None:  # type: ignore[override]
            pass

    nothing = io.BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    state = Blank("blank", ["2048"], feature_extractor_weights_path=nothing).state_dict()
    generator = torch.Generator().manual_seed(0)
    for value in state.values():
        if value.dim() == 4:
            # He et al. 2015: the spread that a ReLU network keeps from layer to layer.
            value.copy_(torch.randn(value.shape, generator=generator) * (2 / value[0].numel()) ** 0.5)
    return state


def write_random_inception(folder: Path) -> Path:
    """The random network under the published file's name."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / INCEPTION.file
    torch.save(random_state(), file)
    return file


def accept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this file pass for the published one."""
    digest = sha256(file)[:8]
    monkeypatch.setattr(Inception, "sha256_prefix", property(lambda _: digest))
