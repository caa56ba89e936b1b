"""Boxes: what they hold, share and cut, and that there is one kind of them."""

from __future__ import annotations

import numpy as np

from bench.metrics import lpips_patch
from bench.metrics.box import Box
from bench.metrics.card import Card, Hole, Truth

TRUTH = np.random.default_rng(5).integers(0, 250, (20, 30, 3), dtype=np.uint8)


def test_a_hole_and_what_differs_in_it_are_boxes_of_one_kind() -> None:
    """A fill that differs everywhere in its hole: both find the same rectangle, and any metric takes either."""
    hole = np.zeros((20, 30), bool)
    hole[4:9, 6:17] = True
    filled = np.where(hole[..., None], 255 - TRUTH // 2, TRUTH)
    found = (Box.around(hole), Hole(hole).box, Card(Truth(TRUTH), Hole(hole), filled).box)
    assert {type(box) for box in (*found, lpips_patch.differing(TRUTH, [filled]))} == {Box}
    assert {*found, lpips_patch.differing(TRUTH, [filled])} == {(4, 9, 6, 17)}


def test_a_widened_box_stays_in_the_picture_on_each_side() -> None:
    assert Box(10, 12, 20, 25).widened(3, 100, 200) == (7, 15, 17, 28)
    assert Box(2, 97, 1, 198).widened(4, 100, 200) == (0, 100, 0, 200)


def test_two_boxes_share_what_both_hold_and_nothing_where_they_are_apart() -> None:
    assert Box(0, 10, 0, 10).common(Box(5, 20, 3, 8)) == (5, 10, 3, 8)
    for apart in (Box(0, 3, 0, 3), Box(6, 9, 0, 3), Box(0, 3, 6, 9)):
        shared = apart.common(Box(4, 5, 4, 5))
        assert shared.pixels == 0
        assert shared.top <= shared.bottom and shared.left <= shared.right
        assert shared.of(TRUTH).size == 0


def test_pixels_of_a_box_are_never_below_none() -> None:
    assert Box(1, 4, 2, 7).pixels == 15
    assert Box(4, 1, 2, 7).pixels == Box(1, 4, 7, 2).pixels == Box(4, 1, 7, 2).pixels == 0


def test_a_box_cuts_the_same_pixels_from_rows_of_three_channels() -> None:
    box = Box(3, 8, 5, 11)
    np.testing.assert_array_equal(box.of_flat(TRUTH.reshape(20, 90)).reshape(5, 6, 3), TRUTH[3:8, 5:11])
    assert box.within(Box(1, 20, 2, 30)) == (2, 7, 3, 9)


def test_a_box_is_empty_where_either_side_is() -> None:
    assert Box(3, 3, 0, 5).empty and Box(0, 5, 3, 3).empty and Box(4, 3, 0, 5).empty
    assert not Box(0, 1, 0, 1).empty


def test_a_boxs_window_cuts_what_the_box_does() -> None:
    box = Box(3, 8, 5, 11)
    np.testing.assert_array_equal(TRUTH[box.window], TRUTH[3:8, 5:11])
    np.testing.assert_array_equal(box.of(TRUTH), TRUTH[3:8, 5:11])
    assert Box.whole(20, 30).of(TRUTH).shape == TRUTH.shape
