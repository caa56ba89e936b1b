"""From intervals and p to verdicts and places, on rows written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from bench.comparison.compare import judge, ranking, verdict
from bench.comparison.sides import Side

NAN = float("nan")


@pytest.mark.parametrize(
    ("low", "high", "p", "expected"),
    [
        (0.2, 0.4, 0.001, "better"),
        (-0.4, -0.2, 0.001, "worse"),
        (-0.05, 0.08, 0.6, "same"),
        (0.02, 0.08, 0.001, "same"),
        (-0.1, 0.1, 1.0, "same"),
        (-0.2, 0.3, 0.6, "undecided"),
        # The interval leaves out zero, but Holm's p does not bear it out: either way, up to 0.05 itself.
        (0.01, 0.4, 0.2, "undecided"),
        (-0.4, -0.01, 0.2, "undecided"),
        (0.01, 0.4, 0.05, "undecided"),
        (-0.4, -0.01, 0.05, "undecided"),
        (0.01, 0.4, 0.0499, "better"),
        (-0.4, -0.01, 0.0499, "worse"),
        # p is small, but the interval holds zero, at its very end too.
        (-0.3, 0.4, 0.001, "undecided"),
        (0.0, 0.4, 0.001, "undecided"),
        (-0.4, 0.0, 0.001, "undecided"),
        (NAN, NAN, 1.0, "undecided"),
    ],
)
def test_verdicts_at_a_tolerance_of_a_tenth(low: float, high: float, p: float, expected: str) -> None:
    assert verdict(low, high, 0.1, p) == expected


def test_nothing_at_all_is_the_same_even_at_no_tolerance() -> None:
    assert verdict(0.0, 0.0, 0.0, 1.0) == "same"


def test_holms_families_are_metrics_and_his_p_decides() -> None:
    known = {"low": 0.2, "high": 0.4, "tolerance": 0.1}
    rows: list[dict[str, Any]] = [
        {**known, "metric": metric, "dataset": dataset, "p": p}
        for metric, dataset, p in (("a", "s", 0.03), ("b", "s", 0.04), ("a", "s", 0.001), ("a", "p", 0.04))
    ]
    judge(rows)
    # Family a, sorted: 3 x 0.001, 2 x 0.03, and 1 x 0.04 raised to the one before. Family b is alone.
    assert [row["p_holm"] for row in rows] == pytest.approx([0.06, 0.04, 0.003, 0.06])
    assert [row["verdict"] for row in rows] == ["undecided", "better", "better", "undecided"]


MEANS = {"a": 20.0, "b": 22.0, "c": 21.5}


def ranked(*told: tuple[str, str, str, float], dataset: str = "s", mask: str = "all") -> list[dict[str, Any]]:
    """Rows from (reference, candidate, verdict, difference)."""
    return [
        {"dataset": dataset, "metric": "m", "mask": mask, "title": "M", "reference": left, "candidate": right}
        | {"reference_mean": MEANS[left], "candidate_mean": MEANS[right], "verdict": said, "difference": difference}
        for left, right, said, difference in told
    ]


def places(rows: list[dict[str, Any]], sides: int = 3) -> list[dict[str, list[tuple[str, int]]]]:
    nobody: list[Side] = [None] * sides  # type: ignore[list-item]
    found = ranking(nobody, rows)
    return [{entry["dataset"]: [(place["side"], place["rank"]) for place in entry["places"]]} for entry in found]


def test_a_side_stands_behind_all_that_are_better() -> None:
    rows = ranked(("a", "b", "better", 2.0), ("a", "c", "better", 1.5), ("b", "c", "worse", -0.5))
    assert places(rows) == [{"s": [("b", 1), ("c", 2), ("a", 3)]}]
    found = ranking([None] * 3, rows)[0]  # type: ignore[list-item]
    assert (found["metric"], found["title"]) == ("m", "M")
    assert {place["side"]: place["mean"] for place in found["places"]} == MEANS


def test_sides_that_cannot_be_told_apart_share_a_place_the_larger_gain_first() -> None:
    # Gains over the others: a 3 - 1 = 2, b -3 - 0.5 = -3.5, c 1 + 0.5 = 1.5.
    rows = ranked(("a", "b", "undecided", -3.0), ("a", "c", "same", 1.0), ("b", "c", "undecided", 0.5))
    assert places(rows) == [{"s": [("a", 1), ("c", 1), ("b", 1)]}]


def test_gains_of_a_fraction_order_a_shared_place_too() -> None:
    # Gains over the others: a −0.2 + 0.1 = −0.1, b 0.2 + 0.3 = 0.5, c −0.1 − 0.3 = −0.4.
    rows = ranked(("a", "b", "same", 0.2), ("a", "c", "same", -0.1), ("b", "c", "same", -0.3))
    assert places(rows) == [{"s": [("b", 1), ("a", 1), ("c", 1)]}]


def test_data_sets_are_ranked_apart_and_mask_types_not_at_all() -> None:
    rows = ranked(("a", "b", "better", 2.0), ("a", "c", "better", 2.0), ("b", "c", "same", 0.1))
    rows += ranked(("a", "b", "worse", -2.0), ("a", "c", "worse", -2.0), ("b", "c", "same", -0.1), dataset="p")
    rows += ranked(("a", "b", "worse", -9.0), ("b", "c", "worse", -9.0), mask="rect")
    assert places(rows) == [{"s": [("c", 1), ("b", 1), ("a", 3)]}, {"p": [("a", 1), ("b", 2), ("c", 2)]}]


def test_two_sides_are_not_ranked() -> None:
    assert places(ranked(("a", "b", "better", 2.0)), sides=2) == []
