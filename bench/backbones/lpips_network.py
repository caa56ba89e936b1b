"""The feature stacks that LPIPS looks through, as plain chains of convolutions and poolings.

Geometry: AlexNet (Krizhevsky 2014, one-tower form), VGG-16 (Simonyan & Zisserman 2015, configuration D) and
SqueezeNet 1.1 (Iandola et al. 2016); what is compared and where: LPIPS v0.1 (Zhang et al., CVPR 2018).
Written out here, because importing torchvision for three lists of numbers takes seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    import torch

SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
"""LPIPS' own normalisation of RGB in [-1, 1], per channel."""

EPSILON = 1e-10
"""Added to a feature vector's length before dividing by it, as in LPIPS v0.1."""

WINDOWS = 600_000
"""Most values of all windows of a convolution that goes as a matrix product: what a core's own cache has room for."""


@dataclass(frozen=True)
class Step:
    """One layer: a convolution followed by a ReLU, or a max pooling (``weight`` is None).

    weight: (out, in, kernel, kernel) float32; bias: (out,). ceil: a pooling window may hang over the far edge.
    tap: LPIPS compares the features that this layer puts out.
    """

    kernel: int
    stride: int
    padding: int
    weight: torch.Tensor | None = None
    bias: torch.Tensor | None = None
    ceil: bool = False
    tap: bool = False

    def size(self, length: int) -> int:
        """Output length along one axis; 0 or less where the input is too short."""
        room = length + 2 * self.padding - self.kernel
        if room < 0:
            return 0
        if not self.ceil:
            return room // self.stride + 1
        count = -(-room // self.stride) + 1
        return count if (count - 1) * self.stride < length + self.padding else count - 1

    def __call__(self, x: torch.Tensor, padding: int | None = None) -> torch.Tensor:
        """Apply to (N, C, H, W); ``padding`` replaces the layer's own."""
        import torch.nn.functional as F

        pad = self.padding if padding is None else padding
        x = laid_out(x)
        if self.weight is None:
            return F.max_pool2d(x, self.kernel, self.stride, ceil_mode=self.ceil)
        if not pad and x.device.type == "cpu" and len(x) == 1:
            high, wide = ((length - self.kernel) // self.stride + 1 for length in x.shape[2:])
            if high * wide * self.matrix.shape[0] <= WINDOWS:
                return self._product(x, high, wide)
        return F.conv2d(x, self.weight, self.bias, self.stride, pad).relu_()

    @cached_property
    def matrix(self) -> torch.Tensor:
        """The weights of a convolution as a product takes them: (kernel · kernel · in, out)."""
        assert self.weight is not None
        return self.weight.permute(2, 3, 1, 0).flatten(0, 2).contiguous()

    def _product(self, x: torch.Tensor, high: int, wide: int) -> torch.Tensor:
        """The layer's output (1, out, high, wide) of laid out (1, C, H, W), without padding, as a matrix product.

        Of small parts of a picture on a processor, each of its own size: oneDNN compiles a convolution for every new
        size, and takes about half as long again (AlexNet, one Xeon core).
        """
        import torch

        _, channels, _, width = x.shape
        row, across = width * channels, self.kernel * channels
        # Rows of a window lie in one piece, as the channels of a pixel lie side by side.
        windows = x.as_strided(
            (high, wide, self.kernel, across), (self.stride * row, self.stride * channels, row, 1), x.storage_offset()
        )
        flat = windows.reshape(high * wide, -1)
        found = flat @ self.matrix if self.bias is None else torch.addmm(self.bias, flat, self.matrix)
        return found.relu_().view(1, high, wide, -1).permute(0, 3, 1, 2)


@dataclass(frozen=True)
class Stack:
    """A chain of steps and, per tap, the weight of each channel's squared difference, float32 (C,)."""

    steps: tuple[Step, ...]
    heads: tuple[torch.Tensor, ...]

    @property
    def device(self) -> torch.device:
        """Where the weights lie; pictures must be brought there first."""
        return self.heads[0].device

    def input(self, pictures: np.ndarray | Sequence[np.ndarray]) -> torch.Tensor:
        """8-bit pictures (N, H, W, 3), normalised, where and in the type that the stack computes."""
        return normalised(pictures, self.device).to(self.heads[0].dtype)

    def to(self, device: Any) -> Stack:
        """The same stack on a torch device, or in a torch floating type."""
        moved = []
        for step in self.steps:
            if step.weight is not None and step.bias is not None:
                step = replace(step, weight=laid_out(step.weight.to(device)), bias=step.bias.to(device))
            moved.append(step)
        return Stack(tuple(moved), tuple(head.to(device) for head in self.heads))

    def sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """(height, width) of each tap's features for a picture of that size."""
        found = []
        for step in self.steps:
            height, width = step.size(height), step.size(width)
            if step.tap:
                found.append((height, width))
        return found

    def fits(self, height: int, width: int) -> bool:
        """False for a picture that is too small to leave anything at the last tap."""
        return min(min(size) for size in self.sizes(height, width)) > 0

    def taps(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Features at each tap for normalised input (N, 3, H, W), see :func:`normalised`."""
        found = []
        for step in self.steps:
            x = step(x)
            if step.tap:
                found.append(x)
        return found

    def maps(self, truth: torch.Tensor, filled: torch.Tensor) -> list[torch.Tensor]:
        """Distance per tap and position, each (N, h, w), of normalised (N, 3, H, W) inputs."""
        return [
            distance_map(unit(a), unit(b), head)
            for a, b, head in zip(self.taps(truth), self.taps(filled), self.heads, strict=True)
        ]

    def distances(self, truth: torch.Tensor, filled: torch.Tensor) -> torch.Tensor:
        """LPIPS per pair, (N,)."""
        import torch

        return torch.stack([m.mean((1, 2)) for m in self.maps(truth, filled)]).sum(0)


def laid_out(x: torch.Tensor) -> torch.Tensor:
    """The same values (N, C, H, W) in the order in memory in which the device is fastest.

    A processor wants the channels of a pixel side by side: on one Xeon core AlexNet's truth features of 256 px take
    15 ms so, and 23 ms in the order of the shape.
    """
    import torch

    return x.contiguous(memory_format=torch.contiguous_format if x.is_cuda else torch.channels_last)


def unit(features: torch.Tensor) -> torch.Tensor:
    """Each position's channel vector scaled to length one, (N, C, h, w)."""
    import torch

    return features / (torch.linalg.vector_norm(features, dim=1, keepdim=True) + EPSILON)


def distance_map(a: torch.Tensor, b: torch.Tensor, head: torch.Tensor) -> torch.Tensor:
    """Weighted squared difference of unit features, (N, C, h, w) twice -> (N, h, w)."""
    return (a - b).square().permute(0, 2, 3, 1) @ head


def normalised(pictures: np.ndarray | Sequence[np.ndarray], device: Any = "cpu") -> torch.Tensor:
    """8-bit pictures (N, H, W, 3) as the stacks want them: float32 (N, 3, H, W), LPIPS' normalisation applied."""
    import torch

    if torch.device(device).type != "cpu":
        return normalise(torch.from_numpy(np.array(pictures)).to(device).permute(0, 3, 1, 2))
    return torch.from_numpy(np.stack([cv2.LUT(picture, _levels()) for picture in pictures])).permute(0, 3, 1, 2)


@cache
def _levels() -> np.ndarray:
    """What each of the 256 levels of a channel is normalised to, float32 (1, 256, 3)."""
    import torch

    levels = torch.arange(256, dtype=torch.uint8).expand(1, 3, 1, 256)
    return normalise(levels)[0].permute(1, 2, 0).numpy()


def normalise(levels: torch.Tensor) -> torch.Tensor:
    """The same of levels (N, 3, H, W) that lie on a device already."""
    import torch

    x = levels.float() / 127.5 - 1
    shift = torch.tensor(SHIFT, device=x.device)[:, None, None]
    scale = torch.tensor(SCALE, device=x.device)[:, None, None]
    return (x - shift) / scale


def alexnet(features: Mapping[str, torch.Tensor], heads: Sequence[torch.Tensor]) -> Stack:
    """AlexNet's geometry at whatever widths the weights have (keys ``features.0.weight``, …)."""

    def conv(index: int, stride: int, padding: int) -> Step:
        return convolution(features, f"features.{index}", stride, padding, tap=True)

    pool = Step(3, 2, 0)
    return Stack((conv(0, 4, 2), pool, conv(3, 1, 2), pool, conv(6, 1, 1), conv(8, 1, 1), conv(10, 1, 1)), tuple(heads))


def vgg16(features: Mapping[str, torch.Tensor], heads: Sequence[torch.Tensor]) -> Stack:
    """VGG-16: five blocks of 3×3 convolutions; the last of each block is compared."""
    steps: list[Step] = []
    index = 0
    for block, convolutions in enumerate((2, 2, 3, 3, 3)):
        if block:
            steps.append(Step(2, 2, 0))
            index += 1
        for number in range(convolutions):
            last = number == convolutions - 1
            steps.append(convolution(features, f"features.{index}", 1, 1, tap=last))
            index += 2
    return Stack(tuple(steps), tuple(heads))


def squeezenet(features: Mapping[str, torch.Tensor], heads: Sequence[torch.Tensor]) -> Stack:
    """SqueezeNet 1.1, each fire module as two convolutions (its two expansions are one 3×3)."""
    pool = Step(3, 2, 0, ceil=True)
    steps = [convolution(features, "features.0", 2, 0, tap=True), pool]
    for index, tap in ((3, False), (4, True), (5, False), (6, False), (7, True), (8, False), (9, True)):
        steps += [pool] if index in (5, 8) else fire(features, f"features.{index}", tap)
    for index in (10, 11, 12):
        steps += fire(features, f"features.{index}", True)
    return Stack(tuple(steps), tuple(heads))


def convolution(features: Mapping[str, torch.Tensor], key: str, stride: int, padding: int, tap: bool) -> Step:
    """A convolution from ``KEY.weight`` and ``KEY.bias``; ``tap`` marks a layer that LPIPS compares."""
    weight, bias = laid_out(features[f"{key}.weight"]), features[f"{key}.bias"]
    return Step(weight.shape[-1], stride, padding, weight, bias, tap=tap)


def fire(features: Mapping[str, torch.Tensor], key: str, tap: bool) -> list[Step]:
    """A fire module: squeeze, then both expansions as one 3×3 convolution (the 1×1 sits in its centre)."""
    import torch
    import torch.nn.functional as F

    small = F.pad(features[f"{key}.expand1x1.weight"], (1, 1, 1, 1))
    weight = laid_out(torch.cat([small, features[f"{key}.expand3x3.weight"]]))
    bias = torch.cat([features[f"{key}.expand1x1.bias"], features[f"{key}.expand3x3.bias"]])
    return [convolution(features, f"{key}.squeeze", 1, 0, tap=False), Step(3, 1, 1, weight, bias, tap=tap)]
