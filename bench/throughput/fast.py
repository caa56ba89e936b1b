"""The fastest way of running a network whose pictures stay with eager fp32's."""

from __future__ import annotations

from collections.abc import Sequence

from bench.throughput.faithful import mark
from bench.throughput.measure import measure
from bench.throughput.subjects import Subject


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
    """(precision, mode) to run a network in: measures what suits the device and takes the fastest that keeps
    the pictures. Give the trained network: rounding shows in real fills, not in an untrained network's grey."""
    frame = measure(
        [subject], device=device, resolution=resolution, batches=[batch], seconds=seconds, modes=modes,
        precisions=precisions,
    )  # fmt: skip
    chosen = frame[mark(frame) & (frame["variant"] == subject.name)]
    if not len(chosen):  # nothing was compared in the time
        return "fp32", "eager"
    return str(chosen["precision"].iloc[0]), str(chosen["mode"].iloc[0])
