"""Sharpness and seam by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.metrics.scorer import Scorer
from tests.bench.metrics.plain import edge_step, energy


def score(truth: np.ndarray, hole: np.ndarray, filled: np.ndarray) -> tuple[float, float]:
    row = Scorer(["sharpness", "seam"]).score("x", truth, hole, [filled])[0]
    return row["sharpness"], row["seam"]


def stripes(contrast: int) -> np.ndarray:
    """Columns that change between 100 and 100 + contrast, 12 x 12."""
    row = np.where(np.arange(12) % 2, 100 + contrast, 100).astype(np.uint8)
    return np.broadcast_to(row[None, :, None], (12, 12, 3)).copy()


HOLE = np.zeros((12, 12), bool)
HOLE[3:9, 3:9] = True


def test_half_the_contrast_is_a_quarter_of_the_gradient_energy_two_octaves_down() -> None:
    truth = stripes(40)
    assert score(truth, HOLE, np.where(HOLE[..., None], stripes(20), truth))[0] == -2.0


def test_a_flat_fill_has_the_least_sharpness_and_an_exact_one_is_0() -> None:
    truth = stripes(40)
    assert score(truth, HOLE, np.where(HOLE[..., None], np.uint8(100), truth))[0] == -10.0
    assert score(truth, HOLE, truth.copy()) == (0.0, 0.0)


def test_a_constant_truth_has_no_sharpness_to_compare_with() -> None:
    truth = np.full((12, 12, 3), 90, np.uint8)
    sharpness, seam = score(truth, HOLE, np.where(HOLE[..., None], np.uint8(100), truth))
    assert math.isnan(sharpness)
    assert seam == 10.0  # every pair across the edge steps by 10 where the truth steps by 0


def test_a_fill_that_smooths_the_edge_has_a_negative_seam() -> None:
    truth = np.where(HOLE[..., None], np.uint8(130), np.full((12, 12, 3), 90, np.uint8))
    assert score(truth, HOLE, np.full((12, 12, 3), 90, np.uint8))[1] == -40.0


def test_a_hole_of_one_pixel_has_a_seam_of_its_four_neighbours_and_no_sharpness() -> None:
    truth = np.full((12, 12, 3), 90, np.uint8)
    hole = np.zeros((12, 12), bool)
    hole[5, 5] = True
    filled = truth.copy()
    filled[5, 5] = (96, 90, 90)
    sharpness, seam = score(truth, hole, filled)
    assert math.isnan(sharpness)
    assert seam == pytest.approx(2.0)  # 4 neighbours x 6 levels over 4 x 3 channels


@pytest.mark.parametrize("fill", [False, True])
def test_neither_an_empty_nor_a_full_hole_has_a_seam(fill: bool) -> None:
    assert math.isnan(score(stripes(40), np.full((12, 12), fill), stripes(20))[1])


def test_the_pictures_own_border_is_no_seam_and_rows_do_not_wrap() -> None:
    truth = np.full((12, 12, 3), 90, np.uint8)
    truth[:, 0] = 250
    hole = np.zeros((12, 12), bool)
    hole[:, 6:] = True
    filled = np.where(hole[..., None], np.uint8(93), truth)
    assert score(truth, hole, filled)[1] == 3.0


@pytest.mark.parametrize("kind", ["scattered", "corner", "first column", "last column", "one row", "one column"])
def test_sharpness_and_seam_are_numpys_differences_in_both_directions_and_all_channels(kind: str) -> None:
    rng = np.random.default_rng(4)
    truth, fill = rng.integers(0, 256, (2, 13, 17, 3), dtype=np.uint8)
    hole = np.zeros((13, 17), bool)
    where = {"corner": np.s_[:6, :7], "first column": np.s_[:, :1], "last column": np.s_[3:, -1:]}
    where |= {"one row": np.s_[12:, 2:9], "one column": np.s_[2:9, 6:7], "scattered": rng.random((13, 17)) < 0.4}
    hole[where[kind]] = True
    filled = np.where(hole[..., None], fill, truth)
    sharpness, seam = score(truth, hole, filled)
    ratio = energy(filled.astype(float), hole) / energy(truth.astype(float), hole)
    assert sharpness == pytest.approx(np.log2(ratio), rel=1e-9)
    wanted = edge_step(filled.astype(float), hole) - edge_step(truth.astype(float), hole)
    assert seam == pytest.approx(wanted, rel=1e-12)
