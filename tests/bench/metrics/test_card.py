"""The card under the metrics: boxes, what counts as changed, sums of a region, what is kept."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.metrics.card import Card, Hole, Sums, Truth, absolute_error, colour_sums, squared_error, stencil
from bench.metrics.scorer import Scorer

RNG = np.random.default_rng(5)
TRUTH = RNG.integers(0, 250, (20, 30, 3), dtype=np.uint8)
HOLE = np.zeros((20, 30), bool)
HOLE[4:9, 6:17] = True


def card(filled: np.ndarray, hole: np.ndarray = HOLE) -> Card:
    return Card(Truth(TRUTH), Hole(hole), filled)


# ---- what changed


@pytest.mark.parametrize("place", [(0, 0), (19, 29), (6, 17), (6, 5), (3, 10), (9, 10)])
@pytest.mark.parametrize("channel", [0, 1, 2])
def test_one_known_level_that_changed_is_noticed(place: tuple[int, int], channel: int) -> None:
    filled = TRUTH.copy()
    filled[HOLE] = 7
    assert not card(filled).known_changed
    filled[(*place, channel)] += 1
    assert card(filled).known_changed
    row = Scorer(["mse", "l1"]).score("x", TRUTH, HOLE, [filled])[0]
    error = filled.astype(float) - TRUTH
    assert row["l1"] == pytest.approx(np.abs(error).mean() / 255, rel=1e-12)
    assert row["mse"] == pytest.approx((error**2).mean() / 255**2, rel=1e-12)


def test_the_box_is_the_holes_until_a_known_pixel_changes() -> None:
    filled = TRUTH.copy()
    filled[5, 7] = 255
    assert card(filled).box == (4, 9, 6, 17)
    filled[0, 0] += 1
    assert card(filled).box == (0, 20, 0, 30)


# ---- holes


def test_a_holes_box_touches_it_on_every_side() -> None:
    hole = np.zeros((10, 12), bool)
    hole[2, 7] = hole[8, 3] = True
    assert Hole(hole).box == (2, 9, 3, 8)
    assert Hole(np.ones((10, 12), bool)).box == (0, 10, 0, 12)
    assert Hole(np.zeros((10, 12), bool)).box == (0, 0, 0, 0)


def test_a_hole_counts_its_missing_and_its_known_pixels() -> None:
    assert (Hole(HOLE).area, Hole(HOLE).known) == (55, 545)


# ---- sums


def test_sums_are_exact_integers_and_means_are_over_channels() -> None:
    a, b = np.full((2, 3, 3), 10, np.uint8), np.full((2, 3, 3), 13, np.uint8)
    a[0, 0, 1] = 255
    # 17 values differ by 3, one by 242.
    assert (squared_error(a, b), absolute_error(a, b)) == (17 * 9 + 242**2, 17 * 3 + 242)
    sums = Sums(4, 17 * 9, 17 * 3)
    assert sums.mse == pytest.approx(17 * 9 / 12 / 255**2, rel=1e-15)
    assert sums.l1 == pytest.approx(17 * 3 / 12 / 255, rel=1e-15)


def test_the_squares_of_any_picture_come_back_as_the_integer_that_they_are() -> None:
    for side in (7, 31, 90):
        a, b = RNG.integers(0, 256, (2, side, side, 3), dtype=np.uint8)
        assert squared_error(a, b) == ((a.astype(int) - b) ** 2).sum()
        assert absolute_error(a, b) == np.abs(a.astype(int) - b).sum()


def test_a_region_of_nothing_has_no_mean() -> None:
    assert math.isnan(Sums(0, 0, 0).mse) and math.isnan(Sums(0, 0, 0).l1)


def test_colours_are_summed_in_the_order_red_green_blue() -> None:
    assert colour_sums(np.array([[[1, 20, 200], [2, 30, 100]]], np.uint8)) == (3, 50, 300)
    assert colour_sums(np.zeros((0, 0, 3), np.uint8)) == (0, 0, 0)


def test_a_stencil_holds_all_bits_where_the_mask_does() -> None:
    mask = np.array([[True, False]])
    assert stencil(mask).tolist() == [[[255] * 3, [0] * 3]]
    hole = Hole(np.array([[False, True, True], [False, True, False]]))
    assert hole.stencil[..., 0].tolist() == [[255, 255], [255, 0]]
    assert hole.known_stencil[..., 0].tolist() == [[0, 0], [0, 255]]
    assert hole.weights(np.float32)[..., 2].tolist() == [[1, 1], [1, 0]]


# ---- what is kept


def test_what_is_asked_for_twice_is_computed_once_and_what_was_handed_over_not_at_all() -> None:
    calls = []

    def count(of: Card) -> int:
        calls.append(of)
        return 41 + len(calls)

    here = card(TRUTH)
    assert not here.has(count)
    assert (here.once(count), here.once(count), len(calls)) == (42, 42, 1)
    other = card(TRUTH)
    other.keep(count, 7)
    assert other.has(count)
    assert (other.once(count), len(calls)) == (7, 1)
