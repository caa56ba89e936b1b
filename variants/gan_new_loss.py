"""gan_new_loss: the same pair, with cross-entropy for the critic and the heavier squared error on the pixels.

The report: the critic is a classifier, so it learns by BCE; the generator by BCE on the critic's verdict plus
MSE on the picture, "higher weight to the MSE loss to enforce color and image consistency".
"""

from __future__ import annotations

from torch import nn

from variants.blocks import UNet
from variants.method import Network, Training
from variants.objectives import Objective, ReconstructionAdversarial
from variants.registry import variant


@variant("gan_new_loss")
class GanNewLoss(Network):
    """basic_gan's networks; the weighted squared error holds the fill to the truth."""

    summary = "U-Net and critic, cross-entropy plus the heavier MSE"
    fills = "whole"
    training = Training(steps=700, lr=3e-3, critic_lr=5e-4, wide_lr=1e-3)

    def network(self, width: int) -> nn.Module:
        return UNet(width)

    def objective(self, width: int) -> Objective:
        return ReconstructionAdversarial(width, adversarial=0.02)
