"""VGG16 as Oxford trained it is known by nine features: here those of random weights, in the place of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bench.backbones import WeightsError, known_pairs, vgg16
from variants.blocks import normalise
from variants.perceptual import CONVOLUTIONS, IMAGENET1K_FEATURES, Features

State = dict[str, torch.Tensor]
LAST = "features.14.weight"


def random_state() -> State:
    generator = torch.Generator().manual_seed(0)
    state: State = {}
    index, width = 0, 3
    for channels in CONVOLUTIONS:
        if isinstance(channels, int):
            weight = torch.randn(channels, width, 3, 3, generator=generator) / (3 * width**0.5)
            state |= {f"features.{index}.weight": weight, f"features.{index}.bias": torch.zeros(channels)}
            width = channels
        index += 1 if channels == "M" else 2
    return state


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> State:
    state = random_state()
    pictures = torch.from_numpy(known_pairs()[0].transpose(0, 3, 1, 2) / 255).float()
    with torch.inference_mode():
        found = Features(state, IMAGENET1K_FEATURES).raw(normalise(pictures))
    monkeypatch.setattr(vgg16, "MEANS", tuple(tuple(layer.mean((1, 2, 3)).tolist()) for layer in found))
    return state


def check(state: State, folder: Path) -> str:
    file = folder / "vgg16.pth"
    torch.save(state, file)
    return vgg16.OXFORD.check(file)[1]


def test_weights_that_give_the_known_features_pass(state: State, tmp_path: Path) -> None:
    assert check(state, tmp_path).startswith("gives 9 known features to ")


@pytest.mark.parametrize("broken", [1.001, float("nan")])
def test_any_layer_that_gives_others_is_refused(state: State, tmp_path: Path, broken: float) -> None:
    state[LAST] = state[LAST] * broken
    with pytest.raises(WeightsError, match="its values do not give vgg16_oxford's known features"):
        check(state, tmp_path)
