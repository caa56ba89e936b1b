"""gan_res_whole: the network of gan_res_mask, asked for the whole picture.

The report: "forcing the network to produce the whole image may result in better colour consistency"; it found
the colour errors about the same and the lighthouse poorer.
"""

from __future__ import annotations

from torch import nn

from variants.blocks import UNet
from variants.method import Network, Training
from variants.objectives import Objective, ReconstructionAdversarial
from variants.registry import variant


@variant("gan_res_whole")
class GanResWhole(Network):
    """What it paints outside the hole is learned too, and shows in the scores of known pixels."""

    summary = "residual U-Net and critic, produces the whole picture"
    fills = "whole"
    training = Training(steps=650, lr=2e-3, critic_lr=2e-4, wide_lr=1e-3)

    def network(self, width: int) -> nn.Module:
        return UNet(width, residuals=5)

    def objective(self, width: int) -> Objective:
        return ReconstructionAdversarial(width, adversarial=0.005)
