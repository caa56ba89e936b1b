"""The fastest way of running a method whose pictures stay with eager fp32's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bench.throughput.equivalence import mark
from bench.throughput.measure import measure
from bench.throughput.settings import Setting
from bench.throughput.subjects import Call, Subject, prepare
from bench.util.tf32 import matmul_precision
from variants.method import Method


@dataclass(frozen=True)
class Fastest:
    """Call it with pictures, uint8 (N, H, W, 3), and holes, bool (N, H, W), on the device, N and sides as measured:
    gives the filled pictures, uint8 (N, H, W, 3)."""

    precision: str
    mode: str
    call: Call

    def __call__(self, images: Tensor, holes: Tensor) -> Any:
        with torch.inference_mode(), matmul_precision(self.precision):
            return self.call(images, holes)


def fastest(method: Method, *, device: str, resolution: int, batch: int, seconds: float = 10.0) -> Fastest:
    """Measure what suits the device, and make the fastest that keeps the pictures.

    Give a trained network: rounding shows in real fills, not in an untrained network's grey. References and functions
    stay on the CPU, as they are.
    """
    subject = Subject.of(method)
    if subject.network is None:
        return Fastest("fp32", "eager", prepare(subject, Setting("cpu", "fp32", "eager", resolution, batch)))
    precision, mode = choose(subject, device=device, resolution=resolution, batch=batch, seconds=seconds)
    return Fastest(precision, mode, prepare(subject, Setting(device, precision, mode, resolution, batch)))


def choose(
    subject: Subject,
    *,
    device: str,
    resolution: int,
    batch: int,
    seconds: float = 10.0,
    modes: Sequence[str] | None = None,
    precisions: Sequence[str] | None = None,
) -> tuple[str, str]:
    """(precision, mode) to run a network in: the fastest of those measured that keeps the pictures."""
    frame = measure(
        [subject], device=device, resolution=resolution, batches=[batch], seconds=seconds, modes=modes,
        precisions=precisions,
    )  # fmt: skip
    chosen = frame[mark(frame) & (frame["variant"] == subject.name)]
    if not len(chosen):  # nothing was compared in the time
        return "fp32", "eager"
    return str(chosen["precision"].iloc[0]), str(chosen["mode"].iloc[0])
