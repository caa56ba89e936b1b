"""Intervals against SciPy, against loops written here, and against known truths."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from threadpoolctl import threadpool_limits

from bench.statistics.intervals import (
    GROUPS,
    Seeds,
    hierarchical,
    inside,
    intervals,
    merged,
    resample,
    seed_noise,
    weights,
)


def column(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums and counts of one column, one row a cluster."""
    return values[:, None], np.ones((len(values), 1))


def looped_bootstrap_t(sums: np.ndarray, counts: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The bootstrap-t of a mean of clustered rows, written as a textbook would: one resample after another."""
    rng = np.random.default_rng(99)
    n, mean = len(sums), sums.sum() / counts.sum()

    def error(s: np.ndarray, c: np.ndarray) -> float:
        m = s.sum() / c.sum()
        return np.sqrt(((s - m * c) ** 2).sum() * n / (n - 1)) / c.sum()

    ratios = []
    for _ in range(20_000):
        drawn = rng.integers(0, n, n)
        s, c = sums[drawn], counts[drawn]
        ratios.append((s.sum() / c.sum() - mean) / error(s, c))
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    bound = stats.t.ppf((1 + level) / 2, n - 1)
    own = error(sums, counts)
    return mean - max(high, bound) * own, mean - min(low, -bound) * own


def test_a_resample_draws_as_many_clusters_as_there_are() -> None:
    drawn = np.concatenate(list(weights(40, 1200, seed=1)))
    assert drawn.shape == (1200, 40)
    assert (drawn.sum(1) == 40).all()
    # Multinomial counts: mean 1, variance 1 - 1/n.
    assert drawn.mean() == 1
    assert drawn.var() == pytest.approx(1 - 1 / 40, abs=0.03)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    data = column(np.random.default_rng(0).exponential(size=30))
    first, again, other = intervals(*data, seed=5), intervals(*data, seed=5), intervals(*data, seed=6)
    assert first.low == again.low
    assert first.high == again.high
    assert first.low != other.low or first.high != other.high


def test_the_interval_is_the_textbook_bootstrap_t() -> None:
    values = np.random.default_rng(3).exponential(size=25)
    low, high = looped_bootstrap_t(values, np.ones(25))
    found = intervals(*column(values))
    width = high - low
    assert found.low[0] == pytest.approx(low, abs=0.04 * width)
    assert found.high[0] == pytest.approx(high, abs=0.04 * width)


def test_clusters_of_unequal_size_weigh_by_their_rows() -> None:
    rng = np.random.default_rng(4)
    counts = rng.integers(1, 7, 30).astype(float)
    sums = counts * rng.normal(2, 1, 30) + rng.normal(0, 1, 30)
    found = intervals(sums[:, None], counts[:, None])
    assert found.mean[0] == pytest.approx(sums.sum() / counts.sum())
    low, high = looped_bootstrap_t(sums, counts)
    assert found.low[0] == pytest.approx(low, abs=0.04 * (high - low))
    assert found.high[0] == pytest.approx(high, abs=0.04 * (high - low))


@pytest.mark.parametrize("size", [150, 3 * GROUPS])
def test_many_clusters_agree_with_scipys_bootstrap(size: int) -> None:
    values = np.random.default_rng(7).gamma(2.0, size=size)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, batch=200, rng=np.random.default_rng(1))
    ours = intervals(*column(values))
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert ours.low[0] == pytest.approx(theirs.confidence_interval.low, abs=0.08 * width)
    assert ours.high[0] == pytest.approx(theirs.confidence_interval.high, abs=0.08 * width)


def test_one_cluster_has_a_mean_and_no_interval() -> None:
    found = intervals(np.array([[6.0]]), np.array([[3.0]]))
    assert found.mean[0] == 2.0
    assert np.isnan(found.low[0])
    assert np.isnan(found.high[0])


def test_a_column_without_rows_is_nan_and_leaves_the_others_alone() -> None:
    values = np.random.default_rng(0).normal(size=20)
    sums = np.stack([values, np.zeros(20)], axis=1)
    counts = np.stack([np.ones(20), np.zeros(20)], axis=1)
    found = intervals(sums, counts)
    assert np.isnan(found.mean[1])
    assert found.rows[1] == 0
    assert np.isfinite([found.low[0], found.high[0]]).all()


def test_equal_differences_have_an_interval_of_no_width() -> None:
    found = intervals(*column(np.full(30, 0.3)))
    assert found.low[0] == found.high[0] == pytest.approx(0.3)


def test_two_changed_pictures_among_twenty_give_a_finite_interval_that_holds_zero() -> None:
    values = np.zeros(20)
    values[:2] = [-3.0, -2.0]
    found = intervals(*column(values))
    assert np.isfinite([found.low[0], found.high[0]]).all()
    assert found.high[0] > 0


@pytest.mark.parametrize(("draw", "truth"), [("normal", 0.0), ("exponential", 1.0), ("laplace", 0.0)])
def test_at_twenty_images_the_truth_is_covered_93_to_97_times_in_100(draw: str, truth: float) -> None:
    # Columns are independent data sets: 3,000 comparisons at once. The binomial error is 0.4 points.
    values = getattr(np.random.default_rng(12), draw)(size=(20, 3000))
    found = intervals(values, np.ones_like(values), resamples=2000)
    covered = np.mean((found.low <= truth) & (truth <= found.high))
    assert 0.93 <= covered <= 0.97


def test_masks_of_one_image_are_not_taken_for_independent_pictures() -> None:
    rng = np.random.default_rng(13)
    image = rng.normal(size=(25, 1, 2000))
    rows = image + 0.3 * rng.normal(size=(25, 6, 2000))
    clustered = intervals(rows.sum(1), np.full((25, 2000), 6.0), resamples=1000)
    assert 0.93 <= np.mean((clustered.low <= 0) & (clustered.high >= 0)) <= 0.97


def test_merging_keeps_sums_and_every_cluster_once() -> None:
    sums, counts = np.random.default_rng(0).normal(size=(5001, 2)), np.ones((5001, 2))
    few_sums, few_counts = merged(0, sums, counts)
    assert len(few_sums) == GROUPS
    assert few_sums.sum(0) == pytest.approx(sums.sum(0))
    assert few_counts.sum(0).tolist() == [5001, 5001]
    assert set(few_counts[:, 0]) == {2.0, 3.0}


def trained_sides(
    rng: np.random.Generator, seeds: tuple[int, int], noise: float, images: int = 40, columns: int = 1500
) -> list[np.ndarray]:
    """Scores (seeds, images, columns) of two equally good variants whose seeds differ by ``noise``."""
    difficulty = 3 * rng.normal(size=(1, images, columns))
    taste = rng.normal(size=(2, 1, images, columns))
    return [
        difficulty
        + 0.7 * taste[side]
        + noise * rng.normal(size=(count, 1, columns))
        + rng.normal(size=(count, images, columns))
        for side, count in enumerate(seeds)
    ]


@pytest.mark.parametrize("noise", [0.05, 0.3])
def test_with_several_seeds_the_interval_covers_training_noise_too(noise: float) -> None:
    ours, theirs = trained_sides(np.random.default_rng(2), (3, 3), noise)
    change = theirs.mean(0) - ours.mean(0)
    ones = np.ones_like(change)
    sides = tuple(seed_noise(side, np.ones_like(side)) for side in (ours, theirs))
    found, p = hierarchical(change, ones, sides, resamples=1000)
    low, high = found.interval()
    assert 0.93 <= np.mean((low <= 0) & (high >= 0)) <= 0.975
    assert np.mean(p < 0.05) <= 0.075
    if noise > 0.1:
        images = intervals(change, ones, resamples=1000)
        assert np.mean((images.low <= 0) & (images.high >= 0)) < 0.9


def test_seeds_that_agree_add_nothing() -> None:
    values = np.random.default_rng(0).normal(size=(30, 4))
    same = np.stack([values, values])
    side = seed_noise(same, np.ones_like(same))
    alone = intervals(values, np.ones_like(values))
    found, _ = hierarchical(values, np.ones_like(values), (side, Seeds(np.zeros((1, 4)), np.zeros(4))))
    low, high = found.interval()
    assert low == pytest.approx(alone.low, rel=1e-3)
    assert high == pytest.approx(alone.high, rel=1e-3)


def test_intervals_do_not_depend_on_the_threads_of_the_linear_algebra() -> None:
    rng = np.random.default_rng(3)
    # From about a thousand clusters on, two threads add up in another order.
    sums, counts = rng.exponential(size=(1000, 4)), np.ones((1000, 4))
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, "blas"):
            found.append(resample(sums, counts, resamples=500).ratios)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(
    ("span", "low", "high", "expected"),
    [
        ((-1.0, 1.0), -0.4, 1.4, (-0.4, 1.0)),
        ((0.0, np.inf), -0.4, 1.4, (0.0, 1.4)),
        ((-np.inf, 0.9), -0.4, 1.4, (-0.4, 0.9)),
        ((0.0, 1.0), 0.3, 0.7, (0.3, 0.7)),
        ((0.6, 1.0), 0.1, 0.9, (0.5, 0.9)),  # scores beyond their span: the mean of 0.5 stays inside
        ((0.0, 0.4), 0.1, 0.9, (0.1, 0.5)),
    ],
)
def test_an_interval_ends_where_no_mean_can_be(
    span: tuple[float, float], low: float, high: float, expected: tuple[float, float]
) -> None:
    found = inside(span, *map(np.asarray, (0.5, low, high)))
    assert tuple(map(float, found)) == expected


def test_nothing_known_stays_unknown() -> None:
    nan = np.array([np.nan])
    assert np.isnan(inside((0.0, 1.0), np.array([0.5]), nan, nan)).all()
