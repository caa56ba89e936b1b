"""The student's estimate of AlexNet-LPIPS: columns of its own where no backbone is at hand, none where one is.

A small network, trained to give LPIPS' map at every layer (:mod:`bench.student.train`), bundled with the package. It is
approximate, named so everywhere, and stands for the LPIPS of AlexNet: a protocol of another backbone has none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bench.metrics import lpips as real
from bench.metrics.registry import metric

MEAN_ERROR = {"image": 0.020, "hole": 0.060}
"""Mean absolute difference from AlexNet-LPIPS, by region, on fills of pictures that it never saw, over five mask types:
the largest of the three sets of bench/student/FIGURES.md."""

KEY = "lpips:student"


def _stack_of(context: Any) -> Any:
    """The student on the context's device, or why there is none, in a sentence."""
    if KEY not in context.cache:
        context.cache[KEY] = _load(context.device)
    return context.cache[KEY]


def _load(device: str) -> Any:
    """The bundled student on a device, or the reason why it cannot be had."""
    from bench.backbones import student

    if not student.FILE.is_file():
        return "no student is bundled with this installation"
    try:
        return student.load_stack(student.FILE).to(device)
    except Exception as error:
        return f"the bundled student {student.FILE} cannot be read ({' '.join(str(error).split())[:100]})"


def _left_out(context: Any) -> bool:
    """It stands in for AlexNet-LPIPS alone, and only where that cannot be had."""
    return _unavailable(context) is not None


def _unavailable(context: Any) -> str | None:
    """Why the student estimates nothing here, or None."""
    if real.backbone_of(context) != real.BACKBONES["alex"]:
        return f"the {context.protocol} protocol's LPIPS is not of AlexNet, which the student estimates"
    if real.missing(context) is None:
        return "LPIPS itself is available: no estimate is needed"
    found = _stack_of(context)
    return found if isinstance(found, str) else None


ESTIMATE: dict[str, Any] = {
    "group": "perceptual",
    "approximate": True,
    "left_out": _left_out,
    "undefined": real.too_small,
    "direction": "lower",
    "range": (0, math.inf),
    "tolerance": 0.005,
    "batched": True,
    "unavailable": _unavailable,
}
"""What both columns declare."""


@metric(
    "lpips_student",
    label="lpips_student",
    rank=4,
    mean_error=MEAN_ERROR["image"],
    reference="none: an estimate of lpips 0.1.4, net='alex', version='0.1'",
    on_device=lambda batch, context: real.of_batch(batch, _stack_of(context), KEY)[0],
    **ESTIMATE,
)
def lpips_student(cards: Sequence[Any], context: Any) -> list[float]:
    """Estimate of AlexNet-LPIPS by a bundled network, where the backbone is missing; off by 0.04 under holes like half.

    >>> import numpy as np
    >>> import torch
    >>> from bench.backbones.lpips_network import Stack, Step
    >>> from bench.metrics.card import Card, Hole, ScoringContext, Truth
    >>> bright = Stack((Step(1, 1, 0, torch.ones(1, 3, 1, 1), tap=True),), (torch.ones(1),))  # 0 of black, else 1
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> card = Card(Truth(black), Hole(hole), np.where(hole[..., None], np.uint8(255), black))
    >>> lpips_student([card], ScoringContext(cache={KEY: bright}))  # in the student's place; one of two pixels is wrong
    [0.5]
    """
    return real.both(cards, context, _stack_of(context), KEY)[0]


@metric(
    "lpips_student_hole",
    label="lpips_student_hole",
    region="hole",
    mean_error=MEAN_ERROR["hole"],
    reference="none: an estimate of lpips 0.1.4, net='alex', version='0.1', spatial=True, mean over the hole",
    on_device=lambda batch, context: real.of_batch(batch, _stack_of(context), KEY)[1],
    **ESTIMATE,
)
def lpips_student_hole(cards: Sequence[Any], context: Any) -> list[float]:
    """Estimate of AlexNet-LPIPS' mean over the hole by a bundled network, where the backbone is missing.

    >>> import numpy as np
    >>> import torch
    >>> from bench.backbones.lpips_network import Stack, Step
    >>> from bench.metrics.card import Card, Hole, ScoringContext, Truth
    >>> bright = Stack((Step(1, 1, 0, torch.ones(1, 3, 1, 1), tap=True),), (torch.ones(1),))  # 0 of black, else 1
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> card = Card(Truth(black), Hole(hole), np.where(hole[..., None], np.uint8(255), black))
    >>> lpips_student_hole([card], ScoringContext(cache={KEY: bright}))  # in the student's place; the pixel is wrong
    [1.0]
    """
    return real.both(cards, context, _stack_of(context), KEY)[1]
