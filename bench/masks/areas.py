"""Bins of hole area, the second axis of every table."""

from __future__ import annotations

import numpy as np

AREA_BINS = ("0–10 %", "10–20 %", "20–30 %", "30–40 %", "40–50 %", "50–60 %", "over 60 %")
"""Every label, from the smallest holes to the largest."""

UPPER = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
"""The upper ends of all bins but the last."""


def area_bin(hole_area: float) -> str:
    """The bin of a hole that covers ``hole_area`` of its picture (0 to 1).

    A bin holds its upper end, as in the irregular masks of Liu et al. (ECCV 2018): exactly half is
    "40–50 %". Raises ValueError for what is no share, NaN included.

    >>> area_bin(0.5), area_bin(0.501)
    ('40–50 %', '50–60 %')
    """
    if not 0 <= hole_area <= 1:
        raise ValueError(f"a hole's area is a share from 0 to 1, not {hole_area}")
    return AREA_BINS[sum(hole_area > upper for upper in UPPER)]


def area_places(hole_area: np.ndarray) -> np.ndarray:
    """The position in AREA_BINS of each share, as :func:`area_bin` has it; -1 for NaN.

    >>> area_places(np.array([0.05, 0.1, 0.7, np.nan])).tolist()
    [0, 0, 6, -1]
    """
    return np.where(np.isnan(hole_area), -1, np.digitize(hole_area, UPPER, right=True))
