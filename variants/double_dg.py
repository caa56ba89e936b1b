"""double_dg: two stages of down, residual and up without skips, and two critics, local and global.

The report's last and best model, trained on rectangular, circular and elliptical holes. The second stage
is added to the first one's fill; known pixels are copied in both. Module names are those of the report's listing,
so that its state dict loads unchanged. Each stage ends in a ReLU: in normalised space a fill can never be
darker than the ImageNet mean. That is the paper's model and is kept; ``double_dg_linear`` mends it.
"""

from __future__ import annotations

from torch import Tensor, cat, nn

from variants.method import Network, Training
from variants.objectives import Objective, ReconstructionAdversarial
from variants.registry import variant


class Downscale(nn.Module):
    """Half the side: a 4x4 convolution of stride 2, LeakyReLU 0.2."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(in_channels, out_channels, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class ResidualPair(nn.Module):
    """Two 3x3 convolutions whose output is added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x)


class Upscale(nn.Module):
    """Twice the side: a transposed 4x4 convolution of stride 2, then ``last``."""

    def __init__(self, in_channels: int, out_channels: int, last: nn.Module) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.ConvTranspose2d(in_channels, out_channels, 4, 2, 1), last)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class TwoStages(nn.Module):
    """(x, known) to the refined picture, all in normalised space, x with its hole at zero; sizes multiples of 8."""

    def __init__(self, width: int, last: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        for stage in "12":
            self.add_module(
                f"downscale{stage}",
                nn.Sequential(Downscale(6, width), Downscale(width, 2 * width), Downscale(2 * width, 4 * width)),
            )
            self.add_module(f"residual{stage}", nn.Sequential(*(ResidualPair(4 * width) for _ in range(3))))
            self.add_module(
                f"upscale{stage}",
                nn.Sequential(
                    Upscale(4 * width, 2 * width, nn.ReLU(inplace=True)),
                    Upscale(2 * width, width, nn.ReLU(inplace=True)),
                    Upscale(width, 3, last()),
                ),
            )

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        hole = 1 - known
        picture = x * known
        for stage in "12":
            y = cat((picture, known), dim=1)
            for part in ("downscale", "residual", "upscale"):
                y = getattr(self, part + stage)(y)
            # The listing adds: the second stage corrects the first one's fill, it does not replace it.
            picture = picture + y * hole
        return picture


@variant("double_dg")
class DoubleDg(Network):
    """The first stage fills the hole, the second refines it; state dicts of the paper's listing load unchanged."""

    summary = "two stages without skips, local and global critic"
    fills = "hole"
    multiple = 8
    first_layer = "downscale1.0.conv.0.weight"
    training = Training(
        steps=750, epochs=50, lr=1.5e-3, critic_lr=2e-4, wide_lr=5e-4, masks=("rect", "circle", "ellipse")
    )

    def network(self, width: int) -> nn.Module:
        return TwoStages(width)

    def objective(self, width: int) -> Objective:
        return ReconstructionAdversarial(width, adversarial=0.002, local=True)
