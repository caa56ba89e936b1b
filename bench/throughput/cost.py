"""What a fill costs: floating-point operations, bytes moved, memory held at once.

Counted while one picture is filled, operation by operation, and scaled to the batch. Operations are counted by
the formulas of ``torch.utils.flop_counter``: convolutions and matrix products, two for a multiply-add. Bytes are
what these same operations must read and write (inputs, weights, outputs once each, in the precision's element
size), as if all that lies between them were fused away: a floor, so a share of the roofline is never flattered
by traffic that could be avoided.
"""

from __future__ import annotations

import contextlib
import math
import weakref
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from bench.throughput.settings import Setting, dtype_of
from bench.throughput.subjects import Subject, network_for

LARGE = 512
"""Pictures with longer sides are counted on torch's ``meta`` device, without values, as one alone may not fit into
memory. Smaller ones are not: that device imports torch's compiler, for more than a second."""


@dataclass(frozen=True)
class Cost:
    """Of one batch. flops and bytes are 0, memory NaN, where a method cannot be looked into."""

    flops: float = 0.0
    bytes: float = 0.0
    memory_mib: float = math.nan


class Count(TorchDispatchMode):
    """Adds up operations, the bytes they touch (those of ``weights`` apart), and the most bytes alive at once."""

    def __init__(self, weights: list[Tensor]) -> None:
        super().__init__()
        self.weights = {id(weight) for weight in weights}
        self.flops = self.activation_bytes = self.weight_bytes = 0
        self.alive = self.peak = 0
        self.known: set[int] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Else torch imports its compiler at the first operation: three seconds for nothing.
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        made = [t for t in tree_leaves(result) if isinstance(t, Tensor)]
        for tensor in made:
            self.hold(tensor)
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **(kwargs or {}), out_val=result)
            for tensor in (*(t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)), *made):
                size = tensor.numel() * tensor.element_size()
                if id(tensor) in self.weights:
                    self.weight_bytes += size
                else:
                    self.activation_bytes += size
        return result

    def hold(self, tensor: Tensor) -> None:
        """Count a tensor's storage as alive until it is freed; views share one and count once."""
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self.known:
            return
        self.known.add(key)
        self.alive += size
        self.peak = max(self.peak, self.alive)
        weakref.finalize(storage, self.release, key, size)

    def release(self, key: int, size: int) -> None:
        """Take a freed storage's bytes off what is alive; the peak stays."""
        self.known.discard(key)
        self.alive -= size


def count(subject: Subject, setting: Setting) -> Cost:
    """The cost of one batch at a setting, run plainly (fusing and folding spare no counted operation).

    Raises whatever the network raises.
    """
    if subject.network is None:
        return Cost()
    if setting.resolution > LARGE:
        with contextlib.suppress(Exception):
            return _count_on("meta", subject, setting)
        # TorchScript, or a network that looks at values, cannot be run without them: counted on a smaller picture.
        smaller = _count_on(setting.device, subject, replace(setting, resolution=LARGE))
        area = (setting.resolution / LARGE) ** 2
        return Cost(smaller.flops * area, smaller.bytes * area, smaller.memory_mib * area)
    return _count_on(setting.device, subject, setting)


def _count_on(device: str, subject: Subject, setting: Setting) -> Cost:
    side, n = setting.resolution, setting.batch
    network = network_for(subject, replace(setting, mode="eager", device=device))
    fill = subject.fill(network, subject.multiple, dtype_of(setting.precision))
    images = torch.zeros(1, side, side, 3, dtype=torch.uint8, device=device)
    holes = torch.zeros(1, side, side, dtype=torch.bool, device=device)
    holes[:, side // 2 :] = True  # a network may skip what is whole
    weights = [*network.parameters(), *network.buffers()]
    with torch.no_grad(), Count(weights) as counted:
        fill(images, holes)
    given = images.numel() + holes.numel()  # one byte each
    held = sum(t.numel() * t.element_size() for t in weights)
    return Cost(
        float(n * counted.flops),
        float(n * counted.activation_bytes + counted.weight_bytes),
        (n * (counted.peak + given) + held) / 2**20,
    )
