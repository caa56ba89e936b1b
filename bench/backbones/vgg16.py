"""VGG16 as Oxford trained it, and the search for either of torchvision's two files for a perceptual loss."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.backbones.backbone import Backbone, WeightsError, candidates, folders
from bench.backbones.lpips import BACKBONES, SUFFIXES, hold, known_pairs, read_features

if TYPE_CHECKING:
    from variants.perceptual import Features, Weights

MEANS = ((175.6940, 188.2654, 169.9798), (202.9878, 479.8224, 433.7261), (196.6461, 457.5716, 393.4645))
"""Mean features at ReLU 1_2, 2_2 and 3_3 of the three truths of :func:`bench.backbones.lpips.known_pairs`, computed by
torchvision's layers from Oxford's own weights and preprocessing."""

TOLERANCE = 1e-4
"""Relative; float32 arithmetic alone stays under 1e-5."""


class Oxford(Backbone):
    """Known by its features of known pictures: torchvision's other file of the same shapes gives others."""

    def check(self, path: Path) -> tuple[Features, str]:
        """The features and the check that they passed, in words. Raises WeightsError."""
        import torch

        from variants.blocks import normalise
        from variants.perceptual import IMAGENET1K_FEATURES, Features

        try:
            features = Features(read_features(path), IMAGENET1K_FEATURES)
        except (KeyError, RuntimeError) as error:
            why = " ".join(str(error).split())[:100]
            raise WeightsError(f"{path} does not hold {self.name} ({why}): fetch or add the right file") from error
        pictures = torch.from_numpy(known_pairs()[0].transpose(0, 3, 1, 2) / 255).float()
        with torch.inference_mode():
            found = [layer.mean((1, 2, 3)) for layer in features.raw(normalise(pictures))]
        shares = (torch.cat(found) / torch.tensor(MEANS).flatten()).tolist()
        return features, hold(self, path, shares, [1.0] * len(shares), TOLERANCE, "features")

    def recognises(self, state: Mapping[str, Any]) -> bool:
        return BACKBONES["vgg16"].recognises(state)


OXFORD = Oxford(
    "vgg16_oxford",
    "vgg16_features-amdegroot-88682ab5.pth",
    528,
    "https://download.pytorch.org/models",
    "vgg16*",
    SUFFIXES,
    "none: a perceptual loss to train by",
)


def offer(weights_dir: Path | None = None) -> None:
    """Let variants that learn by VGG16's features find its weights where backbones are looked for, when they ask."""
    from variants import perceptual

    perceptual.hand_in(functools.cache(functools.partial(for_training, weights_dir)))


def for_training(weights_dir: Path | None = None) -> Weights | None:
    """The first file of VGG16 in search order that proves to be one of torchvision's two; None where there is none."""
    from variants.perceptual import IMAGENET1K_FEATURES, IMAGENET1K_V1, Weights

    for _, folder in folders(weights_dir):
        for path in candidates(OXFORD, folder):
            for which, kind in ((OXFORD, IMAGENET1K_FEATURES), (BACKBONES["vgg16"], IMAGENET1K_V1)):
                try:
                    which.check(path)
                except WeightsError:
                    continue
                return Weights(path, kind)
    return None
