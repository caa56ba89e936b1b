"""Intervals of set scores: Student's where the jackknife is known, and which values take part."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.statistics.jackknife import interval
from bench.statistics.summary import set_interval


@pytest.mark.parametrize("count", [2, 20])
@pytest.mark.parametrize("level", [0.95, 0.8])
def test_of_a_plain_mean_with_groups_of_one_it_is_students(count: int, level: float) -> None:
    values = np.random.default_rng(0).normal(5, 2, count)
    left_out = [float(np.delete(values, k).mean()) for k in range(count)]
    expected = stats.t.interval(level, count - 1, loc=values.mean(), scale=stats.sem(values))
    assert interval(float(values.mean()), left_out, level) == pytest.approx(expected)
    if level == 0.95:
        assert interval(float(values.mean()), left_out) == pytest.approx(expected)


def test_it_lies_about_the_value_itself_not_about_what_is_left_without_groups() -> None:
    # Deviations of one about their mean of 4: 2/3 of 2 is the square of the error.
    half = stats.t.ppf(0.975, 2) * np.sqrt(4 / 3)
    assert interval(10.0, [3.0, 4.0, 5.0]) == pytest.approx((10 - half, 10 + half))


def test_a_missing_value_leaves_no_interval() -> None:
    assert np.isnan(interval(1.0, [0.9, np.nan, 1.1])).all()


def test_pooled_mask_types_vary_together_and_one_without_values_leaves_no_interval() -> None:
    one, two = [1.0, 2.0, 3.0], [3.0, 2.0, 1.0]
    assert set_interval(2.0, [one, two]) == (2.0, 2.0)
    assert set_interval(2.0, [one, one]) == interval(2.0, one)
    assert set_interval(2.0, [one, [4.0, 5.0, 9.0]]) == interval(2.0, [2.5, 3.5, 6.0])
    nothing = (None, None)
    for left_out in ([one, None], [None, one], [one, []], [one, [1.0, None, 2.0]], [None]):
        assert set_interval(2.0, left_out) == nothing
    assert set_interval(None, [one]) == nothing
