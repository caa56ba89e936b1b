"""LPIPS and its map over the hole, through whichever backbone the protocol asks for.

Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", CVPR 2018; v0.1 heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench import weights
from bench.metrics.registry import metric


def stack_of(context: Any, name: str) -> Any:
    """The checked stack of a backbone, loaded once a context; a WeightsError where it is not to be had."""
    key = f"lpips:{name}"
    if key not in context.cache:
        try:
            stack = weights.load(weights.backbone(name), context.weights_dir)
        except weights.WeightsError as error:
            context.cache[key] = error
        else:
            context.cache[key] = stack
    return context.cache[key]


def missing(name: str) -> Any:
    """A function of the context that says why LPIPS with that backbone cannot be had; None where it can."""

    def why(context: Any) -> str | None:
        found = stack_of(context, name)
        return str(found) if isinstance(found, weights.WeightsError) else None

    return why


def plain_maps(stack: Any, truth: np.ndarray, fills: Sequence[np.ndarray]) -> list[Any]:
    """Distance per tap, each (methods, h, w), computed on whole pictures."""
    import torch

    from bench.metrics.lpips_network import normalised

    with torch.inference_mode():
        a = normalised(truth[None], stack.device)
        b = normalised(np.stack(fills), stack.device)
        return stack.maps(a, b)


def scores(cards: Sequence[Any], context: Any, name: str) -> tuple[list[float], list[float]]:
    """LPIPS of each card's picture, and the mean of its upsampled map over the hole."""
    import torch.nn.functional as F

    maps = plain_maps(stack_of(context, name), cards[0].truth.picture, [card.filled for card in cards])
    hole = cards[0].hole.mask
    upsampled = sum(F.interpolate(m[:, None], hole.shape, mode="bilinear", align_corners=False)[:, 0] for m in maps)
    whole = sum(m.mean((1, 2)) for m in maps).tolist()
    inside = (
        upsampled.cpu().numpy()[:, hole].astype(np.float64).mean(1).tolist() if hole.any() else [np.nan] * len(cards)
    )
    return whole, inside


@metric(
    "lpips",
    region="image",
    unit="",
    direction="lower",
    range=(0, 1),
    reference="lpips 0.1.4, net='alex', version='0.1'",
    version=1,
    batched=True,
    unavailable=missing("alexnet"),
)
def lpips(cards: Sequence[Any], context: Any) -> list[float]:
    """LPIPS with the AlexNet backbone."""
    return scores(cards, context, "alexnet")[0]


@metric(
    "lpips_hole",
    region="hole",
    unit="",
    direction="lower",
    range=(0, 1),
    reference="lpips 0.1.4, net='alex', version='0.1', spatial=True, mean over the hole",
    version=1,
    batched=True,
    unavailable=missing("alexnet"),
)
def lpips_hole(cards: Sequence[Any], context: Any) -> list[float]:
    """Mean over the hole of LPIPS' upsampled map, AlexNet backbone."""
    return scores(cards, context, "alexnet")[1]
