"""VGG16's features as a loss (Johnson et al. 2016), from a file that is handed in: nothing is looked for here.

Feature vectors are brought to length 1 before they are compared, as LPIPS does (Zhang et al. 2018): the two kinds of
weights have features a hundredfold apart, and the loss means the same with either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from variants.blocks import denormalise
from variants.errors import CheckpointError
from variants.weights import load_state

IMAGENET1K_V1, IMAGENET1K_FEATURES = "IMAGENET1K_V1", "IMAGENET1K_FEATURES"
"""torchvision's names of its two files of VGG16. The first was trained on what all networks here see, pictures in
[0, 1] less ImageNet's mean, over its deviation; the second, Oxford's own, on levels less :data:`OXFORD_MEAN`."""

OXFORD_MEAN = (123.68, 116.779, 103.939)
"""Red, green, blue; pictures are 0 to 255 and not scaled."""

CONVOLUTIONS = (64, 64, "M", 128, 128, "M", 256, 256, 256)
TAPS = (3, 8, 15)
"""The ReLUs 1_2, 2_2 and 3_3 in torchvision's numbering of VGG16's ``features``."""


@dataclass(frozen=True)
class Weights:
    """A file with VGG16's ``features.N.weight`` and ``features.N.bias``, and which of torchvision's two it is."""

    file: Path
    kind: str


def _none_handed_in() -> Weights | None:
    return None


finder: Callable[[], Weights | None] = _none_handed_in
"""What finds the weights: whoever runs trainings hands it in."""


def hand_in(found: Callable[[], Weights | None]) -> None:
    """Set what finds VGG16's weights; it is asked when they are first needed and returns None where there are none."""
    global finder
    finder = found


class Features(nn.Module):
    """VGG16 up to ReLU 3_3, frozen. Called with pictures in normalised space, (N, 3, H, W), it gives the features at
    :data:`TAPS`, each vector of length 1. state: by torchvision's names."""

    def __init__(self, state: Mapping[str, Tensor], kind: str) -> None:
        from torchvision.models.vgg import make_layers

        super().__init__()
        self.kind = kind
        self.layers = make_layers(list(CONVOLUTIONS))
        wanted = {key: state[f"features.{key}"] for key in self.layers.state_dict()}
        self.layers.load_state_dict({key: value.float() for key, value in wanted.items()})
        self.requires_grad_(False)

    def raw(self, x: Tensor) -> list[Tensor]:
        """The features as the network gives them."""
        if self.kind == IMAGENET1K_FEATURES:
            x = denormalise(x) * 255 - torch.tensor(OXFORD_MEAN, device=x.device, dtype=x.dtype).view(1, 3, 1, 1)
        found = []
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index in TAPS:
                found.append(x.float())
        return found

    def forward(self, x: Tensor) -> list[Tensor]:
        return [features / (features.norm(dim=1, keepdim=True) + 1e-8) for features in self.raw(x)]


def load(weights: Weights) -> Features:
    """Raises CheckpointError where the file does not hold VGG16's features."""
    state = load_state(weights.file)
    try:
        return Features(state, weights.kind)
    except (KeyError, RuntimeError) as error:
        raise CheckpointError(f"{weights.file} does not hold VGG16's features: {str(error).splitlines()[0]}") from error


class Beside:
    """Keeps a frozen network beside an objective, neither among its critics' weights nor in its state."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def __call__(self, *given: Any) -> Any:
        return self.module(*given)


def distance(features: Callable[[Tensor], list[Tensor]], fake: Tensor, target: Tensor) -> Tensor:
    """Mean over taps and places of the squared distance of the two pictures' features; 0 to 2."""
    with torch.no_grad():
        truth = features(target)
    pairs = zip(features(fake), truth, strict=True)
    return torch.stack([(a - b).square().sum(1).mean() for a, b in pairs]).mean()
