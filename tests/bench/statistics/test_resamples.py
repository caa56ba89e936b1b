"""Resamples one by one: the very draws in a plain loop, tails read and scaled, and what is merged or left out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.statistics import intervals as module
from bench.statistics.intervals import FEW, GROUPS, Resampled, intervals, merged, resample, student, tails, weights

DRAWS = 60


def looped(sums: np.ndarray, counts: np.ndarray, seed: int) -> np.ndarray:
    """(mean* - mean) / error* of each resample of one column, sorted; NaN where all that is drawn agrees."""
    used = (counts > 0).sum()
    mean = sums.sum() / counts.sum()
    found = []
    for drawn in np.concatenate(list(weights(len(sums), DRAWS, seed))).astype(int):
        s, c = np.repeat(sums, drawn), np.repeat(counts, drawn)
        own = s.sum() / c.sum()
        apart = ((s - own * c) ** 2).sum()
        error = np.sqrt(apart * used / (used - 1)) / c.sum()
        found.append((own - mean) / error if apart > 1e-9 else np.nan)
    return np.sort(found)


def columns(case: str) -> tuple[np.ndarray, np.ndarray]:
    """Two columns of sums and counts, 24 clusters."""
    rng = np.random.default_rng(3)
    values = rng.exponential(size=(24, 2)) + 1
    counts = np.ones((24, 2))
    if case == "one cluster far off":
        values[0] = [40.0, -40.0]
    if case == "nearly all equal":
        values = np.zeros((24, 2))
        values[0], values[1] = 5.0, [1.0, -2.0]
    if case == "empty clusters":
        counts[:15, 0] = 0
        counts[10:, 1] = 0
    if case == "clusters of several sizes":
        counts = rng.integers(0, 5, (24, 2)).astype(float)
    if case == "a size for both columns":
        counts = np.repeat(rng.integers(1, 5, (24, 1)).astype(float), 2, axis=1)
    return values * counts, counts


CASES = [
    "clusters of one row",
    "one cluster far off",
    "nearly all equal",
    "empty clusters",
    "clusters of several sizes",
    "a size for both columns",
]


@pytest.mark.parametrize("case", CASES)
def test_the_resamples_are_those_of_a_plain_loop(case: str) -> None:
    sums, counts = columns(case)
    found = resample(sums, counts, DRAWS, seed=5)
    assert found.busy.all()
    for k in range(2):
        expected = looped(sums[:, k], counts[:, k], 5)
        assert np.isnan(expected).any() == (case == "nearly all equal")
        assert found.ratios[:, k] == pytest.approx(expected, rel=2e-3, abs=2e-4, nan_ok=True)


def test_every_cluster_is_drawn_alike() -> None:
    drawn = np.concatenate(list(weights(5, 4000, seed=1)))
    assert drawn.mean(0) == pytest.approx(np.ones(5), abs=0.06)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99, 0.9999])
def test_a_tail_is_read_where_it_holds_ten_resamples_and_scaled_from_there_beyond(level: float) -> None:
    rng = np.random.default_rng(0)
    ratios = np.sort(rng.standard_t(6, size=(2000, 3)) + np.array([0.0, 0.5, 1.0]), axis=0)
    ratios[-400:, 1] = np.nan
    df = np.array([6.0, 3.0, 40.0])
    lower, upper = tails(ratios.astype(np.float32), np.full(3, level), df)
    tail = (1 - level) / 2
    readable = max(tail, 10 / 2000)
    for k in range(3):
        scale = stats.t.ppf(1 - tail, df[k]) / stats.t.ppf(1 - readable, df[k])
        expected = scale * np.nanquantile(ratios[:, k], [readable, 1 - readable])
        assert [lower[k], upper[k]] == pytest.approx(expected, rel=1e-5)


def test_an_interval_is_never_narrower_than_students_nor_than_its_tails() -> None:
    ratios = np.sort(np.random.default_rng(0).normal(0, [0.1, 5.0], size=(4000, 2)), axis=0)
    one = np.ones(2)
    found = Resampled(10 * one, 2 * one, 9 * one, 10 * one, 10 * one, ratios, one.astype(bool))
    low, high = found.interval(0.9)
    bound = stats.t.ppf(0.95, 9)
    below, above = np.quantile(ratios[:, 1], [0.05, 0.95])
    # A long tail of resamples above stretches the interval below, and the other way round.
    assert low == pytest.approx([10 - 2 * bound, 10 - 2 * above])
    assert high == pytest.approx([10 + 2 * bound, 10 - 2 * below])


def test_every_column_may_have_a_level_of_its_own() -> None:
    rng = np.random.default_rng(1)
    sums, counts = rng.exponential(size=(30, 3)), np.ones((30, 3))
    counts[6:, 0] = sums[6:, 0] = 0  # too few to be resampled
    found = resample(sums, counts, 1000)
    assert found.busy.tolist() == [False, True, True]
    levels = np.array([0.8, 0.99, 0.9])
    low, high = found.interval(levels)
    for k, level in enumerate(levels):
        alone = found.interval(float(level))
        assert (low[k], high[k]) == (alone[0][k], alone[1][k])
    few = sums[:6, 0]
    expected = stats.t.interval(0.8, 5, loc=few.mean(), scale=stats.sem(few))
    assert [low[0], high[0]] == pytest.approx(expected)
    # A long tail stretches the others beyond Student's, though the first is not resampled.
    assert high[1] > stats.t.interval(0.99, 29, loc=sums[:, 1].mean(), scale=stats.sem(sums[:, 1]))[1] + 0.1


@pytest.mark.parametrize("count", [FEW - 1, FEW])
def test_from_eight_clusters_on_resamples_have_a_say(count: int) -> None:
    assert FEW == 8
    values = np.random.default_rng(2).exponential(size=count) ** 3
    found = intervals(values[:, None], np.ones((count, 1)))
    low, high = stats.t.interval(0.95, count - 1, loc=values.mean(), scale=stats.sem(values))
    if count < 8:
        assert [found.low[0], found.high[0]] == pytest.approx([low, high])
    else:
        assert found.low[0] == pytest.approx(low)  # the short tail is Student's
        assert found.high[0] > high + 0.2 * (high - low)


def test_clusters_without_rows_do_not_count() -> None:
    values = np.random.default_rng(4).normal(5, 1, 6)
    sums, counts = np.zeros((40, 1)), np.zeros((40, 1))
    sums[::7, 0], counts[::7, 0] = 3 * values, 3
    found = intervals(sums, counts)
    expected = stats.t.interval(0.95, 5, loc=values.mean(), scale=stats.sem(values))
    assert [found.low[0], found.high[0]] == pytest.approx(expected)
    assert (found.clusters[0], found.rows[0]) == (6, 18)


def test_a_trend_over_the_clusters_is_shuffled_before_they_are_merged() -> None:
    # 6,000 clusters in order: neighbours are alike, and their sums would spread like 2,000 clusters of three alike.
    values = np.sort(np.random.default_rng(6).normal(size=6000))
    found = intervals(values[:, None], np.ones((6000, 1)), resamples=1000)
    low, high = stats.t.interval(0.95, 5999, loc=values.mean(), scale=stats.sem(values))
    assert found.high[0] - found.low[0] == pytest.approx(high - low, rel=0.12)
    assert (found.clusters[0], found.rows[0]) == (6000, 6000)


def test_no_more_clusters_than_resampling_takes_are_left_as_they_are() -> None:
    assert GROUPS == 2000
    values = np.arange(2.0 * GROUPS).reshape(GROUPS, 2)
    assert merged(3, values)[0] is values
    assert len(merged(3, np.ones((GROUPS + 1, 2)))[0]) == GROUPS


def test_a_trace_of_rounding_is_no_error_and_a_small_error_is_one() -> None:
    equal = np.full((7, 1), 0.1) + 0.2
    found = intervals(equal * 3, np.full((7, 1), 3.0))
    assert found.low[0] == found.high[0] == pytest.approx(0.3)
    values = 1000 + np.array([0.001, 0.002, 0.003, 0.005, 0.004])
    expected = stats.t.interval(0.95, 4, loc=values.mean(), scale=stats.sem(values))
    found = intervals(values[:, None], np.ones((5, 1)))
    assert [found.low[0], found.high[0]] == pytest.approx(expected, abs=1e-9)


def test_what_is_known_to_be_zero_has_an_interval_of_zero_even_of_one_cluster() -> None:
    found = resample(np.array([[5e-10, 2.0]]), np.ones((1, 2))).settled(np.array([True, False]))
    low, high = found.interval()
    assert (found.mean[0], low[0], high[0]) == (0, 0, 0)
    assert np.isnan([low[1], high[1]]).all()
    assert found.mean[1] == 2


def test_student_is_scipys_from_one_degree_of_freedom_on() -> None:
    assert student(0.9, 1) == pytest.approx(stats.t.ppf(0.95, 1))
    assert student(0.9, 2.5) == pytest.approx(stats.t.ppf(0.95, 2.5))
    assert np.isnan([student(0.9, 0.5), student(0.9, 0)]).all()


def test_95_percent_of_ten_thousand_resamples_unless_asked_otherwise() -> None:
    assert (module.LEVEL, module.RESAMPLES) == (0.95, 10_000)
