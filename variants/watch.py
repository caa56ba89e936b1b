"""Trainings that have come to nothing, noticed while they run."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from variants.errors import Diverged

FLAT = 4e-4
"""Standard deviation of fills, in normalised space, that nobody can see: a fortieth of one of 256 levels."""

WON = 1e-6
"""A critic's mean loss at which it tells truth from fake without doubt, and teaches nothing."""

PATIENCE = 5
"""Looks in a row, about as many hundredths of a training, before it is given up."""


def spread(picture: Tensor, hole: Tensor) -> float:
    """The standard deviation of (N, 3, H, W) over the holes of a batch, of the channel that varies most."""
    inside = hole.expand_as(picture) > 0.5
    values = picture.float()
    count = inside[:, :1].sum().clamp_min(1)
    mean = (values * inside).sum((0, 2, 3), keepdim=True) / count
    variance = ((values - mean).square() * inside).sum((0, 2, 3)) / count
    return float(variance.max().sqrt())


class Watch:
    """Looks at a training every hundredth of it. name: that its sentences begin with."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.flat = 0
        self.won: dict[str, int] = {}

    def look(self, step: int, losses: Mapping[str, float], shown: float, truth: float) -> None:
        """losses: means by name since the last look, of which those of critics begin with ``critic``. shown, truth:
        :func:`spread` of the fills and of the pictures. Raises Diverged, which says what to try."""
        for name, value in losses.items():
            if not math.isfinite(value):
                raise Diverged(
                    f"{self.name} diverged at step {step}: its loss '{name}' is {value}. Try --set precision=fp32, a "
                    "larger --set batch, or a lower learning rate in the variant's Training."
                )
        # Where the truth is as flat, a flat fill is right.
        self.flat = self.flat + 1 if not shown > FLAT and truth > 10 * FLAT else 0
        if self.flat >= PATIENCE:
            raise Diverged(
                f"{self.name} stopped learning by step {step}: it fills every hole with one colour. Try another "
                "--seeds, or a lower learning rate in the variant's Training."
            )
        for name, value in losses.items():
            if name.startswith("critic"):
                self.won[name] = self.won.get(name, 0) + 1 if value < WON else 0
                if self.won[name] >= PATIENCE:
                    raise Diverged(
                        f"{self.name} stopped learning by step {step}: the loss of '{name}' is zero, so it teaches the "
                        "generator nothing. Try another --seeds, or a lower critic_lr in the variant's Training."
                    )
