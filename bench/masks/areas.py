"""Bins of hole area, the second axis of every table."""

from __future__ import annotations

AREA_BINS = ("0–10 %", "10–20 %", "20–30 %", "30–40 %", "40–50 %", "50–60 %", "over 60 %")
"""Every label, from the smallest holes to the largest."""

_UPPER = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)


def area_bin(hole_area: float) -> str:
    """The bin of a hole that covers ``hole_area`` of its picture (0 to 1).

    A bin holds its upper end, as in the irregular masks of Liu et al. (ECCV 2018): exactly half is
    "40–50 %". Raises ValueError for what is no share, NaN included.
    """
    if not 0 <= hole_area <= 1:
        raise ValueError(f"a hole's area is a share from 0 to 1, not {hole_area}")
    return AREA_BINS[sum(hole_area > upper for upper in _UPPER)]
