"""What a fill costs, counted without running it: floating-point operations, bytes moved, memory held at once.

One pass over tensors without storage (the meta device). Operations are what ``torch.utils.flop_counter``
counts: convolutions and matrix products, two for a multiply-add. Bytes are what these same operations must read
and write (inputs, weights, outputs once each, in the precision's element size), as if all that lies between them
were fused away: a floor, so a share of the roofline is never flattered by traffic that could be avoided.
"""

from __future__ import annotations

import copy
import math
import weakref
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from bench.throughput.settings import Setting, dtype_of
from bench.throughput.subjects import Fill, Subject

HEAVY = ("convolution", "mm", "addmm", "bmm", "baddbmm", "_scaled_dot_product")


@dataclass(frozen=True)
class Cost:
    """Of one batch. flops and bytes are 0, memory NaN, where a method cannot be looked into."""

    flops: float = 0.0
    bytes: float = 0.0
    memory_mib: float = math.nan


class Watch(TorchDispatchMode):
    """Adds up the bytes that the heavy operations touch, and the most bytes of tensors alive at once."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0
        self.alive = self.peak = 0
        self.known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        made = [t for t in tree_leaves(result) if isinstance(t, torch.Tensor)]
        for tensor in made:
            self.hold(tensor)
        if func._schema.name.removeprefix("aten::") in HEAVY:
            touched = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
            self.bytes += sum(t.numel() * t.element_size() for t in (*touched, *made))
        return result

    def hold(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self.known:
            return
        self.known.add(key)
        self.alive += size
        self.peak = max(self.peak, self.alive)
        weakref.finalize(storage, self.release, key, size)

    def release(self, key: int, size: int) -> None:
        self.known.discard(key)
        self.alive -= size


def count(subject: Subject, setting: Setting) -> Cost:
    """The cost of one batch at a setting."""
    if subject.network is None:
        return Cost()
    network = copy.deepcopy(subject.network).eval().requires_grad_(False).to("meta", dtype_of(setting.precision))
    fill = Fill(network, subject.fills, subject.multiple, dtype_of(setting.precision))
    n, side = setting.batch, setting.resolution
    images = torch.empty(n, side, side, 3, dtype=torch.uint8, device="meta")
    holes = torch.empty(n, side, side, dtype=torch.bool, device="meta")
    with torch.no_grad(), FlopCounterMode(display=False) as flops, Watch() as watch:
        fill(images, holes)
    given = sum(t.numel() * t.element_size() for t in (*network.parameters(), *network.buffers(), images, holes))
    return Cost(float(flops.get_total_flops()), float(watch.bytes), (watch.peak + given) / 2**20)
