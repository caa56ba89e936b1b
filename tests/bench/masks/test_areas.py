"""Bins of hole area: which end belongs to which."""

from __future__ import annotations

import numpy as np
import pytest

from bench.masks.areas import AREA_BINS, area_bin, area_places


@pytest.mark.parametrize(
    ("area", "label"),
    [
        (0.0, "0–10 %"),
        (0.0999, "0–10 %"),
        (10 / 100, "0–10 %"),
        (0.1001, "10–20 %"),
        (0.25, "20–30 %"),
        (30 / 100, "20–30 %"),
        (0.4375, "40–50 %"),
        (0.5, "40–50 %"),
        (0.51, "50–60 %"),
        (60 / 100, "50–60 %"),
        (0.6001, "over 60 %"),
        (1.0, "over 60 %"),
    ],
)
def test_a_bin_holds_its_upper_end(area: float, label: str) -> None:
    assert area_bin(area) == label


def test_every_label_is_listed_in_order() -> None:
    assert [area_bin(share) for share in (0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65)] == list(AREA_BINS)


def test_many_areas_are_placed_as_one_is_and_none_where_there_is_none() -> None:
    areas = [0.0, 0.0999, 0.1, 0.1001, 0.2, 0.25, 0.3, 0.4, 0.5, 0.51, 0.6, 0.6001, 1.0, float("nan")]
    assert area_places(np.array(areas)).tolist() == [0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 5, 6, 6, -1]


@pytest.mark.parametrize("area", [float("nan"), -0.1, 1.1])
def test_what_is_no_share_is_refused(area: float) -> None:
    with pytest.raises(ValueError, match="share from 0 to 1"):
        area_bin(area)
