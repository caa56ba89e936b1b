"""Which ways of running a network keep the pictures of eager fp32, which of those is the fastest, and the ranking."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bench.gate.speed import CALIBRATION

if TYPE_CHECKING:
    import pandas as pd

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


def ranks(frame: pd.DataFrame) -> pd.Series:
    """The place of each method's ``fast`` row among those of its (device, resolution, batch), NaN in other rows.

    A method whose interval overlaps that of the first of a place shares it: 1, 1, 3. Two networks of one
    architecture differ by chance alone, and an order of theirs would be another at the next measuring.
    """
    import pandas as pd

    found = pd.Series(math.nan, index=frame.index, dtype=float)
    chosen = frame[frame["fast"] & (frame["variant"] != CALIBRATION)]
    for _, rows in chosen.groupby(["device", "resolution", "batch"]):
        place, floor = 0, math.inf
        for number, (index, row) in enumerate(rows.sort_values("images_per_s", ascending=False).iterrows(), 1):
            if not row["images_per_s_high"] >= floor:
                place, floor = number, row["images_per_s_low"]
            found[index] = place
    return found
