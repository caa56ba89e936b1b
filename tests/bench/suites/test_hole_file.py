"""What a hole file may hold before it is taken for a photograph, pixel by pixel; expected shares by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.suites.hole_file import PLAIN, Reading, read_hole_file
from bench.util.errors import UsageError


def save(path: Path, pixels: np.ndarray) -> Path:
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


def coloured(count: int, apart: int) -> np.ndarray:
    """100 white pixels, ``count`` of them with channels that differ by so many levels."""
    pixels = np.full((10, 10, 3), 255)
    pixels.reshape(-1, 3)[:count, 2] -= apart
    return pixels


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_share_of_coloured_pixels_is_counted(tmp_path: Path, mode: str) -> None:
    # More than 48 levels apart: what JPEG does to a grey picture does not count.
    for count, apart, share in ((30, 49, 0.3), (30, 48, 0.0), (0, 0, 0.0), (100, 200, 1.0)):
        path = tmp_path / "a.png"
        Image.fromarray(coloured(count, apart).astype(np.uint8)).convert(mode).save(path)
        assert read_hole_file(path)[1] == pytest.approx(share)


def test_one_pixel_of_a_hundred_may_be_coloured_and_two_are_a_photograph(tmp_path: Path) -> None:
    assert PLAIN.levels(save(tmp_path / "one.png", coloured(1, 200))).shape == (10, 10)
    with pytest.raises(UsageError, match=r"two\.png looks like a photograph, not a hole \(2% of its pixels are col"):
        PLAIN.levels(save(tmp_path / "two.png", coloured(2, 200)))
    # Whoever names a threshold means what the file holds.
    assert Reading(threshold=100).levels(tmp_path / "two.png").shape == (10, 10)


@pytest.mark.parametrize(
    ("levels", "share", "photograph"),
    [
        # Nine levels from 32 to 223 on more than four pixels of ten.
        ([32, 50, 70, 90, 110, 130, 150, 170, 223], 41, True),
        ([32, 50, 70, 90, 110, 130, 150, 170, 223], 40, False),
        # Eight levels are labels; 31 and 224 are dark and light.
        ([32, 50, 70, 90, 110, 130, 150, 223], 90, False),
        ([31, 50, 70, 90, 110, 130, 150, 170, 223], 90, False),
        ([32, 50, 70, 90, 110, 130, 150, 170, 224], 90, False),
    ],
)
def test_many_pixels_of_many_middle_levels_are_a_photograph(
    tmp_path: Path, levels: list[int], share: int, photograph: bool
) -> None:
    pixels = np.zeros(100)
    pixels[:share] = np.resize(levels, share)
    path = save(tmp_path / "a.png", pixels.reshape(10, 10))
    if photograph:
        with pytest.raises(UsageError, match="41% of its pixels are neither dark nor light"):
            PLAIN.levels(path)
    else:
        assert PLAIN.levels(path).max() == max(levels)


@pytest.mark.parametrize(("threshold", "fine"), [(-1, False), (0, True), (254, True), (255, False)])
def test_a_threshold_leaves_a_level_on_either_side(threshold: int, fine: bool) -> None:
    if fine:
        assert Reading(threshold=threshold).hole(np.array([threshold, threshold + 1])).tolist() == [False, True]
    else:
        with pytest.raises(UsageError, match=f"--mask-threshold {threshold} must be from 0 to 254"):
            Reading(threshold=threshold)
