"""double_dg_linear: double_dg with the ReLU at the end of each stage taken away.

The mend for double_dg's floor: its fills may be as dark as the picture asks for. All else is the same.
"""

from __future__ import annotations

from torch import nn

from variants.double_dg import DoubleDg, TwoStages
from variants.registry import variant


@variant("double_dg_linear")
class DoubleDgLinear(DoubleDg):
    """Without the ReLU, channels below ImageNet's mean can be painted, which double_dg cannot."""

    summary = "double_dg without the final ReLU of each stage"

    def network(self, width: int) -> nn.Module:
        return TwoStages(width, last=nn.Identity)
