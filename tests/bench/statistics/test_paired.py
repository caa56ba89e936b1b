"""Which interval and which p a difference gets, against SciPy; how blocks of differences are pooled, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.statistics.intervals import Seeds, seed_noise
from bench.statistics.paired import pooled, resampled

ONE_SEED = Seeds(np.zeros((1, 1)), np.zeros(1))
THREE_SEEDS = seed_noise(np.array([0.0, 1.0, 5.0])[:, None, None] + np.zeros((3, 6, 1)), np.ones((3, 6, 1)))
MOVED = np.array([True])


def flip_p(values: np.ndarray) -> float:
    exact = {"permutation_type": "samples", "n_resamples": np.inf, "alternative": "two-sided"}
    return float(stats.permutation_test((values,), np.mean, **exact).pvalue)


@pytest.mark.parametrize("sides", [(), (ONE_SEED,), (ONE_SEED, ONE_SEED)])
def test_without_several_seeds_p_is_that_of_sign_flips(sides: tuple[Seeds, ...]) -> None:
    change = np.array([0.3, 1.0, -0.2, 0.7, 0.9, 0.1])
    found, p = resampled(change[:, None], np.ones((6, 1)), MOVED, sides)
    assert p[0] == pytest.approx(flip_p(change))
    assert found.error[0] == pytest.approx(stats.sem(change))


@pytest.mark.parametrize("sides", [(THREE_SEEDS,), (ONE_SEED, THREE_SEEDS), (THREE_SEEDS, ONE_SEED)])
def test_several_seeds_on_one_side_suffice_for_training_noise(sides: tuple[Seeds, ...]) -> None:
    change = np.full((6, 1), 3.0)  # pictures agree, so all noise is that of the seeds' mean: s / √3, 2 degrees
    found, p = resampled(change, np.ones((6, 1)), MOVED, sides)
    error = stats.sem([0.0, 1.0, 5.0])
    assert found.error[0] == pytest.approx(error)
    assert p[0] == pytest.approx(2 * stats.t.sf(3 / error, 2))


def test_two_pictures_and_several_seeds_have_an_interval() -> None:
    change = np.array([[2.9], [3.1]])
    found, p = resampled(change, np.ones((2, 1)), MOVED, (THREE_SEEDS,))
    images, seeds = stats.sem(change[:, 0]) ** 2, stats.sem([0.0, 1.0, 5.0]) ** 2
    df = (images + seeds) ** 2 / (images**2 / 1 + seeds**2 / 2)
    assert np.ravel(found.interval()) == pytest.approx(stats.t.interval(0.95, df, 3, np.sqrt(images + seeds)))
    assert p[0] == pytest.approx(2 * stats.t.sf(3 / np.sqrt(images + seeds), df))


def test_where_nothing_moved_the_difference_is_zero_for_certain() -> None:
    sums = np.array([[0.0, 0.5, 0.0]])
    found, _ = resampled(sums, np.array([[1.0, 1.0, 0.0]]), np.array([False, True, False]))
    low, high = found.interval()
    assert (found.mean[0], low[0], high[0]) == (0, 0, 0)
    assert found.mean[1] == 0.5
    assert np.isnan([low[1], high[1], low[2], high[2]]).all(), "one picture, and none, have no interval"


def test_draws_and_seed_are_handed_on() -> None:
    change = np.random.default_rng(0).exponential(size=(20, 1))
    ratios = [resampled(change, np.ones((20, 1)), MOVED, (), 300, seed)[0].ratios for seed in (1, 1, 2)]
    assert ratios[0].shape == (300, 1)
    assert (ratios[0] == ratios[1]).all() and (ratios[0] != ratios[2]).any()


def test_a_block_is_one_column_whose_empty_cells_are_not_counted() -> None:
    nan = float("nan")
    first = np.array([[1.0, 2.0], [nan, -4.0], [nan, nan]])
    second = np.array([[0.0], [1e-12], [nan]])
    sums, counts, moved = pooled([first, second])
    assert sums.tolist() == [[3, 0], [-4, 1e-12], [0, 0]]
    assert counts.tolist() == [[2, 1], [1, 1], [0, 0]]
    assert moved.tolist() == [True, False]
