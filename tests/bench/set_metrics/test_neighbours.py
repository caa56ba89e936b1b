"""KID, precision, recall, density, coverage: torch-fidelity's own values and hand cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

from bench.set_metrics.features import Features
from bench.set_metrics.kid import kid, kid_error
from bench.set_metrics.neighbours import coverage, density, precision, recall
from bench.set_metrics.resampling import GROUPS, group_of


def clouds(n: int, d: int = 8, apart: float = 0.3, seed: int = 0) -> Features:
    rng = np.random.default_rng(seed)
    return Features(
        rng.normal(size=(n, d)).astype(np.float32), (rng.normal(size=(n, d)) * 0.9 + apart).astype(np.float32)
    )


def test_kid_is_torch_fidelitys_over_subsets_of_half_the_pictures() -> None:
    features = clouds(60)
    fills, truths = (torch.from_numpy(side).double() for side in (features.fills, features.truths))
    told = kid_features_to_metric(fills, truths, kid_subsets=100, kid_subset_size=30, rng_seed=2020, verbose=False)
    assert kid(features) == told["kernel_inception_distance_mean"]
    assert kid_error(features) == told["kernel_inception_distance_std"] > 0


def test_precision_and_recall_are_torch_fidelitys() -> None:
    features = clouds(60)
    fills, truths = (torch.from_numpy(side) for side in (features.fills, features.truths))
    told = prc_features_to_metric(fills, truths, verbose=False)
    assert precision(features) == pytest.approx(told["precision"])
    assert recall(features) == pytest.approx(told["recall"])


def test_density_and_coverage_by_hand() -> None:
    # Truths on a line, a step apart: the fifth neighbour of an end lies 5 away, of the others 4 or 3. What lies just as
    # far away, as of the fills at whole numbers, is not within.
    truths = np.arange(8, dtype=np.float32)[:, None]
    radii = [5, 4, 3, 3, 3, 3, 4, 5]
    fills = np.array([[0.5], [3.25], [3.25], [3], [7], [-5], [100], [-100]], np.float32)
    reached = [[abs(t - f) < r for t, r in zip(range(8), radii, strict=True)] for f in fills[:, 0]]
    features = Features(truths, fills)
    assert density(features) == pytest.approx(np.sum(reached) / (5 * 8))
    assert coverage(features) == pytest.approx(np.mean(np.any(reached, axis=0)))


def test_of_too_few_pictures_they_have_no_value() -> None:
    for n, metrics in ((3, (kid, kid_error, precision, recall)), (5, (density, coverage))):
        assert all(math.isnan(metric(clouds(n))) for metric in metrics)
        assert not any(math.isnan(metric(clouds(n + 1))) for metric in metrics)


def test_groups_are_of_equal_size_and_the_same_every_time() -> None:
    assert np.bincount(group_of(60)).tolist() == [3] * GROUPS
    assert np.array_equal(group_of(60), np.random.default_rng(0).permutation(60) % 20)


@pytest.mark.parametrize(("pictures", "subset"), [(60, 30), (1999, 999), (2001, 1000)])
def test_kid_takes_a_hundred_subsets_of_half_the_pictures_or_a_thousand(
    monkeypatch: pytest.MonkeyPatch, pictures: int, subset: int
) -> None:
    asked = {}

    def stand_in(first: torch.Tensor, second: torch.Tensor, **given: object) -> dict[str, float]:
        asked.update(given, first=first, second=second)
        return {"kernel_inception_distance_mean": 1.0, "kernel_inception_distance_std": 2.0}

    monkeypatch.setattr("torch_fidelity.metric_kid.kid_features_to_metric", stand_in)
    features = clouds(pictures, 2)
    assert (kid(features), kid_error(features)) == (1, 2)
    assert np.array_equal(asked["first"], features.fills) and np.array_equal(asked["second"], features.truths)
    assert (asked["kid_subsets"], asked["kid_subset_size"], asked["rng_seed"]) == (100, subset, 2020)
