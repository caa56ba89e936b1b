"""BrushNet's scores of the known region, by hand; tests/parity holds them to its formulas on photographs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.metrics.scorer import Scorer

BLACK = np.zeros((20, 30, 3), np.uint8)
HOLE = np.zeros((20, 30), bool)
HOLE[4:14, 5:20] = True
"""150 of 600 pixels, 450 are known."""

NAMES = ["psnr", "mse", "psnr_hole", "mse_hole"]


def score(raw: np.ndarray | None, filled: np.ndarray = BLACK, hole: np.ndarray = HOLE) -> dict[str, float]:
    return Scorer(NAMES, protocol="brushbench").score("x", BLACK, hole, [filled], [raw])[0]


@pytest.mark.parametrize("kind", ["raw", "finished"])
def test_channels_are_added_and_divided_by_the_known_pixels_alone(kind: str) -> None:
    own = np.full_like(BLACK, 51)
    row = score(own if kind == "finished" else (own / np.float32(255)).astype(np.float32))
    assert row["mse"] == pytest.approx(3 * 0.2**2)
    assert row["psnr"] == pytest.approx(-10 * math.log10(0.12))
    own = np.where(HOLE[..., None], own, BLACK)
    own[0, 0, 1] = 255
    assert score(own)["mse"] == pytest.approx(1 / 450), "what was painted does not count"


def test_what_is_restored_afterwards_does_not_hide_what_a_method_did() -> None:
    assert score(np.full_like(BLACK, 255), filled=BLACK)["psnr"] == pytest.approx(-4.7712, abs=1e-4)  # -10 log10(3)


def test_a_pasted_fill_gets_a_thousand_decibels_and_the_holes_columns_stay_native() -> None:
    pasted = np.where(HOLE[..., None], np.uint8(51), BLACK)
    for raw in (pasted, None):
        row = score(raw, filled=pasted)
        assert (row["psnr"], row["mse"]) == (1000, 0)
        assert row["psnr_hole"] == pytest.approx(13.9794, abs=1e-4)
        assert row["mse_hole"] == pytest.approx(0.04)


def test_a_full_hole_leaves_nothing_to_score_and_an_empty_one_the_whole_picture() -> None:
    own = np.full_like(BLACK, 51)
    full = Scorer(NAMES, protocol="brushbench")
    row = full.score("x", BLACK, np.ones_like(HOLE), [own], [own])[0]
    assert math.isnan(row["psnr"]) and math.isnan(row["mse"])
    assert "no known pixel is left" in full.missing["psnr"]
    assert score(own, hole=np.zeros_like(HOLE))["mse"] == pytest.approx(0.12)


def test_the_columns_say_that_they_are_of_the_known_region() -> None:
    found = Scorer(NAMES, protocol="brushbench").metrics
    assert [found[name].region for name in NAMES] == ["known", "known", "hole", "hole"]
    assert found["psnr"].heading == "known-region PSNR"
    assert Scorer(NAMES).metrics["psnr"].heading == "PSNR"
