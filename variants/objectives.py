"""What the variants learn by: reconstruction and adversarial losses, and the three ways of putting them together.

Everything happens in normalised space. An objective owns its critics; the trainer calls ``critic_loss`` and
``generator_loss`` once a step each and knows nothing else of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from variants import ranks
from variants.blocks import Critic


@dataclass
class Step:
    """One batch, all (N, 3, H, W) in normalised space but ``hole``, float (N, 1, H, W), 1 where missing.

    output: what the generator put out. fake: what the variant hands over (``output`` over the whole picture,
    or only in the hole, as the variant fills). target: the truth.
    """

    target: Tensor
    hole: Tensor
    output: Tensor
    fake: Tensor


Losses = dict[str, Tensor]


def reconstruction(step: Step) -> Losses:
    """Mean squared error over the whole picture, and over the hole's pixels of the whole batch (so that a tiny
    hole weighs little)."""
    error = (step.fake.float() - step.target).square()
    # As wide as the error: one channel against three sends a CPU down slow loops.
    hole = step.hole.expand_as(error).contiguous(memory_format=torch.channels_last)
    # The hole's pixels of the whole batch, whichever ranks they lie on.
    in_hole = (error * hole).sum() / (ranks.total(hole.sum()).clamp_min(1) / ranks.size())
    return {"mse": error.mean(), "mse_hole": in_hole}


def bce(logits: Tensor, real: bool) -> Tensor:
    """Binary cross-entropy of a critic's verdict with what the pictures are."""
    logits = logits.float()
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(real)))


def least_squares(scores: Tensor, real: bool) -> Tensor:
    """Squared distance of a critic's verdict from its label (LSGAN, Mao et al. 2017)."""
    scores = scores.float()
    return F.mse_loss(scores, torch.full_like(scores, float(real)))


def crop_around_hole(picture: Tensor, hole: Tensor) -> Tensor:
    """What a local critic sees: each picture's square around its hole, resampled to half the side.

    The square is the hole's bounding box widened to the longer side (at least a quarter of the picture), moved
    inside the picture. Bilinear sampling keeps it differentiable and free of host synchronisation.
    """
    n, _, height, width = picture.shape
    rows = hole.amax(dim=(1, 3)) > 0
    columns = hole.amax(dim=(1, 2)) > 0

    def extent(present: Tensor, size: int) -> tuple[Tensor, Tensor]:
        index = torch.arange(size, device=present.device)
        first = torch.where(present, index, size).amin(dim=1)
        last = torch.where(present, index, -1).amax(dim=1)
        empty = last < 0
        return torch.where(empty, 0, first), torch.where(empty, size - 1, last)

    top, bottom = extent(rows, height)
    left, right = extent(columns, width)
    side = torch.maximum((bottom - top + 1) / height, (right - left + 1) / width).clamp(0.25, 1.0)
    cy = ((top + bottom + 1) / height - 1).clamp(side - 1, 1 - side)
    cx = ((left + right + 1) / width - 1).clamp(side - 1, 1 - side)
    theta = torch.zeros(n, 2, 3, device=picture.device, dtype=picture.dtype)
    theta[:, 0, 0], theta[:, 0, 2] = side, cx
    theta[:, 1, 1], theta[:, 1, 2] = side, cy
    grid = F.affine_grid(theta, [n, 3, max(height // 2, 16), max(width // 2, 16)], align_corners=False)
    return F.grid_sample(picture, grid, align_corners=False)


class Objective(nn.Module):
    """What a variant learns by. Submodules are its critics; their parameters are the critic optimiser's.

    replayable: every step does the same on the host (no ramps, no ``.item()``, nothing drawn by Python), so that on a
    GPU a step may be recorded once and replayed (:mod:`variants.graph`).
    """

    replayable: ClassVar[bool] = False

    def critic_loss(self, step: Step) -> Losses | None:
        """The critics' losses on this batch (``step.fake`` is detached), or None where there is no critic."""
        return None

    def generator_loss(self, step: Step) -> Losses:
        """The generator's loss terms, already weighted; the trainer minimises their sum."""
        raise NotImplementedError


class Reconstruction(Objective):
    """Mean squared error alone, over the picture and once more over the hole."""

    replayable = True

    def generator_loss(self, step: Step) -> Losses:
        return reconstruction(step)


class LeastSquaresAdversarial(Objective):
    """The report's "pure MSE loss": squared error on the critic's verdict for both sides, nothing on the pixels."""

    replayable = True

    def __init__(self, width: int) -> None:
        super().__init__()
        self.critic = Critic(width)

    def critic_loss(self, step: Step) -> Losses:
        real, fake = self.critic(step.target), self.critic(step.fake)
        return {"critic": (least_squares(real, True) + least_squares(fake, False)) / 2}

    def generator_loss(self, step: Step) -> Losses:
        return {"adversarial": least_squares(self.critic(step.fake), True)}


class ReconstructionAdversarial(Objective):
    """Binary cross-entropy from a global critic (and a local one around the hole) beside the heavier MSE."""

    replayable = True

    def __init__(self, width: int, adversarial: float, local: bool = False) -> None:
        super().__init__()
        self.adversarial = adversarial
        self.critic = Critic(width)
        self.local_critic = Critic(width) if local else None

    def critic_loss(self, step: Step) -> Losses:
        losses = {"critic": (bce(self.critic(step.target), True) + bce(self.critic(step.fake), False)) / 2}
        if self.local_critic is not None:
            real = self.local_critic(crop_around_hole(step.target, step.hole))
            fake = self.local_critic(crop_around_hole(step.fake, step.hole))
            losses["critic_local"] = (bce(real, True) + bce(fake, False)) / 2
        return losses

    def generator_loss(self, step: Step) -> Losses:
        fooled = bce(self.critic(step.fake), True)
        if self.local_critic is not None:
            fooled = (fooled + bce(self.local_critic(crop_around_hole(step.fake, step.hole)), True)) / 2
        return {**reconstruction(step), "adversarial": self.adversarial * fooled}
