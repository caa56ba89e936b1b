"""Colour correction from the known pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.metrics.card import Card, Hole, Truth
from bench.metrics.correction import correct, fit, quick_fit
from bench.metrics.drift import drift
from bench.metrics.scorer import Scorer

CORRECTED = [
    "psnr_hole_corrected",
    "colour_shift_corrected",
    "colour_shift_r_corrected",
    "colour_shift_g_corrected",
    "colour_shift_b_corrected",
    "colour_shift_share_corrected",
]
RNG = np.random.default_rng(0)
TRUTH = RNG.integers(40, 216, (48, 40, 3), dtype=np.uint8)
HOLE = np.zeros((48, 40), bool)
HOLE[10:30, 8:33] = True


def filled_with(raw: np.ndarray, hole: np.ndarray = HOLE, truth: np.ndarray = TRUTH) -> np.ndarray:
    return np.where(hole[..., None], np.rint(np.clip(raw, 0, 1) * 255).astype(np.uint8), truth)


def test_a_gain_and_offset_per_channel_are_taken_back_exactly() -> None:
    raw = (TRUTH / 255 * [0.8, 1.1, 0.95] + [0.1, -0.05, 0.02]).astype(np.float32)
    row = Scorer(["psnr_hole", *CORRECTED]).score("x", TRUTH, HOLE, [filled_with(raw)], [raw])[0]
    assert row["psnr_hole"] < 35
    assert row["psnr_hole_corrected"] == 100.0
    assert row["colour_shift_corrected"] == 0.0


def test_the_fit_is_least_squares_over_the_known_pixels_alone() -> None:
    raw = np.clip(0.7 * TRUTH / 255 + 0.1 + RNG.normal(0, 0.05, TRUTH.shape), 0, 1).astype(np.float32)
    raw[HOLE] = RNG.random((HOLE.sum(), 3))  # what the hole holds must not matter
    card = Card(Truth(TRUTH), Hole(HOLE), filled_with(raw), raw)
    drifted = drift(card)
    assert drifted is not None
    rounded = np.rint(raw * 255) / 255
    wanted = [np.polyfit(rounded[~HOLE][:, c], TRUTH[~HOLE][:, c] / 255, 1) for c in range(3)]
    np.testing.assert_allclose(quick_fit(card, drifted), wanted, atol=1e-9)


def test_rounding_raw_for_the_fit_moves_it_by_less_than_a_thousandth() -> None:
    for spread in (0.12, 0.3, 1.0):
        raw = (0.5 + spread * (TRUTH / 255 - 0.5 + RNG.normal(0, 0.02, TRUTH.shape))).clip(0, 1).astype(np.float32)
        card = Card(Truth(TRUTH), Hole(HOLE), filled_with(raw), raw)
        drifted = drift(card)
        assert drifted is not None
        exact = fit(TRUTH, ~HOLE, raw)
        assert exact is not None
        np.testing.assert_allclose(quick_fit(card, drifted)[:, 0], exact[:, 0], rtol=2e-3)
        np.testing.assert_allclose(quick_fit(card, drifted).sum(axis=1), exact.sum(axis=1), rtol=2e-3)


@pytest.mark.parametrize("spread", [0.0, 0.0005, 0.003, 0.02, 0.3])
def test_the_corrected_picture_is_the_fitted_line_of_raw_rounded(spread: float) -> None:
    """Down to raw that hardly varies, where the sums must not lose their digits."""
    raw = (0.5 + spread * (RNG.random(TRUTH.shape) - 0.5)).astype(np.float32)
    known = raw[~HOLE].astype(float)
    filled = filled_with(raw)
    corrected = correct(TRUTH, HOLE, filled, raw)
    assert corrected is not None
    np.testing.assert_array_equal(corrected[~HOLE], filled[~HOLE])
    for c in range(3):
        gain, offset = np.polyfit(known[:, c], TRUTH[~HOLE][:, c] / 255, 1) if spread else (1.0, 0.0)
        if not spread:
            offset = TRUTH[~HOLE][:, c].mean() / 255 - 0.5
        wanted = 255 * np.clip(gain * raw[HOLE][:, c] + offset, 0, 1)
        assert np.abs(corrected[HOLE][:, c] - wanted).max() < 0.5 + 0.02


def test_a_method_that_copies_known_pixels_has_nothing_to_correct() -> None:
    raw = np.where(HOLE[..., None], 0.3, TRUTH / 255).astype(np.float32)
    filled = filled_with(raw)
    row = Scorer(["psnr_hole", "known_drift", *CORRECTED]).score("x", TRUTH, HOLE, [filled], [raw])[0]
    assert row["known_drift"] == 0.0
    assert row["psnr_hole_corrected"] == row["psnr_hole"]
    np.testing.assert_array_equal(correct(TRUTH, HOLE, filled, raw), filled)


def test_known_drift_is_the_mean_error_of_raw_in_levels_where_known() -> None:
    raw = (TRUTH / 255 + 0.02).astype(np.float32)
    raw[HOLE] = 0.9
    raw[~HOLE] = (TRUTH[~HOLE] - 3.0) / 255
    row = Scorer(["known_drift"]).score("x", TRUTH, HOLE, [filled_with(raw)], [raw])[0]
    assert row["known_drift"] == pytest.approx(3.0, abs=1e-12)


@pytest.mark.parametrize("hole", [np.zeros_like(HOLE), np.ones_like(HOLE)], ids=["empty", "full"])
def test_without_a_hole_or_known_pixels_corrected_scores_are_empty_and_not_zero(hole: np.ndarray) -> None:
    raw = np.full(TRUTH.shape, 0.4, np.float32)
    row = Scorer(CORRECTED).score("x", TRUTH, hole, [filled_with(raw, hole)], [raw])[0]
    assert row["failed"] == ""
    assert all(math.isnan(row[name]) for name in CORRECTED)
    assert correct(TRUTH, hole, filled_with(raw, hole), raw) is None


def test_finished_pictures_have_no_corrected_scores_and_the_scorer_says_why() -> None:
    scorer = Scorer(["psnr_hole", "known_drift", *CORRECTED])
    row = scorer.score("x", TRUTH, HOLE, [TRUTH.copy()])[0]
    assert row["psnr_hole"] == 100.0
    assert all(math.isnan(row[name]) for name in ("known_drift", *CORRECTED))
    assert set(scorer.missing) == {"known_drift", *CORRECTED}
    assert "raw" in scorer.missing["psnr_hole_corrected"]
