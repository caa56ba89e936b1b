"""baseline: a simple U-Net generator that learns by mean squared error alone.

The report: "as a baseline, a simple U-net generator using only MSE loss"; its fills are blurred and their
colours do not match exactly.
"""

from __future__ import annotations

from torch import nn

from variants.blocks import UNet
from variants.method import Network, Training
from variants.objectives import Objective, Reconstruction
from variants.registry import variant


@variant("baseline")
class Baseline(Network):
    """The paper's starting point; what the critics of the other variants add is measured against it."""

    summary = "U-Net, mean squared error only"
    fills = "whole"
    training = Training(steps=900, lr=3e-3, wide_lr=1e-3)

    def network(self, width: int) -> nn.Module:
        return UNet(width)

    def objective(self, width: int) -> Objective:
        return Reconstruction()
