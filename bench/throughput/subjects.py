"""What is timed: a method's whole fill, from 8-bit pictures and holes to 8-bit filled pictures.

A network's pictures are on the device already and stay there: normalising, the network, compositing and
rounding are timed, reading files and copies from the host are not. Other methods are timed as they are called.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.methods.callable import CallableMethod
from bench.throughput.settings import Setting, dtype_of
from variants.blocks import denormalise, normalise
from variants.errors import FillError
from variants.method import Method
from variants.network_method import NetworkMethod, reflect

Call = Callable[[Tensor, Tensor], Any]
"""(pictures uint8 (N, H, W, 3), holes bool (N, H, W)) -> filled uint8 (N, H, W, 3)."""


class Fill(nn.Module):
    """A network's whole fill as one module: uint8 (N, H, W, 3) and bool (N, H, W) to uint8 (N, H, W, 3).

    The same arithmetic as :meth:`variants.network_method.NetworkMethod.fill`, then compositing and rounding;
    ``dtype`` is that of the network, the rest is float32.
    """

    def __init__(
        self, network: nn.Module, multiple: int, dtype: torch.dtype = torch.float32, *, last: bool = True
    ) -> None:
        super().__init__()
        self.network = network
        self.multiple = multiple
        self.dtype = dtype
        self.layout = torch.channels_last if last else torch.contiguous_format

    def forward(self, images: Tensor, holes: Tensor) -> Tensor:
        height, width = holes.shape[1:]
        image = images.permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=self.layout)
        hole = holes[:, None]
        pad = (0, -width % self.multiple, 0, -height % self.multiple)
        if any(pad):
            image, hole = reflect(image, pad), reflect(hole.float(), pad) > 0.5
        raw = self.paint(image, hole)[:, :, :height, :width].clamp(0, 1)
        levels = raw.mul(255).round().to(torch.uint8).permute(0, 2, 3, 1)
        return torch.where(holes[..., None], levels, images)

    def paint(self, image: Tensor, hole: Tensor) -> Tensor:
        """image: float (N, 3, H, W) in [0, 1]; hole: bool (N, 1, H, W). The network's whole picture, in [0, 1]."""
        known = (~hole).to(image.dtype).expand(-1, 3, -1, -1).contiguous(memory_format=self.layout)
        x = normalise(image) * known
        return denormalise(self.network(x.to(self.dtype), known.to(self.dtype)).float())


class ForeignFill(Fill):
    """The same for a module from outside, which takes and gives what :mod:`bench.methods.callable` says."""

    def paint(self, image: Tensor, hole: Tensor) -> Tensor:
        """Raises FillError where it gives something else."""
        blanked = torch.where(hole, 0.0, image).contiguous(memory_format=self.layout)
        output = self.network(blanked.to(self.dtype), hole.to(self.dtype))
        if not isinstance(output, Tensor) or output.shape != image.shape:
            given = (
                f"a picture of shape {tuple(output.shape)}"
                if isinstance(output, Tensor)
                else f"a {type(output).__name__}"
            )
            raise FillError(f"it returned {given}, not {tuple(image.shape)} (N, 3, H, W), in [0, 1]")
        return output.float()


@dataclass(frozen=True)
class Subject:
    """A method to be timed. ``network`` is None for methods that are only called (references, functions and ONNX
    files from outside): those run where and in the precision that they do.

    fill: how the network is called. multiple: what the sides of its pictures are padded to. device, precision, most:
    where a method that is only called runs, what it computes in, and how many pictures it takes at once (None: any).
    """

    name: str
    parameters: int = 0
    network: nn.Module | None = None
    multiple: int = 1
    fill: type[Fill] = Fill
    method: Method | None = None
    device: str = "cpu"
    precision: str = "fp32"
    most: int | None = 1
    prepared: dict[Any, nn.Module] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, method: Method) -> Subject:
        """From a method that is ready to fill."""
        if isinstance(method, NetworkMethod):
            return cls(method.name, method.parameters, method.network, method.multiple)
        if isinstance(method, CallableMethod) and isinstance(method.function, nn.Module) and method.plain:
            return cls(method.name, method.parameters, method.function, method.multiple, ForeignFill)
        if isinstance(method, CallableMethod):
            precision = "fp16" if method.keys.dtype == "fp16" else "fp32"
            return cls(
                method.name, method.parameters, None, method.multiple, method=method, device=method.runs_on,
                precision=precision, most=method.most_at_once,
            )  # fmt: skip
        return cls(method.name, method.parameters, method=method)


