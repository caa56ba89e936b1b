"""The fastest way of running a network whose pictures stay with eager fp32's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from bench.throughput.subjects import Subject

SHARE = 0.999
"""Share of the pixels that may differ by one level at most in every channel, for the pictures to count as the same."""


def mark(frame: pd.DataFrame) -> pd.Series:
    """True in the row of each (variant, device, resolution, batch) that is the fastest with the same pictures.

    Eager fp32 is what the others are held against; a row that was not compared is never chosen over it.
    """
    import pandas as pd

    plain = (frame["precision"] == "fp32") & (frame["mode"] == "eager")
    same = frame[plain | (frame["within_one_level"] >= SHARE)]
    chosen = same.groupby(["variant", "device", "resolution", "batch"])["images_per_s"].idxmax()
    return pd.Series(frame.index.isin(chosen), index=frame.index)


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
    from bench.throughput.measure import measure

    frame = measure(
        [subject], device=device, resolution=resolution, batches=[batch], seconds=seconds, modes=modes,
        precisions=precisions,
    )  # fmt: skip
    chosen = frame[mark(frame) & (frame["variant"] == subject.name)]
    if not len(chosen):  # nothing was compared in the time
        return "fp32", "eager"
    return str(chosen["precision"].iloc[0]), str(chosen["mode"].iloc[0])
