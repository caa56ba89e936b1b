"""Paired tests against SciPy and by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from bench.statistics.significance import effect_size, holm, saddlepoint_flip_p, sign_flip_p, wilcoxon_p


def flipped_by_scipy(values: np.ndarray) -> float:
    found = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    return float(found.pvalue)


def enumerated(values: np.ndarray) -> float:
    """The share of all sign patterns at least as far from zero, from the sums of two halves."""

    def sums(half: np.ndarray) -> np.ndarray:
        return np.array(list(product((-1, 1), repeat=len(half)))) @ half

    middle = len(values) // 2
    every = np.add.outer(sums(values[:middle]), sums(values[middle:]))
    return float(np.mean(np.abs(every) >= np.abs(values.sum()) * (1 - 1e-12)))


@pytest.mark.parametrize("shift", [0.0, 0.4, 1.5])
def test_the_exact_permutation_p_is_scipys(shift: float) -> None:
    values = np.random.default_rng(1).normal(shift, 1, 10)
    assert sign_flip_p(values[:, None])[0] == pytest.approx(flipped_by_scipy(values))


def test_flips_that_fall_short_by_a_hair_are_not_as_far_from_zero() -> None:
    # Of ±1 ± 2e-8 only ++ and −− reach the sum; the other two are 4e-8 nearer. Rounding is much less than that.
    assert sign_flip_p(np.array([[1.0], [2e-8]]))[0] == 0.5


@pytest.mark.parametrize(("count", "shift"), [(15, 0.1), (15, 0.7), (18, 0.3), (18, 1.0)])
def test_the_saddlepoint_p_is_the_exact_one_within_a_tenth(count: int, shift: float) -> None:
    values = np.random.default_rng(2).normal(shift, 1, count)
    assert saddlepoint_flip_p(values[:, None])[0] == pytest.approx(enumerated(values), rel=0.1)


@pytest.mark.parametrize("count", [13, 14, 15, 16])
def test_where_counting_ends_and_the_formula_begins_p_is_still_that_of_all_flips(count: int) -> None:
    values = np.random.default_rng(2).normal(0, 1, count)
    for shift in (-0.2, 0.05, 0.3):
        shifted = values - values.mean() + shift
        tolerance = 1e-9 if count <= 14 else 0.03
        assert sign_flip_p(shifted[:, None])[0] == pytest.approx(enumerated(shifted), rel=tolerance)


def test_from_no_difference_to_a_clear_one_the_formula_is_within_2_percent() -> None:
    values = np.random.default_rng(2).normal(0, 1, 18)
    for shift in (0.002, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5):
        shifted = values - values.mean() + shift
        assert sign_flip_p(shifted[:, None])[0] == pytest.approx(enumerated(shifted), rel=0.02)
        assert sign_flip_p(-shifted[:, None])[0] == sign_flip_p(shifted[:, None])[0]


@pytest.mark.parametrize("small", [-0.3, -0.1, -0.02])
def test_one_picture_that_leans_the_other_way_a_little_is_between_all_flips_and_none(small: float) -> None:
    values = np.random.default_rng(2).uniform(0.5, 2, 16)
    values[0] = small
    # All sums that reach it: every sign kept, the small one turned, and both of these mirrored.
    assert enumerated(values) == 4 / 2**16
    found = sign_flip_p(values[:, None])[0]
    assert 2 / 2**16 <= found <= 4 / 2**16
    if small != -0.1:
        assert found > 2.1 / 2**16  # not all lean one way


@pytest.mark.parametrize("count", [2, 14, 16, 40])
def test_differences_that_cancel_are_p_one(count: int) -> None:
    values = np.tile([1.5, -1.5], count // 2)
    assert sign_flip_p(values[:, None])[0] == 1
    if count > 14:  # by the formula, next to nothing left is next to one
        values[0] += 1e-7
        assert sign_flip_p(values[:, None])[0] == pytest.approx(1, abs=1e-6)


def test_pictures_that_do_not_differ_do_not_count() -> None:
    values = np.random.default_rng(7).normal(0.3, 1, 12)
    padded = np.concatenate([values, np.full(30, 5e-10), np.full(30, -5e-10)])
    assert sign_flip_p(padded[:, None])[0] == pytest.approx(enumerated(values))
    assert wilcoxon_p(padded[:, None])[0] == pytest.approx(stats.wilcoxon(values, method="exact").pvalue)


def test_small_differences_are_no_ties() -> None:
    values = np.random.default_rng(8).uniform(4e-5, 6e-5, (20, 1))
    assert sign_flip_p(np.full((20, 1), 5e-5))[0] == pytest.approx(2 / 2**20)
    assert wilcoxon_p(values)[0] == pytest.approx(2 / 2**20)
    assert effect_size(values)[0] == pytest.approx(values.mean() / values.std(ddof=1))


def test_many_images_agree_with_the_t_test_far_into_the_tail() -> None:
    values = np.random.default_rng(3).normal(0.15, 1, (2000, 1))
    expected = stats.ttest_1samp(values[:, 0], 0).pvalue
    assert expected < 1e-8
    assert np.log(sign_flip_p(values)[0]) == pytest.approx(np.log(expected), rel=0.05)


def test_under_no_difference_p_below_five_percent_comes_five_times_in_100() -> None:
    values = np.random.default_rng(4).standard_t(4, size=(30, 4000))
    assert np.mean(sign_flip_p(values) < 0.05) == pytest.approx(0.05, abs=0.012)


def test_images_that_all_lean_one_way_have_the_smallest_p_there_is() -> None:
    assert sign_flip_p(np.ones((20, 1)))[0] == pytest.approx(2 / 2**20)
    assert sign_flip_p(np.ones((5, 1)))[0] == pytest.approx(2 / 2**5)


def test_p_is_never_zero_however_many_lean_one_way() -> None:
    assert 0 < sign_flip_p(np.ones((3000, 1)))[0] < 1e-290


def test_no_difference_at_all_is_p_one() -> None:
    assert sign_flip_p(np.zeros((30, 1)))[0] == 1
    assert wilcoxon_p(np.zeros((30, 1)))[0] == 1
    assert effect_size(np.zeros((30, 1)))[0] == 0


@pytest.mark.parametrize("count", [6, 20, 50])
def test_wilcoxon_of_few_is_scipys_exact_p(count: int) -> None:
    values = np.random.default_rng(count).normal(0.3, 1, (count, 2))
    expected = [stats.wilcoxon(column, method="exact").pvalue for column in values.T]
    assert wilcoxon_p(values) == pytest.approx(expected)


def test_wilcoxon_of_many_and_of_ties_is_scipys_normal_p() -> None:
    rng = np.random.default_rng(5)
    many = rng.normal(0.1, 1, (400, 1))
    assert wilcoxon_p(many)[0] == pytest.approx(stats.wilcoxon(many[:, 0], method="asymptotic").pvalue)
    ties = rng.integers(-3, 5, (90, 1)).astype(float)
    assert wilcoxon_p(ties)[0] == pytest.approx(stats.wilcoxon(ties[:, 0], method="asymptotic").pvalue)


def test_wilcoxon_of_few_with_ties_is_scipys_normal_p() -> None:
    values = np.array([1.0, 2, 2, -2, 3, 3, 4, -5, 5, 6, 7, 7])[:, None]
    assert wilcoxon_p(values)[0] == pytest.approx(stats.wilcoxon(values[:, 0], method="asymptotic").pvalue)


def test_wilcoxon_of_ranks_that_balance_is_one() -> None:
    # Ranks 1 and 2 against 3: five of eight patterns reach a sum of 3 or less, twice that is more than one.
    assert wilcoxon_p(np.array([[1.0], [2.0], [-3.0]]))[0] == 1


def test_wilcoxon_leaves_out_pictures_without_a_value() -> None:
    values = np.random.default_rng(6).normal(size=(30, 1))
    holed = np.concatenate([values, np.full((5, 1), np.nan)])
    assert wilcoxon_p(holed)[0] == wilcoxon_p(values)[0]


def test_effect_size_by_hand() -> None:
    # Mean 2, deviations -1, 0, 1: standard deviation 1.
    assert effect_size(np.array([[1.0], [2.0], [3.0], [np.nan]]))[0] == pytest.approx(2.0)
    assert effect_size(np.array([[-1.0], [-2.0], [-3.0]]))[0] == pytest.approx(-2.0)
    assert np.isnan(effect_size(np.array([[2.0], [2.0]]))[0])
    assert np.isnan(effect_size(np.array([[1.0]]))[0])
    assert np.isnan(effect_size(np.array([[0.0]]))[0])


def test_holm_by_hand() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1: 0.02, 0.03, 0.06, 0.04, and never less than the one before.
    found = holm(np.array([0.01, 0.04, 0.03, 0.005, np.nan]))
    assert found[:4] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert np.isnan(found[4])
    assert holm(np.array([0.6, 0.9])) == pytest.approx([1.0, 1.0])
