"""Which ways of running a network keep the pictures of eager fp32, and which of those is the fastest."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

SHARE = 0.999
"""Share of the pixels that may differ by one level at most in every channel, for the pictures to count as the same."""


def mark(frame: pd.DataFrame) -> pd.Series:
    """True in the row of each (variant, device, resolution, batch) that is the fastest with the same pictures.

    Eager fp32, a few pictures at a time, is what all are held against: in small batches it is right by definition. Any
    other row that was not compared is never chosen.
    """
    import pandas as pd

    plain = (frame["precision"] == "fp32") & (frame["mode"] == "eager")
    same = frame[(plain & frame["within_one_level"].isna()) | (frame["within_one_level"] >= SHARE)]
    chosen = same.groupby(["variant", "device", "resolution", "batch"])["images_per_s"].idxmax()
    return pd.Series(frame.index.isin(chosen), index=frame.index)
