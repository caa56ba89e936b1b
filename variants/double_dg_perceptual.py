"""double_dg that is also held to VGG16's features of the truth: the next step that the paper proposes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from variants import perceptual
from variants.double_dg import DoubleDg
from variants.errors import CheckpointError
from variants.objectives import Losses, Objective, ReconstructionAdversarial, Step
from variants.registry import variant

WEIGHT = 0.5


class Perceptual(ReconstructionAdversarial):
    """double_dg's objective, and the distance of features over the whole picture."""

    def __init__(self, width: int, features: perceptual.Features) -> None:
        super().__init__(width, adversarial=0.002, local=True)
        self.features = perceptual.Beside(features)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Any:
        self.features.module._apply(fn, recurse)
        return super()._apply(fn, recurse)

    def generator_loss(self, step: Step) -> Losses:
        near: Tensor = perceptual.distance(self.features, step.fake, step.target)
        return {**super().generator_loss(step), "perceptual": WEIGHT * near}


@variant("double_dg_perceptual")
class DoubleDgPerceptual(DoubleDg):
    """Network and critics as double_dg; training needs VGG16's weights, filling does not."""

    learns_by_features = True
    summary = "double_dg, and VGG16's features as a loss"

    def missing(self) -> str:
        if perceptual.finder() is None:
            return "it needs VGG16's weights: bench weights fetch vgg16, or bench weights add FILE"
        return ""

    def objective(self, width: int) -> Objective:
        found = perceptual.finder()
        if found is None:
            raise CheckpointError(f"double_dg_perceptual cannot be trained: {self.missing()}")
        return Perceptual(width, perceptual.load(found))
