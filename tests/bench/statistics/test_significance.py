"""Paired tests against SciPy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.statistics.significance import effect_size, exact_flip_p, saddlepoint_flip_p, sign_flip_p, wilcoxon_p


def flipped_by_scipy(values: np.ndarray) -> float:
    found = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    return float(found.pvalue)


@pytest.mark.parametrize("shift", [0.0, 0.4, 1.5])
def test_the_exact_permutation_p_is_scipys(shift: float) -> None:
    values = np.random.default_rng(1).normal(shift, 1, 10)
    assert sign_flip_p(values[:, None])[0] == pytest.approx(flipped_by_scipy(values))


@pytest.mark.parametrize(("count", "shift"), [(15, 0.1), (15, 0.7), (18, 0.3), (18, 1.0)])
def test_the_saddlepoint_p_is_the_exact_one_within_a_tenth(count: int, shift: float) -> None:
    values = np.random.default_rng(2).normal(shift, 1, count)
    assert saddlepoint_flip_p(values[:, None])[0] == pytest.approx(exact_flip_p(values), rel=0.1)


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


def test_wilcoxon_leaves_out_pictures_without_a_value() -> None:
    values = np.random.default_rng(6).normal(size=(30, 1))
    holed = np.concatenate([values, np.full((5, 1), np.nan)])
    assert wilcoxon_p(holed)[0] == wilcoxon_p(values)[0]


def test_effect_size_by_hand() -> None:
    # Mean 2, deviations -1, 0, 1: standard deviation 1.
    assert effect_size(np.array([[1.0], [2.0], [3.0], [np.nan]]))[0] == pytest.approx(2.0)
    assert np.isnan(effect_size(np.array([[1.0]]))[0])
