"""How comparisons round: a metric's own decimals, one more without a unit; what stands here is what tables showed."""

from __future__ import annotations

import math

import pytest

from bench.exporters import rounding


@pytest.mark.parametrize(
    ("unit", "digits", "text"),
    [("dB", 2, "+0.13"), ("", 3, "+0.1278"), ("", 5, "+0.127800"), ("", 2, "+0.128"), ("ΔE00", 2, "+0.13")],
)
def test_a_comparison_has_its_metrics_decimals_and_one_more_without_a_unit(unit: str, digits: int, text: str) -> None:
    row = {"difference": 0.1278, "unit": unit, "decimals": digits}
    assert rounding.cell(row, "difference", signed=True) == text


def test_means_distances_and_intervals_have_the_same_decimals() -> None:
    row = {
        "unit": "",
        "decimals": 5,
        "reference_mean": 0.001,
        "reference_distance": 0.5,
        "low": -1e-5,
        "high": math.nan,
    }
    assert rounding.side_mean(row, "reference") == "0.001000, off by 0.500000"
    assert rounding.interval(row, "") == "[-0.000010, –]"


def test_what_rounds_to_nothing_has_no_minus() -> None:
    assert [rounding.number(value, "dB") for value in (-0.001, math.inf, None)] == ["0.00", "∞", "–"]
