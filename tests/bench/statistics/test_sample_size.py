"""How many pictures a comparison needs: the first of a plain count, by SciPy's quantiles, at which it is enough."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bench.statistics.sample_size import MOST, pictures_needed, to_decide


def first(difference: float, error: float, images: int, lasting: float, alpha: float, power: float) -> int:
    """Counted up from the least number at which all signs alike are rarer than alpha."""
    count = np.arange(next(n for n in range(1, 100) if 2 / 2**n < alpha), 6000)
    reach = stats.t.ppf(1 - alpha / 2, count - 1) + stats.norm.ppf(power)
    enough = reach * np.sqrt(images * error**2 / count + lasting**2) < abs(difference)
    assert enough.any()
    return int(count[enough.argmax()])


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("difference", "error", "images", "lasting", "alpha", "power"),
    [
        (0.5, 0.1, 100, 0.0, 0.05, 0.8),
        (0.5, 0.2, 25, 0.0, 0.05, 0.8),
        *((difference, 0.1, 100, 0.0, 0.05, 0.8) for difference in (0.75, 0.9, 1.05, 1.2)),
        (0.3, 0.1, 100, 0.05, 0.05, 0.8),
        (0.3, 0.1, 100, 0.0, 0.01, 0.8),
        (0.3, 0.1, 100, 0.0, 0.05, 0.95),
        (5.0, 0.1, 100, 0.0, 0.05, 0.8),
        (5.0, 0.1, 100, 0.0, 1 / 32, 0.8),  # six of one sign are just as rare as that, seven rarer
        (5.0, 0.1, 100, 0.0, 0.001, 0.8),
    ],
)
def test_it_is_the_first_number_that_is_enough(
    sign: int, difference: float, error: float, images: int, lasting: float, alpha: float, power: float
) -> None:
    found = pictures_needed(sign * difference, error, images, lasting, alpha, power)
    assert found == first(difference, error, images, lasting, alpha, power)


def test_unless_asked_otherwise_at_five_percent_four_times_in_five_without_training_noise() -> None:
    assert pictures_needed(0.3, 0.1, 100) == first(0.3, 0.1, 100, 0.0, 0.05, 0.8)
    assert to_decide(0.3, 0.1, 0.1, 100) == first(0.3, 0.1, 100, 0.0, 0.05, 0.8)


@pytest.mark.parametrize(
    ("difference", "error", "lasting"),
    [
        (0.0, 0.1, 0.0),
        (0.0, 0.0, 0.0),
        (0.5, 0.1, 0.2),  # (1.96 + 0.84) x 0.2 is more than 0.5, whatever the pictures
        (math.nan, 0.1, 0.0),
        (0.5, math.nan, 0.0),
        (0.5, math.inf, 0.0),
    ],
)
def test_where_no_number_is_enough_there_is_none(difference: float, error: float, lasting: float) -> None:
    assert pictures_needed(difference, error, 100, lasting) is None


def test_beyond_ten_million_nobody_goes() -> None:
    assert MOST == 10**7
    reach = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    for count in (7e6, 9.99e6, 1.001e7, 3e7):
        found = pictures_needed(reach / math.sqrt(count), 1.0, 1)
        assert found == (pytest.approx(count, rel=1e-5) if count < 1e7 else None)


def test_within_the_tolerance_both_ends_may_fail_half_as_often_and_the_shorter_way_decides() -> None:
    # To show the same, what is left of the tolerance is told from zero nine times in ten.
    for difference in (0.1, -0.1):
        same, told = first(0.3, 0.1, 100, 0.02, 0.05, 0.9), first(0.1, 0.1, 100, 0.02, 0.01, 0.8)
        assert same < told
        assert to_decide(difference, 0.4, 0.1, 100, 0.02, 0.01) == same
    assert to_decide(0.1, 0.4, 0.1, 100, 0.02, 0.01, level=0.99) == first(0.3, 0.1, 100, 0.02, 0.01, 0.9)
    same, told = first(0.05, 0.1, 100, 0.0, 0.05, 0.9), first(0.35, 0.1, 100, 0.0, 0.01, 0.8)
    assert told < same
    assert to_decide(-0.35, 0.4, 0.1, 100, alpha=0.01) == told


def test_without_a_difference_only_the_same_can_be_shown_and_at_the_tolerance_only_the_difference() -> None:
    assert to_decide(0.0, 0.4, 0.1, 100) == first(0.4, 0.1, 100, 0.0, 0.05, 0.9)
    assert to_decide(0.4, 0.4, 0.1, 100) == first(0.4, 0.1, 100, 0.0, 0.05, 0.8)
    assert to_decide(0.9, 0.1, 1.0, 100, lasting=0.2) == first(0.9, 1.0, 100, 0.2, 0.05, 0.8)
    assert to_decide(0.0, 0.0, 0.1, 100) is None
