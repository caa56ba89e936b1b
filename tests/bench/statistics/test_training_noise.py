"""The part of training seeds in intervals and p: two-way analysis of variance, Welch and Satterthwaite by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.statistics.intervals import Seeds, hierarchical, resample, seed_noise, two_sided_p


def scores(seeds: int, images: int, seed_spread: float, noise: float, draw: int = 0) -> np.ndarray:
    """Scores (seeds, images) with an effect of each seed, of each image, and of both together."""
    rng = np.random.default_rng(draw)
    return (
        rng.normal(0, 2, (1, images))
        + seed_spread * rng.normal(size=(seeds, 1))
        + noise * rng.normal(size=(seeds, images))
    )


def interaction(values: np.ndarray) -> float:
    """The mean square of what neither the seed nor the image explains."""
    left = values - values.mean(1, keepdims=True) - values.mean(0) + values.mean()
    return float((left**2).sum() / ((len(values) - 1) * (values.shape[1] - 1)))


def noise_of(values: np.ndarray) -> Seeds:
    return seed_noise(values[..., None], np.ones((*values.shape, 1)))


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_a_sides_noise_is_that_of_a_two_way_analysis_of_variance(seeds: int) -> None:
    values = scores(seeds, 6, 0.5, 1.0)
    found = noise_of(values)
    assert found.known
    assert found.deviations[:, 0] == pytest.approx(values.mean(1) - values.mean())
    assert found.variance[0] == pytest.approx(np.var(values.mean(1), ddof=1) / seeds)
    assert found.image_variance[0] == pytest.approx(interaction(values) / 6)


def test_a_side_of_one_seed_knows_no_noise() -> None:
    found = noise_of(scores(1, 6, 0.5, 1.0))
    assert not found.known
    assert (found.variance[0], found.image_variance[0]) == (0, 0)


def test_pictures_with_more_rows_weigh_more() -> None:
    counts = np.array([1.0, 4.0, 2.0])
    values = np.array([[1.0, 2.0, 6.0], [3.0, 1.0, 2.0]])
    found = seed_noise((values * counts)[..., None], np.stack([counts, counts])[..., None])
    means = (values * counts).sum(1) / 7
    assert found.deviations[:, 0] == pytest.approx(means - means.mean())
    # Each image's weighted departure from its seed's and its own mean; two seeds mirror each other.
    left = (values[0] - values.mean(0) - (means[0] - means.mean())) * counts
    assert found.image_variance[0] == pytest.approx(2 * (left**2).sum() * 3 / 2 / 7**2)


def test_resampled_seeds_spread_as_much_as_the_mean_of_new_seeds_would() -> None:
    # Three seeds one apart: standard deviation 1, of their mean 1/sqrt(3); plain resampling would give 2/9.
    side = Seeds(np.array([[-1.0], [0.0], [1.0]]), np.zeros(1))
    drawn = side.draws(40_000, np.random.default_rng(0))
    assert drawn.var() == pytest.approx(1 / 3, rel=0.03)
    assert drawn.mean() == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("noise", [0.1, 1.0, 4.0])
@pytest.mark.parametrize("seeds", [(3, 2), (4, 1), (2, 5)])
def test_errors_of_images_and_seeds_add_in_squares_with_welchs_freedom(seeds: tuple[int, int], noise: float) -> None:
    ours, theirs = (scores(count, 6, 0.7, noise, draw) for draw, count in enumerate(seeds))
    change = theirs.mean(0) - ours.mean(0)
    found, p = hierarchical(change[:, None], np.ones((6, 1)), (noise_of(ours), noise_of(theirs)))
    # What the seeds' means owe to the images they were scored on is in the images' error already.
    images = stats.sem(change) ** 2
    parts = [(np.var(side.mean(1), ddof=1) / len(side), len(side) - 1) for side in (ours, theirs) if len(side) > 1]
    twice = sum(interaction(side) / 6 / len(side) for side in (ours, theirs) if len(side) > 1)
    parts.append((max(images - twice, 0.0), 5))
    total = sum(variance for variance, _ in parts)
    df = total**2 / sum(variance**2 / freedom for variance, freedom in parts)
    assert found.df[0] == pytest.approx(df)
    low, high = found.interval(0.9)
    expected = stats.t.interval(0.9, df, loc=change.mean(), scale=np.sqrt(total))
    assert [low[0], high[0]] == pytest.approx(expected)
    assert p[0] == pytest.approx(2 * stats.t.sf(abs(change.mean()) / np.sqrt(total), df))


def test_seeds_that_explain_more_than_the_images_spread_leave_the_images_nothing() -> None:
    # What the first side's seeds make of single images cancels over its seeds: the change is the same everywhere.
    apart = np.outer([1.0, -1.0, 0.0], [2.0, -2.0, 1.0, -1.0, 3.0, -3.0])
    ours, theirs = np.array([0.3, -0.2, 0.6]), np.array([1.0, 1.9, 1.2])
    sides = (noise_of(5 + ours[:, None] + apart), noise_of(5 + theirs[:, None] + np.zeros((3, 6))))
    assert sides[0].image_variance[0] > 0.5
    found, p = hierarchical(np.full((6, 1), theirs.mean() - ours.mean()), np.ones((6, 1)), sides)
    welch = stats.ttest_ind(theirs, ours, equal_var=False)
    assert found.df[0] == pytest.approx(welch.df)
    assert p[0] == pytest.approx(welch.pvalue)


def test_another_seed_draws_other_training_seeds() -> None:
    change = np.random.default_rng(0).normal(0, 1e-7, (20, 1))  # so little that the drawn seeds are all that is seen
    side = Seeds(np.array([[-1.0], [0.0], [1.0]]), np.zeros(1))
    first, again, other = (hierarchical(change, np.ones((20, 1)), (side,), 500, seed)[0].ratios for seed in (1, 1, 2))
    assert (first == again).all()
    assert np.abs(first - other).max() > 0.1


@pytest.mark.parametrize("seed_spread", [0.0, 3.0])
def test_resamples_draw_images_and_seeds(seed_spread: float) -> None:
    rng = np.random.default_rng(3)
    change = rng.exponential(size=20) ** 2
    means = seed_spread * np.array([-1.0, 0.0, 1.0])
    side = Seeds(means[:, None], np.zeros(1))
    found, _ = hierarchical(change[:, None], np.ones((20, 1)), (side,), resamples=20_000)
    images = resample(change[:, None], np.ones((20, 1)), 20_000)
    error, total = stats.sem(change), np.hypot(stats.sem(change), np.sqrt(np.var(means, ddof=1) / 3))
    # An independent sum: the images' studentised shifts in their own units, and seeds drawn with replacement.
    drawn = rng.choice(means, size=(20_000, 3)).mean(1) * np.sqrt(3 / 2)
    shifts = rng.permutation(images.ratios[:, 0]) * error + drawn
    wanted = np.quantile(shifts / total, [0.05, 0.25, 0.75, 0.95])
    assert np.quantile(found.ratios[:, 0], [0.05, 0.25, 0.75, 0.95]) == pytest.approx(wanted, abs=0.06)


def test_columns_do_not_borrow_each_others_noise() -> None:
    rng = np.random.default_rng(5)
    change = rng.normal(size=(20, 3))
    change[:, 1] = 0.4  # no error of images: not resampled, Student alone
    deviations = np.array([[-1.0, -2.0, 4.0], [0.5, 2.0, 0.0], [0.5, 0.0, -4.0]])
    side = Seeds(deviations, np.array([0.01, 0.0, 0.02]))
    found, _ = hierarchical(change, np.ones((20, 3)), (side,), resamples=500)
    low, high = found.interval()
    for k in range(3):
        one = Seeds(deviations[:, [k]], side.image_variance[[k]])
        alone, _ = hierarchical(change[:, [k]], np.ones((20, 1)), (one,), resamples=500)
        assert found.error[k] == pytest.approx(alone.error[0])
        assert found.df[k] == pytest.approx(alone.df[0])
        assert high[k] - low[k] == pytest.approx(np.subtract(*alone.interval()[::-1])[0], rel=0.15)


def test_p_is_two_sided_and_one_where_nothing_is_known() -> None:
    values = np.array([[0.4, -0.4, 0.0], [1.0, -1.0, 0.0], [0.1, -0.1, 0.0], [0.9, -0.9, 0.0]])
    found = two_sided_p(resample(values, np.ones_like(values)))
    expected = stats.ttest_1samp(values[:, 0], 0).pvalue
    assert found == pytest.approx([expected, expected, 1])
    assert two_sided_p(resample(np.ones((1, 1)), np.ones((1, 1)))).tolist() == [1]


def test_where_neither_images_nor_seeds_differ_the_change_is_certain() -> None:
    found, p = hierarchical(np.full((6, 1), 0.25), np.ones((6, 1)), (Seeds(np.zeros((2, 1)), np.zeros(1)),))
    assert np.ravel(found.interval()).tolist() == [0.25, 0.25]
    assert p.tolist() == [1], "no error, no test"


@pytest.mark.parametrize("apart", [0.1, 0.3, 0.7, 1.9])
def test_two_seeds_that_are_all_that_differs_have_one_degree_of_freedom(apart: float) -> None:
    side = noise_of(np.array([0.0, apart])[:, None] + np.zeros((2, 6)))
    found, p = hierarchical(np.full((6, 1), 2.0), np.ones((6, 1)), (side,))
    expected = stats.t.interval(0.95, 1, loc=2, scale=stats.sem([0.0, apart]))
    assert np.ravel(found.interval()) == pytest.approx(expected)
    assert p[0] == pytest.approx(2 * stats.t.sf(2 / stats.sem([0.0, apart]), 1))
