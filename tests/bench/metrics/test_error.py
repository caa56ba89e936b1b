"""Pixel errors by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.metrics.scorer import Scorer

BLACK = np.zeros((20, 30, 3), np.uint8)
HOLE = np.zeros((20, 30), bool)
HOLE[4:14, 5:20] = True
"""150 of 600 pixels."""


def score(filled: np.ndarray, hole: np.ndarray = HOLE, protocol: str = "native") -> dict[str, float]:
    return Scorer(["psnr", "psnr_hole", "mse", "mse_hole", "l1", "l1_hole"], protocol=protocol).score(
        "x", BLACK, hole, [filled]
    )[0]


def test_an_error_of_51_levels_in_a_quarter_of_the_picture() -> None:
    row = score(np.where(HOLE[..., None], np.uint8(51), BLACK))
    assert row["l1_hole"] == pytest.approx(0.2)
    assert row["l1"] == pytest.approx(0.05)
    assert row["mse_hole"] == pytest.approx(0.04)
    assert row["mse"] == pytest.approx(0.01)
    assert row["psnr_hole"] == pytest.approx(13.9794, abs=1e-4)  # 10 log10(25)
    assert row["psnr"] == pytest.approx(20.0)


def test_identical_pictures_get_the_cap_and_no_error() -> None:
    row = score(BLACK.copy())
    assert (row["psnr"], row["psnr_hole"], row["mse"], row["l1_hole"]) == (100.0, 100.0, 0.0, 0.0)


def test_nothing_is_above_the_cap_that_identical_pictures_get() -> None:
    filled = BLACK.copy()
    filled = np.zeros((300, 300, 3), np.uint8)
    truth = filled.copy()
    filled[0, 0, 0] = 1  # 10 log10(255² · 270000) = 102.4 dB
    row = Scorer(["psnr"]).score("x", truth, np.ones((300, 300), bool), [filled])[0]
    assert row["psnr"] == 100.0


def test_changed_known_pixels_count_in_the_picture_and_not_in_the_hole() -> None:
    filled = BLACK.copy()
    filled[0, 0] = 255
    row = score(filled)
    assert row["psnr_hole"] == 100.0
    assert row["mse"] == pytest.approx(1 / 600)


def test_an_empty_hole_has_no_hole_scores_but_picture_scores() -> None:
    row = score(BLACK + np.uint8(51), np.zeros_like(HOLE))
    assert math.isnan(row["psnr_hole"]) and math.isnan(row["mse_hole"]) and math.isnan(row["l1_hole"])
    assert row["l1"] == pytest.approx(0.2)


def test_aot_divides_the_absolute_error_by_the_sum_of_both_pictures() -> None:
    truth, filled = np.full((8, 8, 3), 60, np.uint8), np.full((8, 8, 3), 40, np.uint8)
    row = Scorer(["l1"], protocol="aot").score("x", truth, np.ones((8, 8), bool), [filled])[0]
    assert row["l1"] == pytest.approx(0.2)  # 20 / (60 + 40)


def test_aot_has_no_relative_error_of_two_black_pictures() -> None:
    assert math.isnan(score(BLACK.copy(), protocol="aot")["l1"])


def test_the_sums_of_large_pictures_do_not_overflow() -> None:
    truth = np.zeros((2100, 2100, 3), np.uint8)
    row = Scorer(["mse", "l1"]).score("x", truth, np.ones((2100, 2100), bool), [truth + np.uint8(255)])[0]
    assert (row["mse"], row["l1"]) == (1.0, 1.0)
