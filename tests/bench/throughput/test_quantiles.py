"""Intervals and percentiles of timings, against the binomial distribution of SciPy and by simulation."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from bench.throughput.quantiles import median_interval, quantile, samples_needed


def test_percentiles_of_too_few_samples_are_refused():
    # 99 % confidence that two samples lie beyond: the count below must fail it, the count itself pass.
    for q, count in ((0.99, 662), (0.9, 64), (0.5, 11)):
        assert samples_needed(q) == count
        assert binom.sf(1, count, 1 - q) >= 0.99 > binom.sf(1, count - 1, 1 - q)


def test_a_p99_of_661_samples_is_refused():
    samples = [float(k) for k in range(661)]
    assert math.isnan(quantile(samples, 0.99))
    assert quantile([*samples, 661.0], 0.99) == pytest.approx(0.99 * 661)


def test_the_interval_is_that_of_the_binomials_order_statistics():
    # For n = 10 the 2nd and 9th values hold the median with 97.9 %; the 3rd and 8th only with 89.1 %.
    assert median_interval([float(k) for k in range(1, 11)]) == (5.5, 2.0, 9.0)
    assert 1 - 2 * binom.cdf(1, 10, 0.5) > 0.95 > 1 - 2 * binom.cdf(2, 10, 0.5)


def test_five_samples_have_no_interval():
    assert all(math.isnan(v) for v in median_interval([1.0, 2.0, 3.0, 4.0, 5.0])[1:])
    assert median_interval([6.0, 1.0, 2.0, 3.0, 4.0, 5.0])[1:] == (1.0, 6.0)
    assert all(math.isnan(v) for v in median_interval([]))


def test_the_interval_holds_the_median_95_times_in_100():
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        _, low, high = median_interval(list(generator.lognormal(0, 1, 25)))
        held += low <= 1.0 <= high
    assert held / 400 >= 0.93  # 95.7 % nominal; two standard errors are 2 %
