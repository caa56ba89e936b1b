"""The student's network: AlexNet's geometry at 48-64-96-96-96 channels, and heads that cannot be negative."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.backbones.lpips_network import Stack, alexnet

FILE = Path(__file__).parents[1] / "student" / "student.safetensors"

WIDTHS = (48, 64, 96, 96, 96)
KERNELS = (11, 5, 3, 3, 3)
PADDINGS = (2, 2, 1, 1, 1)
KEYS = (0, 3, 6, 8, 10)
"""AlexNet's own numbers of its convolutions, so that one geometry serves both."""


class Student(nn.Module):
    """Trainable form; :meth:`stack` is the form that scores."""

    def __init__(self) -> None:
        super().__init__()
        ins = (3, *WIDTHS[:-1])
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, k) for i, o, k in zip(ins, WIDTHS, KERNELS, strict=True))
        for layer in self.convolutions:
            assert isinstance(layer, nn.Conv2d)
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        self.raw_heads = nn.ParameterList(nn.Parameter(torch.full((width,), -1.0)) for width in WIDTHS)

    @property
    def parameters_count(self) -> int:
        """Number of trained values, the heads included."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def heads(self) -> tuple[Tensor, ...]:
        """Weights of each layer's channels in the distance, kept positive by a softplus."""
        return tuple(F.softplus(head) for head in self.raw_heads)

    def convolve(self, number: int, x: Tensor) -> Tensor:
        """A convolution, and the pooling before it where AlexNet has one; no ReLU."""
        layer = self.convolutions[number]
        assert isinstance(layer, nn.Conv2d)
        if number in (1, 2):
            x = F.max_pool2d(x, 3, 2)
        return F.conv2d(x, layer.weight, layer.bias, 1 if number else 4, PADDINGS[number])

    def taps(self, x: Tensor) -> list[Tensor]:
        """Features after each ReLU of normalised pictures (N, 3, H, W)."""
        found = []
        for number in range(len(WIDTHS)):
            x = self.convolve(number, x).relu()
            found.append(x)
        return found

    @torch.no_grad()
    def standardise(self, x: Tensor) -> None:
        """Scale and shift each convolution so that its output on normalised ``x`` has mean 0 and spread 1."""
        for number, layer in enumerate(self.convolutions):
            assert isinstance(layer, nn.Conv2d)
            assert layer.bias is not None
            y = self.convolve(number, x)
            spread = y.std((0, 2, 3)) + 1e-5
            layer.weight.div_(spread[:, None, None, None])
            layer.bias.sub_(y.mean((0, 2, 3))).div_(spread)
            x = self.convolve(number, x).relu()

    @torch.no_grad()
    def scale_heads(self, factors: list[float]) -> None:
        """Multiply each layer's head by a positive factor, in place: one factor a layer."""
        for raw, factor in zip(self.raw_heads, factors, strict=True):
            raw.copy_(torch.log(torch.expm1(F.softplus(raw) * factor)))

    def tensors(self) -> dict[str, Tensor]:
        """What is kept in the file: ``features.N.weight``, ``features.N.bias`` and ``heads.N``, float32."""
        found: dict[str, Tensor] = {}
        for key, layer in zip(KEYS, self.convolutions, strict=True):
            assert isinstance(layer, nn.Conv2d)
            assert layer.bias is not None
            found[f"features.{key}.weight"] = layer.weight.detach().contiguous()
            found[f"features.{key}.bias"] = layer.bias.detach().contiguous()
        for number, head in enumerate(self.heads):
            found[f"heads.{number}"] = head.detach().contiguous()
        return found

    def save(self, path: Path, about: dict[str, str]) -> None:
        """Write the weights as safetensors, with ``about`` as the file's metadata."""
        from safetensors.torch import save

        from bench.util.files import write_bytes

        write_bytes(path, save(self.tensors(), about))


def load_stack(path: Path) -> Stack:
    """The student in ``path`` as a stack that scores like any backbone's."""
    from safetensors.torch import load_file

    tensors = load_file(path)
    return alexnet(tensors, [tensors[f"heads.{number}"] for number in range(len(WIDTHS))])
