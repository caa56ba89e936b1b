"""The fast card, which looks at the hole's box alone, against the plain one, which looks at everything."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics import scratch, ssim_map
from bench.metrics.scorer import Scorer
from tests.bench.metrics.plain import plain_card, windowed_ssim

COLUMNS = list(plain_card(np.zeros((11, 11, 3), np.uint8), np.eye(11, dtype=bool), np.ones((11, 11, 3), np.uint8)))
SCORER = Scorer(COLUMNS)
LAMA, AOT = (Scorer(["ssim", "ssim_hole"], protocol=name) for name in ("lama", "aot"))
MAP = 3e-6
"""Pictures here are made to be hard on float32; on photographs tests/parity allows 1e-6."""

TOLERANCE = dict.fromkeys(COLUMNS, 1e-9) | {"ssim": MAP, "ssim_hole": MAP, "colour_shift": 1e-5}


def assert_agrees(truth: np.ndarray, hole: np.ndarray, filled: np.ndarray) -> None:
    row = SCORER.score("picture", truth, hole, [filled])[0]
    assert row["failed"] == ""
    for name, wanted in plain_card(truth, hole, filled).items():
        assert row[name] == pytest.approx(wanted, abs=TOLERANCE[name], rel=1e-12, nan_ok=True), name


@st.composite
def pictures(draw: st.DrawFn, shape: tuple[int, int], seed: int) -> np.ndarray:
    """Noise, one colour, two colours, a slope, or blurred noise, as photographs and scenes have them."""
    rng = np.random.default_rng(seed)
    height, width = shape
    kind = draw(st.sampled_from(["noise", "flat", "two", "slope", "soft"]))
    if kind == "noise":
        return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    if kind == "flat":
        return np.broadcast_to(rng.integers(0, 256, 3, dtype=np.uint8), (height, width, 3)).copy()
    if kind == "two":
        colours = rng.integers(0, 256, (2, 3), dtype=np.uint8)
        return np.where((np.arange(height) < height // 2)[:, None, None], colours[0], colours[1]) + np.zeros(
            (1, width, 1), np.uint8
        )
    if kind == "slope":
        ramp = np.linspace(*rng.integers(0, 256, 2), width)
        return np.broadcast_to(ramp[None, :, None], (height, width, 3)).astype(np.uint8)
    return cv2.GaussianBlur(rng.integers(0, 256, (height, width, 3), dtype=np.uint8), (0, 0), 2.0)


@st.composite
def holes(draw: st.DrawFn, shape: tuple[int, int]) -> np.ndarray:
    """A rectangle anywhere (edges and whole picture included), one pixel, scattered pixels, or nothing."""
    height, width = shape
    hole = np.zeros(shape, bool)
    kind = draw(st.sampled_from(["rectangle", "pixel", "scattered", "empty", "full"]))
    if kind == "rectangle":
        top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        hole[top : draw(st.integers(top + 1, height)), left : draw(st.integers(left + 1, width))] = True
    elif kind == "pixel":
        hole[draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))] = True
    elif kind == "scattered":
        hole = np.random.default_rng(draw(st.integers(0, 99))).random(shape) < draw(st.sampled_from([0.02, 0.3, 0.9]))
    elif kind == "full":
        hole[:] = True
    return hole


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    sides = draw(st.sampled_from([(6, 30), (60, 130)]))
    shape = draw(st.integers(*sides)), draw(st.integers(*sides))
    truth, fill = draw(pictures(shape, draw(st.integers(0, 999)))), draw(pictures(shape, draw(st.integers(0, 999))))
    hole = draw(holes(shape))
    restored = draw(st.booleans())
    return truth, hole, np.where(hole[..., None], fill, truth) if restored else fill


@settings(max_examples=150, deadline=None)
@given(cases())
def test_fast_and_plain_agree_on_any_picture_hole_and_fill(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    assert_agrees(*case)


@settings(max_examples=60, deadline=None)
@given(cases(), st.integers(1, 40))
def test_making_the_map_in_bands_changes_nothing(case: tuple[np.ndarray, np.ndarray, np.ndarray], rows: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssim_map, "BAND_PIXELS", rows * case[0].shape[1])
        patch.setattr(ssim_map, "LEAST_ROWS", 1)
        assert_agrees(*case)


@settings(max_examples=60, deadline=None)
@given(cases())
def test_the_windows_of_other_protocols_agree_as_well(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    truth, hole, filled = case
    bell = np.exp(-(np.arange(-5, 6) ** 2) / 4.5)
    zero = windowed_ssim(truth, filled, bell / bell.sum(), "constant", 1.0)
    row = LAMA.score("picture", truth, hole, [filled])[0]
    assert row["ssim"] == pytest.approx(zero.mean(), abs=MAP)
    assert row["ssim_hole"] == pytest.approx(zero[hole].mean() if hole.any() else np.nan, abs=MAP, nan_ok=True)
    if min(hole.shape) >= 7:
        uniform = windowed_ssim(truth, filled, np.full(7, 1 / 7), "reflect", 49 / 48)
        row = AOT.score("picture", truth, hole, [filled])[0]
        assert row["ssim"] == pytest.approx(uniform[3:-3, 3:-3].mean(), abs=MAP)
        assert row["ssim_hole"] == pytest.approx(uniform[hole].mean() if hole.any() else np.nan, abs=MAP, nan_ok=True)


@pytest.mark.parametrize("level", [1, 40, 110, 255])
def test_a_flat_fill_far_off_on_a_flat_truth_keeps_its_digits(level: int) -> None:
    """Here float32 alone is off by up to 7e-6: variances are small differences of large numbers."""
    truth = np.zeros((64, 64, 3), np.uint8)
    truth[30:] = 255 - level
    hole = np.zeros((64, 64), bool)
    hole[10:50, 8:60] = True
    assert_agrees(truth, hole, np.where(hole[..., None], truth + np.uint8(level), truth))


def test_pictures_too_large_to_keep_scratch_for_are_scored_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "LARGEST_BYTES", 100)
    rng = np.random.default_rng(0)
    truth, fill = rng.integers(0, 256, (2, 40, 37, 3), dtype=np.uint8)
    hole = rng.random((40, 37)) < 0.3
    assert_agrees(truth, hole, np.where(hole[..., None], fill, truth))


def test_large_pictures_whose_maps_are_not_kept_are_scored_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssim_map, "KEPT_PIXELS", 100)
    monkeypatch.setattr(ssim_map, "BAND_PIXELS", 70 * 100)
    rng = np.random.default_rng(0)
    truth = cv2.GaussianBlur(rng.integers(0, 256, (150, 100, 3), dtype=np.uint8), (0, 0), 2)
    hole = np.zeros((150, 100), bool)
    hole[20:140, 10:90] = True
    for fill in (np.roll(truth, 3, 0), truth // 2, np.full_like(truth, 90)):
        assert_agrees(truth, hole, np.where(hole[..., None], fill, truth))


def test_pictures_of_changing_sizes_do_not_leak_into_each_other() -> None:
    rng = np.random.default_rng(0)
    for side in (40, 12, 33, 12, 40, 64, 11):
        truth, fill = rng.integers(0, 256, (2, side, side + 3, 3), dtype=np.uint8)
        hole = rng.random((side, side + 3)) < 0.5
        assert_agrees(truth, hole, np.where(hole[..., None], fill, truth))