def prepare(subject: Subject, setting: Setting) -> Call:
    """The call to be timed. Raises whatever the mode raises where it cannot be had."""
    if subject.network is None:
        return called(subject, setting.batch)
    from bench.throughput import modes

    last = setting.mode != "contiguous"
    fill = subject.fill(network_for(subject, setting), subject.multiple, dtype_of(setting.precision), last=last)
    if setting.mode == "compile":
        return modes.compiled(fill)
    if setting.mode == "graphs":
        return modes.graphed(fill, setting)
    return fill


def network_for(subject: Subject, setting: Setting) -> nn.Module:
    """The subject's network on the device, in the setting's type and layout; one for all batch sizes."""
    import copy

    from bench.throughput import modes

    assert subject.network is not None
    last, folded = setting.mode != "contiguous", setting.mode in ("folded", "compile", "graphs")
    key = (setting.device, dtype_of(setting.precision), last, folded)
    if key not in subject.prepared:
        network = modes.fold(subject.network) if folded else copy.deepcopy(subject.network)
        layout = torch.channels_last if last else torch.contiguous_format
        network = network.eval().to(setting.device, key[1]).to(memory_format=layout)
        subject.prepared[key] = network
    return subject.prepared[key]


def called(subject: Subject, batch: int) -> Call:
    """A method that takes arrays, given ``batch`` pictures at a time where it takes several."""
    method = subject.method
    assert method is not None
    if isinstance(method, CallableMethod) and method.facts.batch is None:
        method = method.telling(replace(method.keys_said, batch=batch))
        method.trusts_batches = True  # compared below

    def call(images: Tensor, holes: Tensor) -> np.ndarray:
        image, hole = images.cpu().numpy(), holes.cpu().numpy()
        raw = method.fill(image, hole)
        levels = np.rint(raw.clip(0, 1) * np.float32(255)).astype(np.uint8)
        return np.where(hole[..., None], levels, image)

    return call


FLIPS = ((), (1,), (2,), (1, 2))

DISTINCT = 64
"""Different pictures of a batch: drawing thousands would take longer than filling them."""


def inputs(setting: Setting, count: int) -> list[tuple[Tensor, Tensor]]:
    """Up to four batches on the device, all different (mirrored): smooth colour fields with some noise, one
    rectangle of a quarter to a half of the side missing in each. Picture i is the same in a batch of any size; from
    the 65th on they repeat."""
    side = setting.resolution
    pairs = [picture(side, index) for index in range(min(setting.batch, DISTINCT))]
    pairs = [pairs[index % DISTINCT] for index in range(setting.batch)]
    pictures, holes = (torch.stack([pair[k] for pair in pairs]) for k in (0, 1))
    flipped = [(pictures.flip(axes), holes.flip(axes)) for axes in FLIPS[:count]]
    return [(a.contiguous().to(setting.device), b.contiguous().to(setting.device)) for a, b in flipped]


@functools.lru_cache(maxsize=DISTINCT)
def picture(side: int, index: int) -> tuple[Tensor, Tensor]:
    """uint8 (side, side, 3) and bool (side, side)."""
    generator = np.random.default_rng([side, index])
    coarse = torch.from_numpy(generator.random((1, 3, 5, 5), dtype=np.float32)) * 220 + 15
    smooth = nn.functional.interpolate(coarse, (side, side), mode="bilinear", align_corners=True)
    noise = torch.from_numpy(generator.integers(0, 11, (side, side, 3), dtype=np.uint8))
    hole = torch.zeros(side, side, dtype=torch.bool)
    h, w = (int(v) for v in generator.integers(max(1, side // 4), max(2, side // 2 + 1), 2))
    top, left = int(generator.integers(0, side - h + 1)), int(generator.integers(0, side - w + 1))
    hole[top : top + h, left : left + w] = True
    return smooth[0].permute(1, 2, 0).round().to(torch.uint8) + noise, hole
