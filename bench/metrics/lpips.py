"""LPIPS and its map over the hole, through the backbone that the protocol asks for.

Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", CVPR 2018; v0.1 heads.
Pictures under 31 pixels (AlexNet; 16 VGG-16, 17 SqueezeNet) leave nothing at the last layer and have no value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bench import backbones as weights
from bench.metrics.brushnet_known_region import blackened_cards
from bench.metrics.registry import metric

BACKBONES = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}
"""The ``lpips`` package's names for its nets, which the protocols use, and the backbones behind them."""

SMALLEST = {"alex": 31, "vgg": 16, "squeeze": 17}
"""The least side of a picture, in pixels, that has a value."""


def backbone_of(context: Any) -> str:
    """The network that the protocol's LPIPS looks through.

    >>> from bench.metrics.card import ScoringContext
    >>> backbone_of(ScoringContext())
    'alexnet'
    """
    return BACKBONES[context.protocol.lpips]


def _key_of(context: Any) -> str:
    """What is kept of that network is kept under it."""
    return f"lpips:{backbone_of(context)}"


def _stack_of(context: Any) -> Any:
    """The checked stack on the context's device, loaded once a context; the WeightsError where there is none."""
    key = _key_of(context)
    if key not in context.cache:
        try:
            which = weights.backbone(backbone_of(context))
            context.cache[key] = weights.load(which, context.weights_dir).to(context.device)
        except weights.WeightsError as error:
            context.cache[key] = error
    return context.cache[key]


def missing(context: Any) -> str | None:
    """Why LPIPS cannot be had, in a sentence; None where it can.

    >>> from bench.metrics.card import ScoringContext
    >>> missing(ScoringContext(cache={"lpips:alexnet": weights.WeightsError("no file")}))  # as kept from loading
    'no file'
    """
    found = _stack_of(context)
    return str(found) if isinstance(found, weights.WeightsError) else None


def too_small(card: Any) -> str | None:
    """Why pictures of this size have no LPIPS, or None.

    >>> import numpy as np
    >>> from bench.metrics.card import Card, Hole, Truth
    >>> picture = np.zeros((31, 30, 3), np.uint8)
    >>> too_small(Card(Truth(picture), Hole(np.ones((31, 30), bool)), picture))
    "the pictures are smaller than 31 pixels, which leaves nothing at the backbone's last layer"
    """
    least = SMALLEST[card.protocol.lpips]
    if min(card.truth.shape) < least:
        return f"the pictures are smaller than {least} pixels, which leaves nothing at the backbone's last layer"
    return None


def both(cards: Sequence[Any], context: Any, stack: Any, key: str) -> tuple[list[float], list[float]]:
    """What a stack, kept under ``key``, gives of each card's picture, and its map's mean over the hole; kept until
    other cards come.

    >>> import numpy as np
    >>> import torch
    >>> from bench.backbones.lpips_network import Stack, Step
    >>> from bench.metrics.card import Card, Hole, ScoringContext, Truth
    >>> bright = Stack((Step(1, 1, 0, torch.ones(1, 3, 1, 1), tap=True),), (torch.ones(1),))  # 0 of black, else 1
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> card = Card(Truth(black), Hole(hole), np.where(hole[..., None], np.uint8(255), black))
    >>> both([card], ScoringContext(), bright, "lpips:bright")  # one of two pixels is wrong, the only one of the hole
    ([0.5], [1.0])
    """
    latest = context.cache.get(f"{key}:latest")
    if latest and len(latest[0]) == len(cards) and all(a is b for a, b in zip(latest[0], cards, strict=True)):
        return latest[1]
    found = patch_scores(stack, key, cards)
    context.cache[f"{key}:latest"] = (list(cards), found)
    return found


def _through_backbone(cards: Sequence[Any], context: Any) -> tuple[list[float], list[float]]:
    """LPIPS and LPIPS of the hole of each card, through the protocol's backbone."""
    return both(cards, context, _stack_of(context), _key_of(context))


def patch_scores(stack: Any, key: str, cards: Sequence[Any]) -> tuple[list[float], list[float]]:
    """The scores of cards that share truth and hole; what depends on these alone is kept with them.

    >>> import numpy as np
    >>> import torch
    >>> from bench.backbones.lpips_network import Stack, Step
    >>> from bench.metrics.card import Card, Hole, Truth
    >>> bright = Stack((Step(1, 1, 0, torch.ones(1, 3, 1, 1), tap=True),), (torch.ones(1),))  # 0 of black, else 1
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> card = Card(Truth(black), Hole(hole), np.where(hole[..., None], np.uint8(255), black))
    >>> patch_scores(bright, "lpips:bright", [card])  # one of two pixels is wrong, the only one of the hole
    ([0.5], [1.0])
    """
    from bench.metrics import lpips_patch, lpips_tiles

    truth, hole = cards[0].truth, cards[0].hole
    if not stack.fits(*truth.shape):
        return [float("nan")] * len(cards), [float("nan")] * len(cards)
    large = truth.picture[..., 0].size > lpips_tiles.WHOLE
    if key not in hole.kept:
        hole.kept[key] = (lpips_tiles if large else lpips_patch).hole_weights(stack, hole.mask)
    fills = [card.filled for card in cards]
    if large:
        return lpips_tiles.scores(stack, truth.picture, fills, hole.kept[key])
    if key not in truth.kept:
        truth.kept[key] = lpips_patch.keep(stack, truth.picture)
    return lpips_patch.scores(stack, truth.kept[key], truth.picture, fills, hole.box, hole.kept[key])


