"""Colour differences, shifts and their share of the error."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from bench.metrics.colour import delta_e_2000, lab
from bench.metrics.scorer import Scorer

# Sharma, Wu & Dalal, "The CIEDE2000 color-difference formula", Color Research & Application 30 (2005), table 1.
SHARMA = [
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, 3.1571, -77.2803), (50.0, 0.0, -82.7485), 2.8615),
    ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0),
    ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0009), 7.1792),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0011), 7.2195),
    ((50.0, -0.001, 2.49), (50.0, 0.0009, -2.49), 4.8045),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ((50.0, 2.5, 0.0), (61.0, -5.0, 29.0), 22.8977),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((63.0109, -31.0961, -5.8663), (62.8187, -29.7946, -4.0864), 1.2630),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("first", "second", "wanted"), SHARMA)
def test_the_formula_gives_the_published_differences_both_ways(first, second, wanted) -> None:  # type: ignore[no-untyped-def]
    assert delta_e_2000(first, second) == pytest.approx(wanted, abs=5e-5)
    assert delta_e_2000(second, first) == pytest.approx(wanted, abs=5e-5)


def test_white_black_and_red_have_their_known_lab_values() -> None:
    assert lab((255, 255, 255)) == pytest.approx((100, 0, 0), abs=0.01)
    assert lab((0, 0, 0)) == pytest.approx((0, 0, 0), abs=1e-9)
    assert lab((255, 0, 0)) == pytest.approx((53.24, 80.09, 67.20), abs=0.02)


def test_colours_have_scikit_images_lab_values_and_differences() -> None:
    """Dark ones, whose formulas are linear, and greys, which have no hue, among them."""
    rng = np.random.default_rng(0)
    levels = np.concatenate(
        [rng.random((200, 3)) * 255, rng.random((40, 3)) * 12, np.repeat(rng.random((20, 1)) * 255, 3, axis=1)]
    )
    ours = [lab(colour) for colour in levels]
    np.testing.assert_allclose(ours, rgb2lab(levels / 255), rtol=1e-9, atol=1e-9)
    wide = rng.uniform((0, -128, -128), (100, 128, 128), (200, 3))
    for values in (np.asarray(ours), wide, np.where(rng.random((200, 3)) < 0.3, 0.0, wide)):
        found = [delta_e_2000(tuple(a), tuple(b)) for a, b in zip(values, values[::-1], strict=True)]
        np.testing.assert_allclose(found, deltaE_ciede2000(values, values[::-1]), rtol=1e-9, atol=1e-7)


def test_equal_colours_differ_by_exactly_nothing() -> None:
    for colour in ((0, 0, 0), (255, 255, 255), (12.5, 130.25, 90), (128, 128, 128)):
        assert delta_e_2000(lab(colour), lab(colour)) == 0.0


def card(filled: np.ndarray, truth: np.ndarray, hole: np.ndarray) -> dict[str, float]:
    names = ["colour_shift", "colour_shift_r", "colour_shift_g", "colour_shift_b", "colour_shift_share"]
    return Scorer(names).score("x", truth, hole, [filled])[0]


def test_a_constant_offset_is_the_whole_error_and_keeps_its_sign() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(50, 200, (24, 24, 3), dtype=np.uint8)
    hole = np.zeros((24, 24), bool)
    hole[5:15, 3:20] = True
    filled = truth.copy()
    filled[hole] += np.array([10, 0, 246], np.uint8)  # + 10, 0, - 10
    row = card(filled, truth, hole)
    assert (row["colour_shift_r"], row["colour_shift_g"], row["colour_shift_b"]) == (10.0, 0.0, -10.0)
    assert row["colour_shift_share"] == 1.0


def test_an_error_that_is_right_on_average_has_no_shift() -> None:
    truth = np.full((16, 16, 3), 100, np.uint8)
    hole = np.ones((16, 16), bool)
    filled = truth.copy()
    filled[::2] += 8
    filled[1::2] -= 8
    row = card(filled, truth, hole)
    assert (row["colour_shift"], row["colour_shift_g"], row["colour_shift_share"]) == (0.0, 0.0, 0.0)


def test_an_exact_fill_has_no_shift_and_no_share() -> None:
    truth = np.full((16, 16, 3), 100, np.uint8)
    row = card(truth.copy(), truth, np.ones((16, 16), bool))
    assert row["colour_shift"] == 0.0
    assert math.isnan(row["colour_shift_share"])


def test_each_channels_shift_and_the_distance_are_of_the_holes_means() -> None:
    rng = np.random.default_rng(1)
    truth, fill = rng.integers(0, 256, (2, 24, 24, 3), dtype=np.uint8)
    fill[..., 0] //= 3
    fill[..., 2] //= 2
    hole = rng.random((24, 24)) < 0.3
    filled = np.where(hole[..., None], fill, truth)
    row = card(filled, truth, hole)
    error = fill[hole].astype(float) - truth[hole]
    shift = error.mean(axis=0)
    assert [row[f"colour_shift_{c}"] for c in "rgb"] == pytest.approx(list(shift), rel=1e-12)
    assert row["colour_shift_share"] == pytest.approx((shift**2).sum() / (error**2).sum(axis=1).mean(), rel=1e-12)
    means = [rgb2lab(picture[hole].mean(axis=0) / 255) for picture in (truth, fill)]
    assert row["colour_shift"] == pytest.approx(float(deltaE_ciede2000(*means)), abs=1e-6)
