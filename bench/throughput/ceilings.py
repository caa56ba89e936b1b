"""What the machine can do at most, measured in the same run: large products and convolutions, a large copy."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from bench.throughput.cost import Cost
from bench.throughput.settings import dtype_of
from bench.throughput.timing import loop_seconds, warm_up
from bench.util.tf32 import matmul_precision


@dataclass(frozen=True)
class Ceilings:
    """flops: floating-point operations a second by precision. bandwidth: bytes a second, read plus written."""

    flops: dict[str, float]
    bandwidth: float

    def share(self, cost: Cost, precision: str, seconds: float) -> tuple[float, str]:
        """(share of the roofline that a batch of ``seconds`` reaches, which side binds: compute or memory).

        The roofline (Williams et al. 2009): no batch can take less than its operations at the machine's rate,
        nor less than its bytes at the machine's bandwidth. NaN and "" where the cost is not known.
        """
        if not cost.flops or precision not in self.flops:
            return math.nan, ""
        compute, memory = cost.flops / self.flops[precision], cost.bytes / self.bandwidth
        return max(compute, memory) / seconds, "compute" if compute >= memory else "memory"


def measure_ceilings(device: str, precisions: list[str], seconds: float = 1.0) -> Ceilings:
    """Best of several products of square matrices (side 1024 on the CPU, 8192 on a GPU), 3 x 3 convolutions and
    copies (64 MiB, 1 GiB).

    Products alone are no ceiling: on a CPU they and convolutions come from different libraries, and either may be
    the faster by a half.
    """
    gpu = device.startswith("cuda")
    side, megabytes = (8192, 1024) if gpu else (1024, 64)
    share = seconds / (2 * len(precisions) + 1)
    flops = {
        p: max(peak(make(device, p, side), device, p, share) for make in (product, convolution)) for p in precisions
    }
    source = torch.empty(megabytes << 20, dtype=torch.uint8, device=device).fill_(1)
    target = torch.empty_like(source)
    copy_s = best(lambda: target.copy_(source), device, "fp32", share)
    return Ceilings(flops, 2 * source.numel() / copy_s)


Work = tuple[Callable[[], Any], int]
"""A call and its floating-point operations."""


def peak(work: Work, device: str, precision: str, seconds: float) -> float:
    """Operations a second of the fastest call."""
    call, operations = work
    return operations / best(call, device, precision, seconds)


def product(device: str, precision: str, side: int) -> Work:
    """A product of two side x side matrices to be timed, and its floating-point operations, 2 side³."""
    dtype = dtype_of(precision)
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(a)
    return lambda: torch.mm(a, b, out=out), 2 * side**3


def convolution(device: str, precision: str, side: int) -> Work:
    """3 x 3 over a quarter of ``side`` channels, at 32 x 32 pixels, channels last."""
    dtype, channels = dtype_of(precision), side // 4
    x, w = (
        torch.randn(*shape, device=device).to(dtype).contiguous(memory_format=torch.channels_last)
        for shape in ((8, channels, 32, 32), (channels, channels, 3, 3))
    )
    return lambda: torch.nn.functional.conv2d(x, w, padding=1), 2 * 9 * 8 * 32 * 32 * channels**2


def best(call: Callable[[], Any], device: str, precision: str, seconds: float) -> float:
    """Seconds of the fastest call: a ceiling is what was reached once, not what is usual."""
    with torch.inference_mode(), matmul_precision(precision):
        if device.startswith("cuda"):
            call()  # loads libraries, for seconds
        first = loop_seconds(call, [()], 1, device)
        if first > 4 * seconds:  # fp16 on most CPUs: minutes would not make it fast
            return first
        once, _ = warm_up(call, [()], device, seconds / 4)
        count = max(3, min(50, int(seconds / 2 / max(once, 1e-6))))
        inner = 10 if device.startswith("cuda") else 1
        return min([once, *(loop_seconds(call, [()], inner, device) / inner for _ in range(count))])
