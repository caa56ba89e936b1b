"""Where a hole is filled: windows, shrinking without a leak, pasting back."""

from __future__ import annotations

import numpy as np
import pytest

from bench.demo.window import cut, hole_to, paint_shape, paste, shown, touched, window_of
from tests.bench.demo.conftest import box_hole


def test_a_picture_is_shown_at_768_pixels_at_most_and_never_enlarged() -> None:
    assert paint_shape((3000, 4000)) == (576, 768)
    assert paint_shape((4000, 3000)) == (768, 576)
    assert paint_shape((100, 60)) == (100, 60)
    assert paint_shape((1, 5000)) == (1, 768)
    assert shown(np.zeros((1536, 300, 3), np.uint8)).shape == (768, 150, 3)


def test_a_small_hole_is_filled_at_its_own_pixels_in_the_middle_of_its_window() -> None:
    window = window_of(box_hole((600, 800), 300, 310, 400, 410), 64)
    # 64 pixels about the hole's middle, (305, 405): 305 - 32 = 273, 405 - 32 = 373.
    assert window.box == (273, 337, 373, 437)
    assert window.shape == (64, 64)


def test_a_window_is_twice_as_wide_as_its_hole_and_moved_inside_the_picture() -> None:
    window = window_of(box_hole((600, 800), 0, 100, 700, 800), 50)
    assert window.box == (0, 200, 600, 800)
    assert window.shape == (50, 50)


def test_a_window_wider_than_the_picture_is_the_picture_with_its_sides_in_proportion() -> None:
    window = window_of(box_hole((200, 1000), 0, 200, 0, 400), 100)
    # 2 x 400 = 800 wide, to 100: a factor of 1/8; the picture's 200 rows become 25.
    assert window.box == (0, 200, 0, 800)
    assert window.shape == (25, 100)


def test_a_picture_smaller_than_the_networks_size_is_filled_as_it_is() -> None:
    window = window_of(box_hole((20, 30), 5, 9, 5, 9), 64)
    assert window.box == (0, 20, 0, 30)
    assert window.shape == (20, 30)


def test_a_cell_is_a_hole_where_any_pixel_of_it_is() -> None:
    hole = box_hole((8, 8), 3, 4, 3, 4)
    assert np.argwhere(touched(hole, (4, 4))).tolist() == [[1, 1]]


@pytest.mark.parametrize("size", [16, 23, 40])
def test_nothing_under_the_hole_reaches_the_method(size: int) -> None:
    hole = box_hole((97, 131), 20, 75, 31, 88)
    known = np.random.default_rng(1).integers(0, 256, (97, 131, 3), dtype=np.uint8)
    shown_pictures = []
    for under in (0, 255):
        picture = known.copy()
        picture[hole] = under
        small, gap = cut(picture, hole, window_of(hole, size))
        small[gap] = 0
        shown_pictures.append(small)
    np.testing.assert_array_equal(*shown_pictures)


def test_known_pixels_stay_to_the_bit_and_the_hole_changes_at_every_scale() -> None:
    picture = np.random.default_rng(2).integers(0, 200, (120, 90, 3), dtype=np.uint8)
    hole = box_hole((120, 90), 10, 70, 10, 70)
    for size in (16, 64, 256):
        window = window_of(hole, size)
        result = paste(picture, hole, window, np.full((*window.shape, 3), 255, np.uint8))
        np.testing.assert_array_equal(result[~hole], picture[~hole])
        assert (result[hole] == 255).all()


def test_without_scaling_the_fill_arrives_pixel_by_pixel() -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    hole = box_hole((64, 64), 20, 30, 20, 30)
    filled = np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(paste(picture, hole, window_of(hole, 64), filled)[hole], filled[hole])


def test_a_painted_hole_grows_with_the_picture_by_nearest_neighbours() -> None:
    small = np.array([[True, False], [False, True]])
    np.testing.assert_array_equal(hole_to(small, (4, 6)), np.kron(small, np.ones((2, 3), bool)))
