"""Colour correction from the known pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from bench.metrics.card import Card, Hole, Truth
from bench.metrics.colour_correction import correct, fit, quick_fit
from bench.metrics.drift import drift, known_levels
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


def test_values_that_the_fit_takes_below_black_become_black() -> None:
    """OpenCV's conversion takes absolute values: 25 levels below black would come out as 25 above it."""
    truth = np.random.default_rng(3).integers(0, 120, (40, 40, 3), dtype=np.uint8)
    hole = np.zeros((40, 40), bool)
    hole[10:20, 12:30] = True
    raw = (0.5 * truth / 255 + 0.3).astype(np.float32)
    raw[hole] = 0.25
    corrected = correct(truth, hole, filled_with(raw, hole, truth), raw)
    assert corrected is not None
    # The fit is t = 2 raw - 0.6: the hole comes out at -0.1, which is -25.5 levels.
    gain, offset = np.polyfit(raw[~hole].ravel(), truth[~hole].ravel() / 255, 1)
    assert 255 * (gain * 0.25 + offset) == pytest.approx(-25.5, abs=0.01)
    assert (corrected[hole] == 0).all()


def test_values_that_the_fit_takes_above_white_become_white() -> None:
    truth = np.random.default_rng(3).integers(100, 256, (40, 40, 3), dtype=np.uint8)
    hole = np.zeros((40, 40), bool)
    hole[10:20, 12:30] = True
    raw = (0.5 * truth / 255).astype(np.float32)
    raw[hole] = 0.6
    corrected = correct(truth, hole, filled_with(raw, hole, truth), raw)
    assert corrected is not None
    assert (corrected[hole] == 255).all()


def test_every_score_after_correction_is_that_of_the_corrected_picture_by_numpy() -> None:
    raw = np.clip(TRUTH / 255 * [0.8, 1.1, 0.9] + [0.1, -0.05, 0.0] + RNG.normal(0, 0.06, TRUTH.shape), 0, 1)
    raw = raw.astype(np.float32)
    raw[HOLE] = np.clip(raw[HOLE] * [0.7, 1.0, 1.2] + [0.2, -0.1, 0.05], 0, 1)
    filled = filled_with(raw)
    row = Scorer(CORRECTED).score("x", TRUTH, HOLE, [filled], [raw])[0]
    painted = np.empty((HOLE.sum(), 3))
    for c in range(3):
        gain, offset = np.polyfit(raw[~HOLE][:, c].astype(float), TRUTH[~HOLE][:, c] / 255, 1)
        painted[:, c] = np.rint(255 * np.clip(gain * raw[HOLE][:, c] + offset, 0, 1))
    error = painted - TRUTH[HOLE]
    shift = error.mean(axis=0)
    assert np.abs(np.subtract.outer(shift, shift))[~np.eye(3, dtype=bool)].min() > 3, "channels must be told apart"
    near = 0.02  # the fit's rounding moves single pixels by a level
    for c, name in enumerate("rgb"):
        assert row[f"colour_shift_{name}_corrected"] == pytest.approx(shift[c], abs=near)
    share = (shift**2).sum() / (error**2).sum() * len(error)
    assert row["colour_shift_share_corrected"] == pytest.approx(share, abs=1e-3)
    assert row["psnr_hole_corrected"] == pytest.approx(-10 * math.log10((error**2).mean() / 255**2), abs=0.01)
    both = (rgb2lab(values.mean(axis=0) / 255) for values in (TRUTH[HOLE], painted))
    assert row["colour_shift_corrected"] == pytest.approx(float(deltaE_ciede2000(*both)), abs=0.02)


def test_a_raw_that_hardly_varies_keeps_its_gain_of_one() -> None:
    """Under a hundredth of a level there is nothing to fit; a level of it is fitted."""
    line = TRUTH / np.float32(255)
    for contrast, wanted in ((0.004 / 255, 1.0), (0.4 / 255, 255 / 0.4)):
        raw = (0.5 + contrast * (line - line[~HOLE].mean(axis=0))).astype(np.float32)
        fitted = fit(TRUTH, ~HOLE, raw)
        assert fitted is not None
        np.testing.assert_allclose(fitted[:, 0], wanted, rtol=2e-3)
        means = fitted[:, 0] * raw[~HOLE].astype(float).mean(axis=0) + fitted[:, 1]
        np.testing.assert_allclose(means, TRUTH[~HOLE].mean(axis=0) / 255, atol=1e-6)


def test_the_fit_of_raw_as_it_is_looks_at_known_pixels_alone() -> None:
    raw = (0.8 * TRUTH / 255 + 0.1).astype(np.float32)
    raw[HOLE] = 0.0
    np.testing.assert_allclose(fit(TRUTH, ~HOLE, raw), [[1.25, -0.125]] * 3, atol=1e-5)
    assert fit(TRUTH, np.zeros_like(HOLE), raw) is None


def test_raw_below_black_drifts_as_black_does() -> None:
    raw = np.full(TRUTH.shape, -0.2, np.float32)
    raw[0, 0] = 1.7
    row = Scorer(["known_drift"]).score("x", TRUTH, HOLE, [filled_with(raw)], [raw])[0]
    error = np.where((np.arange(TRUTH.size) < 3).reshape(TRUTH.shape), 255 - TRUTH.astype(int), TRUTH)
    assert row["known_drift"] == pytest.approx(error[~HOLE].mean(), rel=1e-12)


def test_drift_is_summed_over_known_pixels_by_channel() -> None:
    raw = RNG.random(TRUTH.shape).astype(np.float32)
    drifted = drift(Card(Truth(TRUTH), Hole(HOLE), filled_with(raw), raw))
    q, t = np.rint(raw * 255).astype(int)[~HOLE], TRUTH[~HOLE].astype(int)
    assert drifted is not None and drifted.known == (~HOLE).sum()
    assert drifted.absolute == np.abs(q - t).sum()
    assert drifted.mean_levels == pytest.approx(np.abs(q - t).mean(), rel=1e-12)
    assert drifted.q == tuple(q.sum(axis=0))
    assert drifted.qq == tuple((q**2).sum(axis=0))
    assert drifted.squares == tuple(((q - t) ** 2).sum(axis=0))
    assert known_levels(Card(Truth(TRUTH), Hole(HOLE), TRUTH)) == (tuple(t.sum(axis=0)), tuple((t**2).sum(axis=0)))


def test_drift_of_a_full_hole_has_no_mean_and_of_broken_raw_no_sum() -> None:
    full = np.ones_like(HOLE)
    raw = np.full(TRUTH.shape, 0.4, np.float32)
    drifted = drift(Card(Truth(TRUTH), Hole(full), filled_with(raw, full), raw))
    assert drifted is not None and drifted.known == 0 and math.isnan(drifted.mean_levels)
    for value in (np.nan, np.inf, -np.inf):
        raw[3, 3, 0] = value
        drifted = drift(Card(Truth(TRUTH), Hole(HOLE), TRUTH, raw))
        assert drifted is not None and math.isnan(drifted.absolute)
    assert drift(Card(Truth(TRUTH), Hole(HOLE), TRUTH)) is None


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
