"""What methods are put in order by: by hand, for every direction."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from bench.metrics.declaration import Metric
from bench.statistics.standing import ahead, distance, standing, winners

HIGHER, LOWER = Metric("psnr", direction="higher"), Metric("lpips", direction="lower")
NEAREST = Metric("sharpness", direction="nearest", target=2.0)


def test_distance_is_the_mean_of_how_far_off_each_value_is() -> None:
    # -1, 1, 3, 6 and one without a value: 3, 1, 1 and 4 off a target of 2.
    assert distance(np.array([-1.0, 1.0, np.nan, 3.0, 6.0]), NEAREST) == pytest.approx(9 / 4)
    assert math.isnan(distance(np.array([np.nan, np.inf]), NEAREST))
    assert math.isnan(distance(np.array([]), NEAREST))


@pytest.mark.parametrize(
    ("row", "metric", "expected"),
    [
        ({"mean": 20.0}, HIGHER, 20.0),
        ({"mean": 0.2}, LOWER, -0.2),
        ({"mean": 5.0, "distance": 7.0}, NEAREST, -7.0),
        ({"mean": 5.0, "distance": 0.0}, NEAREST, 0.0),
        ({"mean": 5.0}, NEAREST, -3.0),  # a summary from before distances: of the mean
        ({"mean": 0.0}, HIGHER, 0.0),
    ],
)
def test_a_row_stands_by_its_mean_turned_or_its_distance(row: dict[str, Any], metric: Metric, expected: float) -> None:
    assert standing(row, metric) == expected


def test_what_has_no_value_has_no_standing() -> None:
    assert math.isnan(standing(None, HIGHER))
    assert math.isnan(standing({"mean": None, "distance": 1.0}, NEAREST))


def test_those_who_stand_highest_are_ahead_but_for_rounding_and_not_where_all_do() -> None:
    third = 0.1 + 0.2  # not the same float as 0.3
    assert ahead({"a": 0.3, "b": third, "c": 0.2}) == {"a", "b"}
    assert ahead({"a": 0.3, "b": third}) == ahead({"a": 0.0, "b": -1e-17}) == frozenset()
    assert ahead({"a": 1.0}) == ahead({"a": 1.0, "b": math.nan}) == ahead({}) == frozenset()


def test_a_place_that_all_share_and_pasted_known_pixels_win_nothing() -> None:
    places = [{"side": side, "rank": rank, "mean": mean} for side, rank, mean in (("a", 1, 0.0), ("b", 2, 0.1))]
    known = Metric("drift", region="known", direction="lower", range=(0.0, 1.0))
    assert winners(places, LOWER) == {"a"}
    assert winners(places, known) == frozenset()
    assert winners([*places, {"side": "c", "rank": 3, "mean": 0.2}], known) == {"b"}
    assert winners([{**place, "rank": 1} for place in places], LOWER) == frozenset()
