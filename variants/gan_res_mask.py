"""gan_res_mask: residual blocks in the middle of the U-Net, 19 convolution layers in all, filling the hole only.

The report trained this network twice; this one "produced only the masked region of the image and copied the
unmasked areas". Five residual blocks of two convolutions between four halvings and four doublings, and one
output convolution: 4 + 10 + 4 + 1 = 19.
"""

from __future__ import annotations

from torch import nn

from variants.blocks import UNet
from variants.method import Network, Training
from variants.objectives import Objective, ReconstructionAdversarial
from variants.registry import variant


@variant("gan_res_mask")
class GanResMask(Network):
    """Known pixels are copied from the picture, so that only the hole is learned."""

    summary = "residual U-Net and critic, produces the hole only"
    fills = "hole"
    training = Training(steps=650, lr=3e-3, critic_lr=2e-4, wide_lr=1e-3)

    def network(self, width: int) -> nn.Module:
        return UNet(width, residuals=5)

    def objective(self, width: int) -> Objective:
        return ReconstructionAdversarial(width, adversarial=0.005)