def through_known_region(cards: Sequence[Any], context: Any) -> list[float]:
    """LPIPS of each method's own picture, hole blackened in it and the truth; NaN for a full hole.

    >>> import numpy as np
    >>> from bench.metrics.card import Card, Hole, ScoringContext, Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[True, True]])
    >>> through_known_region([Card(Truth(black), Hole(hole), black)], ScoringContext())  # no pixel is known
    [nan]
    """
    if not cards[0].hole.known:
        return [float("nan")] * len(cards)
    return patch_scores(_stack_of(context), _key_of(context), blackened_cards(cards))[0]


def of_batch(batch: Any, stack: Any, key: str) -> Any:
    """What a stack, kept under ``key``, gives of every fill of a :class:`bench.metrics.on_device.Batch`: both values,
    float64 (2, K) on its device.

    >>> import torch
    >>> from bench.backbones.lpips_network import Stack, Step
    >>> from bench.metrics.on_device import Batch
    >>> bright = Stack((Step(1, 1, 0, torch.ones(1, 3, 1, 1), tap=True),), (torch.ones(1),))  # 0 of black, else 1
    >>> black, hole = torch.zeros(1, 1, 2, 3, dtype=torch.uint8), torch.tensor([[[False, True]]])
    >>> batch = Batch(black, hole, torch.where(hole[..., None], 255, black), torch.tensor([0]))
    >>> of_batch(batch, bright, "lpips:bright").tolist()  # one of two pixels is wrong, the only one of the hole
    [[0.5], [1.0]]
    """
    from bench.metrics import lpips_batch

    def compute() -> Any:
        return lpips_batch.scores(stack, batch.truth, batch.hole, batch.filled, batch.owner)

    return batch.once(key, compute)


def _batch_through_backbone(batch: Any, context: Any) -> Any:
    """LPIPS and LPIPS of the hole of every fill of a batch, through the protocol's backbone."""
    return of_batch(batch, _stack_of(context), _key_of(context))


@metric(
    "lpips",
    group="perceptual",
    label="LPIPS",
    rank=3,
    tolerance=0.005,
    protocols={
        "lama": {"reference": "lpips package, VGG-16 v0.1", "summary": "LPIPS with the VGG-16 backbone."},
        "brushbench": {
            "label": "known-region LPIPS",
            "region": "known",
            "reference": "lpips package, SqueezeNet v0.1, before known pixels are restored, black in the hole",
            "summary": "LPIPS with the SqueezeNet backbone, of known pixels before they are restored, the hole black.",
            "compute": through_known_region,
            "on_device": None,
        },
    },
    undefined=too_small,
    region="image",
    unit="",
    direction="lower",
    range=(0, math.inf),
    reference="lpips 0.1.4, net='alex', version='0.1'",
    version=1,
    batched=True,
    unavailable=missing,
    on_device=lambda batch, context: _batch_through_backbone(batch, context)[0],
)
def lpips(cards: Sequence[Any], context: Any) -> list[float]:
    """LPIPS with the AlexNet backbone.

    >>> import numpy as np
    >>> import torch
    >>> from bench.backbones.lpips_network import Stack, Step
    >>> from bench.metrics.card import Card, Hole, ScoringContext, Truth
    >>> bright = Stack((Step(1, 1, 0, torch.ones(1, 3, 1, 1), tap=True),), (torch.ones(1),))  # 0 of black, else 1
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> card = Card(Truth(black), Hole(hole), np.where(hole[..., None], np.uint8(255), black))
    >>> lpips([card], ScoringContext(cache={"lpips:alexnet": bright}))  # in AlexNet's place; one of two pixels is wrong
    [0.5]
    """
    return _through_backbone(cards, context)[0]


@metric(
    "lpips_hole",
    group="perceptual",
    label="hole LPIPS",
    tolerance=0.005,
    protocols={
        "lama": {
            "reference": "lpips package, VGG-16 v0.1, spatial map over the hole",
            "summary": "Mean over the hole of LPIPS' upsampled map, VGG-16 backbone.",
        },
        "brushbench": {
            "reference": "lpips package, SqueezeNet v0.1, spatial map over the hole",
            "summary": "Mean over the hole of LPIPS' upsampled map, SqueezeNet backbone.",
        },
    },
    undefined=too_small,
    region="hole",
    unit="",
    direction="lower",
    range=(0, math.inf),
    reference="lpips 0.1.4, net='alex', version='0.1', spatial=True, mean over the hole",
    version=1,
    batched=True,
    unavailable=missing,
    on_device=lambda batch, context: _batch_through_backbone(batch, context)[1],
)
def lpips_hole(cards: Sequence[Any], context: Any) -> list[float]:
    """Mean over the hole of LPIPS' upsampled map, AlexNet backbone.

    >>> import numpy as np
    >>> import torch
    >>> from bench.backbones.lpips_network import Stack, Step
    >>> from bench.metrics.card import Card, Hole, ScoringContext, Truth
    >>> bright = Stack((Step(1, 1, 0, torch.ones(1, 3, 1, 1), tap=True),), (torch.ones(1),))  # 0 of black, else 1
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> card = Card(Truth(black), Hole(hole), np.where(hole[..., None], np.uint8(255), black))
    >>> lpips_hole([card], ScoringContext(cache={"lpips:alexnet": bright}))  # in AlexNet's place; the pixel is wrong
    [1.0]
    """
    return _through_backbone(cards, context)[1]
