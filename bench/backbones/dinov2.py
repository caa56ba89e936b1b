"""DINOv2's ViT-L/14, the network of FD-DINOv2: Meta's weights of 2023 in timm's layers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.backbones.backbone import Published

if TYPE_CHECKING:
    import torch

FEATURES = 1024
"""Length of a picture's features, those of the class token after the last normalisation."""

SIDE = 224
"""Pixels of a picture's side as the network sees it."""

OFFSET = 0.1
"""What Meta's code adds to the number of patches on a side before it resizes position embeddings by the ratio."""


@dataclass(frozen=True)
class DinoV2(Published):
    """model: timm's name of the network. options: what changes of it (in tests, a smaller one)."""

    model: str = "vit_large_patch14_dinov2"
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def build(self, state: Mapping[str, Any]) -> Any:
        """The network from normalised pictures, float32 (N, 3, 224, 224), to features, (N, 1024), on the CPU."""
        import timm

        # Without a size or weights of its own it asks for nothing: the weights are those of the file.
        options = {"img_size": SIDE, "num_classes": 0, "global_pool": "token", **self.options}
        network: Any = timm.create_model(self.model, pretrained=False, **options)
        own = {name: value.float() for name, value in state.items() if name != "mask_token"}
        patches = SIDE // network.patch_embed.patch_size[0]
        network.load_state_dict({**own, "pos_embed": resized(own["pos_embed"], patches)})
        return network.eval().requires_grad_(False)

    def recognises(self, state: Mapping[str, Any]) -> bool:
        return "pos_embed" in state and tuple(state["pos_embed"].shape) == (1, 1 + 37 * 37, FEATURES)


def resized(embedding: torch.Tensor, side: int) -> torch.Tensor:
    """Position embeddings (1, 1 + n², D), of a class token and n × n patches, brought to ``side`` × ``side`` patches.

    As Meta's code does: bicubic by the ratio of (side + 0.1) to n. timm's filter is antialiased, which moves every
    feature.
    """
    import torch

    known = math.isqrt(embedding.shape[1] - 1)
    grid = embedding[:, 1:].reshape(1, known, known, -1).permute(0, 3, 1, 2)
    scale = (side + OFFSET) / known
    fitted = torch.nn.functional.interpolate(grid, scale_factor=(scale, scale), mode="bicubic")
    return torch.cat([embedding[:, :1], fitted.flatten(2).transpose(1, 2)], 1)


DINOV2 = DinoV2(
    "dinov2",
    "dinov2_vitl14_pretrain.pth",
    1218,
    base_url="https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14",
    pattern="dinov2_vitl14_pretrain*",
    suffixes=(".pth",),
    scores="fd_dinov2, a score of a whole set",
    # Meta publishes none; projects that fetched it at different times record this one.
    digest="d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428",
    package="timm",
)
