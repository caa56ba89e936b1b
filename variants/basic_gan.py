"""basic_gan: the same U-Net against a critic, both learning by squared error on the critic's verdict.

The report: "pure MSE loss … resulted in garbage output". Nothing ties the fill to the picture's pixels, and
garbage is what an honest repetition gives too.
"""

from __future__ import annotations

from torch import nn

from variants.blocks import UNet
from variants.method import Network, Training
from variants.objectives import LeastSquaresAdversarial, Objective
from variants.registry import variant


@variant("basic_gan")
class BasicGan(Network):
    """Without a reconstruction term nothing ties the fill to the truth: the paper saw garbage, and so may you."""

    summary = "U-Net and critic, least-squares adversarial loss only"
    fills = "whole"
    training = Training(steps=700, lr=2e-3, critic_lr=2e-4, wide_lr=1e-3)

    def network(self, width: int) -> nn.Module:
        return UNet(width)

    def objective(self, width: int) -> Objective:
        return LeastSquaresAdversarial(width)
