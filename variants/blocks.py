"""The building blocks that the variants share: down, residual and up blocks, the U-Net, the critic.

All tensors are float (N, C, H, W). Networks take six channels, the normalised picture with its hole set to
zero and then ``known`` three times, and give three channels in normalised space (ImageNet mean and standard
deviation, as torchvision's classification weights use).
"""

from __future__ import annotations

import functools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


@functools.cache
def _constants(values: tuple[float, float, float], dtype: torch.dtype, device: torch.device, width: int) -> Tensor:
    """Sent to a device once: sent at every step, the host would wait for the device each time."""
    with torch.inference_mode(False):
        constants = torch.tensor(values, dtype=dtype, device=device).view(1, 3, 1, 1)
        return constants.expand(1, 3, 1, width).contiguous(memory_format=torch.channels_last)


def constants(values: tuple[float, float, float], dtype: torch.dtype, device: torch.device, width: int) -> Tensor:
    """One a channel, (1, 3, 1, width)."""
    if torch.compiler.is_compiling():
        # Numbers within the kernels that are compiled: nothing is sent at a call.
        return torch.cat([torch.full((1, 1, 1, width), value, dtype=dtype, device=device) for value in values], dim=1)
    return _constants(values, dtype, device, width)


def _channels(values: tuple[float, float, float], like: Tensor) -> Tensor:
    # A row of them for pictures whose channels lie innermost: three at a time, a CPU takes ten times as long.
    return constants(values, like.dtype, like.device, 1 if like.is_contiguous() else like.shape[3])


def normalise(image: Tensor) -> Tensor:
    """[0, 1] to normalised space."""
    return (image - _channels(MEAN, image)) / _channels(STD, image)


def denormalise(x: Tensor) -> Tensor:
    """Normalised space to [0, 1], not clipped."""
    return x * _channels(STD, x) + _channels(MEAN, x)


def down(in_channels: int, out_channels: int, norm: bool = True) -> nn.Sequential:
    """Halve the size: convolution 4×4, stride 2, then BatchNorm (unless told not) and ReLU."""
    layers: list[nn.Module] = [nn.Conv2d(in_channels, out_channels, 4, 2, 1, bias=not norm)]
    if norm:
        layers.append(nn.BatchNorm2d(out_channels))
    return nn.Sequential(*layers, nn.ReLU(inplace=True))


def up(in_channels: int, out_channels: int, norm: bool = True) -> nn.Sequential:
    """Double the size: transposed convolution 4×4, stride 2, then BatchNorm (unless told not) and ReLU."""
    layers: list[nn.Module] = [nn.ConvTranspose2d(in_channels, out_channels, 4, 2, 1, bias=not norm)]
    if norm:
        layers.append(nn.BatchNorm2d(out_channels))
    return nn.Sequential(*layers, nn.ReLU(inplace=True))


class _Join(torch.autograd.Function):
    """torch.cat along channels whose gradients are dense."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.channels = (a.shape[1], b.shape[1])
        return torch.cat((a, b), dim=1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        return tuple(part.clone() for part in gradients[0].split(ctx.channels, dim=1))


def join(a: Tensor, b: Tensor) -> Tensor:
    """a and b, (N, C, H, W) each, one's channels after the other's.

    cat's own gradients are slices of channels, over which a CPU's ReLU takes ten times as long at 16 channels.
    """
    if a.requires_grad and a.device.type == "cpu":
        return _Join.apply(a, b)  # type: ignore[no-any-return]
    return torch.cat((a, b), dim=1)


class Residual(nn.Module):
    """x plus two 3×3 convolutions of x, each with BatchNorm (He et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class UNet(nn.Module):
    """U-Net (Ronneberger et al. 2015): four halvings, ``residuals`` blocks in the middle, four doublings with skips.

    ``width`` is the channel count after the first halving (the report's is 64); it doubles at each of the next
    three. Convolution layers: 9 + 2 · residuals. Height and width must be multiples of 16.
    """

    def __init__(self, width: int, residuals: int = 0) -> None:
        super().__init__()
        w = width
        self.down1 = down(6, w, norm=False)
        self.down2 = down(w, 2 * w)
        self.down3 = down(2 * w, 4 * w)
        self.down4 = down(4 * w, 8 * w)
        self.middle = nn.Sequential(*(Residual(8 * w) for _ in range(residuals)))
        self.up4 = up(8 * w, 4 * w)
        self.up3 = up(8 * w, 2 * w)
        self.up2 = up(4 * w, w)
        self.up1 = up(2 * w, w)
        self.out = nn.Conv2d(w, 3, 3, 1, 1)

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        """x: normalised picture with its hole at zero, (N, 3, H, W); known: (N, 3, H, W), 1 where known."""
        x1 = self.down1(torch.cat((x, known), dim=1))
        x2 = self.down2(x1)
        x3 = self.down3(x2)
        y = self.middle(self.down4(x3))
        y = join(self.up4(y), x3)
        y = join(self.up3(y), x2)
        y = join(self.up2(y), x1)
        return self.out(self.up1(y))


class Critic(nn.Module):
    """The report's discriminator: convolution, BatchNorm and ReLU, then one linear output, (N, 1).

    The features are averaged over the picture before the linear layer, so that one critic serves any size.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        w = width
        self.features = nn.Sequential(down(3, w, norm=False), down(w, 2 * w), down(2 * w, 4 * w), down(4 * w, 8 * w))
        self.score = nn.Linear(8 * w, 1)

    def forward(self, x: Tensor) -> Tensor:
        features = self.features(x)
        # Not mean(): its gradient comes channels first, and so does all before it, slowly.
        return self.score(F.avg_pool2d(features, features.shape[2:]).flatten(1))
