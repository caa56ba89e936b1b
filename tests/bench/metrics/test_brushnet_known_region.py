"""BrushNet's scores of the known region, by hand; tests/parity holds them to its formulas on photographs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.metrics import known_drift
from bench.metrics.card import Card, Hole, Truth
from bench.metrics.drift import NEEDS_RAW
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


# ---- known drift


def drifted(own: np.ndarray | None, hole: np.ndarray = HOLE) -> tuple[float, str]:
    """Known drift of what a method put out, and why there is none."""
    scorer = Scorer(["known_drift"])
    filled = BLACK if own is None or own.dtype != np.uint8 else own
    row = scorer.score("x", BLACK, hole, [filled], [own])[0]
    return row["known_drift"], scorer.missing.get("known_drift", "")


def test_the_drift_of_finished_pictures_is_that_of_their_known_pixels_where_they_changed_any() -> None:
    own = np.where(HOLE[..., None], 200, BLACK).astype(np.uint8)
    value, why = drifted(own)
    assert math.isnan(value)
    assert why == "the finished pictures changed no known pixel, and the raw output is not known"
    own[0, 0] = 10, 20, 30
    assert drifted(own) == (pytest.approx(60 / (3 * 450)), "")


def test_the_drift_of_raw_is_that_of_its_rounded_levels_also_where_it_is_none() -> None:
    raw = np.zeros(BLACK.shape, np.float32)
    assert drifted(raw) == (0, "")
    raw[0, 0] = 2.4 / 255
    raw[HOLE] = 1
    assert drifted(raw) == (pytest.approx(6 / (3 * 450)), "")


@pytest.mark.parametrize("own", [BLACK, (BLACK / 255).astype(np.float32)], ids=["finished", "raw"])
def test_a_full_hole_has_no_drift_for_want_of_known_pixels(own: np.ndarray) -> None:
    value, why = drifted(own, np.ones_like(HOLE))
    assert math.isnan(value)
    assert why == "the hole covers the picture: no known pixel is left"


def test_without_what_a_method_put_out_there_is_no_drift() -> None:
    value, why = drifted(None)
    assert math.isnan(value)
    assert why == NEEDS_RAW


@pytest.mark.parametrize(
    ("given", "known", "expected"),
    [
        ({"raw": (BLACK / 255).astype(np.float32)}, True, None),
        ({"finished": BLACK}, False, None),
        ({}, False, None),
        ({}, True, NEEDS_RAW),
        ({"finished": BLACK}, True, "the finished pictures changed no known pixel, and the raw output is not known"),
    ],
)
def test_why_a_card_has_no_drift_is_said_of_known_pixels_without_raw(
    given: dict[str, np.ndarray], known: bool, expected: str | None
) -> None:
    card = Card(Truth(BLACK), Hole(HOLE if known else np.ones_like(HOLE)), BLACK, **given)
    assert known_drift.undefined(card) == expected
