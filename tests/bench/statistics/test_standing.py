"""What methods are put in order by: by hand, for every direction."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from bench.metrics.declaration import Metric
from bench.statistics.standing import distance, standing

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
