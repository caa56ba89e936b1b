"""Scores of sets of too few pictures: each says how many it needs and how many there are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.set_metrics.registry import set_metric
from bench.set_metrics.scorer import SetScorer
from bench.set_metrics.too_few import too_few

NEEDS = {
    "fid": 2, "fd_dinov2": 2, "u_ids": 2, "p_ids": 2,
    "kid": 4, "kid_error": 4,
    "precision": 4, "recall": 4,
    "density": 6, "coverage": 6,
}  # fmt: skip
"""By hand: a covariance wants two pictures, KID two in each half, a third and a fifth neighbour 3 and 5 others."""


def entry(n: int, dataset: str = "mine", failed: int = 0, **values: float | None) -> dict[str, Any]:
    return {"dataset": dataset, "n": n, "failed": failed, "values": dict.fromkeys(NEEDS) | values}


@pytest.mark.parametrize("name", NEEDS)
def test_a_score_has_a_value_from_its_least_count_on_and_none_below(name: str) -> None:
    def value(n: int) -> float:
        rng = np.random.default_rng(0)
        sides = (rng.normal(size=(n, width)).astype(np.float32) for _ in "ab")
        return SetScorer([name], looks=False).scores(*sides, [False] * n)["values"][name]

    width = 1024 if name == "fd_dinov2" else 2048
    assert np.isfinite(value(NEEDS[name]))
    assert np.isnan(value(NEEDS[name] - 1))


def test_every_score_of_a_set_is_among_them() -> None:
    assert set(NEEDS) == set(set_metric.names())


def test_each_says_its_own_condition() -> None:
    missing, notes = too_few(set_metric.all(), [entry(3, fid=1.0, fd_dinov2=1.0, u_ids=0.0, p_ids=0.0)])
    four, six = "it needs 4 pictures, and there are 3", "it needs 6 pictures, and there are 3"
    assert missing == {
        "kid": four, "kid_error": four, "precision": four, "recall": four, "density": six, "coverage": six
    }  # fmt: skip
    assert notes == []


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([entry(1)], "there is 1"),
        ([entry(0, failed=5)], "none could be scored"),
        ([entry(2, failed=3), entry(3, failed=2)], "only 3 could be scored"),
        ([entry(3, "a"), entry(1, "b")], "there are 3 in a and there is 1 in b"),
    ],
)
def test_the_count_is_of_the_largest_set_of_each_data_set(entries: list[dict[str, Any]], why: str) -> None:
    assert too_few({"kid": set_metric.get("kid")}, entries) == ({"kid": f"it needs 4 pictures, and {why}"}, [])


def test_where_another_data_set_is_large_enough_the_column_is_not_called_empty() -> None:
    both = [entry(3, "small"), entry(9, "large", kid=0.1, recall=0.5, density=1.0)]
    missing, notes = too_few({name: set_metric.get(name) for name in ("kid", "recall", "density")}, both)
    assert missing == {}
    assert notes == [
        "kid, recall have no value on small: 4 pictures are needed, and there are 3",
        "density has no value on small: 6 pictures are needed, and there are 3",
    ]


def test_a_score_that_is_empty_for_another_reason_is_not_explained_by_the_count() -> None:
    assert too_few({"kid": set_metric.get("kid")}, [entry(9)]) == ({}, [])
    assert too_few({"kid": set_metric.get("kid")}, [entry(3, "small"), entry(9, "large")]) == ({}, [])
    assert too_few({"kid": set_metric.get("kid")}, []) == ({}, [])
