"""The number of pictures that compare and noise ask for, by simulation: with so many, so many repetitions decide."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bench.comparison.compare import verdict
from bench.gate.noise import enough
from bench.statistics import intervals, paired
from bench.statistics.sample_size import pictures_needed, to_decide

REPEATS = 1000

NOISES: dict[str, Callable[[np.random.Generator, tuple[int, int]], np.ndarray]] = {
    "normal": lambda rng, shape: rng.normal(0, 1, shape),
    "heavy tails": lambda rng, shape: rng.standard_t(5, shape) / np.sqrt(5 / 3),
    "skewed": lambda rng, shape: rng.exponential(1, shape) - 1,
}


def decided(draw: Callable, images: int, difference: float, tolerance: float, only: str = "") -> float:
    """The share of repetitions with a verdict (``only``: that one) where the true difference is this, in spreads."""
    rng = np.random.default_rng(images)
    sums = draw(rng, (images, REPEATS)) + difference
    found, p = paired.resampled(sums, np.ones_like(sums), np.ones(REPEATS, bool), resamples=2000)
    low, high = found.interval(intervals.LEVEL)
    verdicts = [verdict(low[k], high[k], tolerance, p[k]) for k in range(REPEATS)]
    return float(np.mean([v == only if only else v != "undecided" for v in verdicts]))


@pytest.mark.parametrize("kind", NOISES)
@pytest.mark.parametrize("difference", [0.8, 0.3, 0.15])
def test_a_difference_as_seen_is_decided_in_about_80_of_100(kind: str, difference: float) -> None:
    count = to_decide(difference, tolerance=0.01, image_error=0.1, images=100)
    assert count is not None
    assert 0.76 < decided(NOISES[kind], count, difference, 0.01, "better") < (1 if kind == "skewed" else 0.86)
    assert decided(NOISES[kind], max(3, count // 2), difference, 0.01) < 0.62


@pytest.mark.parametrize("kind", NOISES)
def test_a_difference_within_the_tolerance_is_shown_to_be_the_same(kind: str) -> None:
    for difference in (0.0, 0.1):
        count = to_decide(difference, tolerance=0.4, image_error=0.1, images=100)
        assert count is not None
        assert decided(NOISES[kind], count, difference, 0.4) > 0.76


@pytest.mark.parametrize("kind", NOISES)
def test_a_difference_as_large_as_the_tolerance_is_shown(kind: str) -> None:
    count = pictures_needed(0.25, image_error=0.05, images=400)
    assert count is not None
    assert 0.76 < decided(NOISES[kind], count, 0.25, 0.25, "better") < 0.88


def test_training_noise_is_not_shrunk_by_pictures() -> None:
    assert pictures_needed(0.5, 0.1, 100, lasting=0.2) is None
    few, more = pictures_needed(0.5, 0.1, 100), pictures_needed(0.5, 0.1, 100, lasting=0.1)
    assert few is not None and more is not None and more > few


@pytest.mark.parametrize("kind", ["normal", "heavy tails"])
def test_with_as_many_pictures_a_drop_of_twice_the_tolerance_is_caught_95_times_in_100(kind: str) -> None:
    tolerance = 0.3
    count = enough(tolerance, floor=0.0, error=0.1, images=100)
    assert count is not None
    rng = np.random.default_rng(3)
    sums = NOISES[kind](rng, (count, REPEATS)) - 2 * tolerance
    found, _ = paired.resampled(sums, np.ones_like(sums), np.ones(REPEATS, bool), resamples=2000)
    _, high = found.interval(intervals.LEVEL)
    caught = float(np.mean(high < -tolerance))
    assert caught > 0.94
