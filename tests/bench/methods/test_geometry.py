"""How pictures are brought to a model's size and its answers back: what is shown, what leaks, how parts are joined."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from bench.methods.callable import CallableMethod
from bench.methods.geometry import Window, assemble, feathered, starts, windows
from bench.methods.keys import Keys
from bench.methods.spec import Spec


def with_keys(function, **keys) -> CallableMethod:
    return CallableMethod("m", function, spec=Spec("python", "m.py:f", Keys(**keys)))


def scene(height: int, width: int, hole: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A smooth picture and a hole (top, left, height, width)."""
    y, x = np.mgrid[:height, :width]
    image = np.stack((x * 255 / width, y * 255 / height, (x + y) * 255 / (width + height)), axis=-1).astype(np.uint8)
    mask = np.zeros((height, width), bool)
    mask[hole[0] : hole[0] + hole[2], hole[1] : hole[1] + hole[3]] = True
    return image[None], mask[None]


def test_a_crop_holds_the_hole_in_its_middle_and_stays_in_the_picture():
    hole = scene(100, 200, (10, 150, 20, 20))[1][0]
    # Middle of the hole: row 20, column 160; half of 64 is 32, and row 20 - 32 lies above the picture.
    assert windows(hole, (64, 64), "crop", 8) == [Window(0, 128, 64, 64)]


def test_a_crop_of_a_hole_larger_than_the_size_shows_half_of_it_around():
    hole = scene(300, 300, (100, 100, 80, 80))[1][0]
    # 80 x 1.5 = 120 pixels, shown at 64; middle at 140.
    assert windows(hole, (64, 64), "crop", 8) == [Window(80, 80, 120, 120)]


def test_tiles_cover_every_missing_pixel_and_no_more():
    hole = np.zeros((100, 300), bool)
    hole[40:60, 10:30] = hole[90, 299] = True
    tiles = windows(hole, (64, 64), "tile", 8)
    covered = np.zeros_like(hole)
    for t in tiles:
        assert hole[t.top : t.top + 64, t.left : t.left + 64].any()
        assert t.top + 64 <= 100 and t.left + 64 <= 300
        covered[t.top : t.top + 64, t.left : t.left + 64] = True
    assert (covered | ~hole).all()


@pytest.mark.parametrize(("length", "tile"), [(64, 64), (65, 64), (200, 64), (1000, 64), (30, 64)])
def test_tiles_overlap_by_a_quarter_at_least(length, tile):
    places = starts(length, tile)
    assert places[0] == 0 and places[-1] == max(0, length - tile)
    assert all(after - before <= tile * 0.75 + 1 for before, after in pairwise(places))


@pytest.mark.parametrize("fit", ["resize", "crop", "tile"])
@pytest.mark.parametrize("size", [(100, 60), (40, 40), (32, 64), (150, 150)])
def test_a_model_that_copies_what_it_sees_gives_the_picture_back(fit, size):
    seen = []

    def copies(x, h):
        seen.append(tuple(x.shape))
        return x

    image, hole = scene(60, 100, (20, 30, 12, 20))
    raw = with_keys(copies, size=size, fit=fit, blank="keep").fill(image, hole)
    assert set(seen) == {(1, 3, size[1], size[0])}
    # Bilinear there and back blurs a smooth picture by a few levels at most.
    assert np.abs(raw - image / 255).max() < (0.035 if fit != "tile" else 1e-6)


@pytest.mark.parametrize("fit", ["resize", "crop", "tile"])
@pytest.mark.parametrize("size", [(40, 40), (150, 130)])
@pytest.mark.parametrize("blank", ["0", "0.5", "mean"])
def test_the_truth_under_a_hole_never_reaches_the_model(fit, size, blank):
    image, hole = scene(60, 100, (20, 30, 12, 20))
    other = np.where(hole[..., None], 255 - image, image)
    seen = []
    method = with_keys(lambda x, h: seen.append((x, h)) or x, size=size, fit=fit, blank=blank)
    for picture in (image, other):
        method.fill(picture, hole)
    half = len(seen) // 2
    assert all(torch.equal(a[0], b[0]) for a, b in zip(seen[:half], seen[half:], strict=True))
    x, h = seen[0]
    if blank == "0.5":
        assert (x[h.expand_as(x) > 0] == 0.5).all()


def test_overlapping_tiles_fade_into_each_other():
    image = np.zeros((4, 12, 3), np.float32)
    parts = [(Window(0, 0, 4, 8), np.zeros((4, 8, 3))), (Window(0, 4, 4, 8), np.ones((4, 8, 3)))]
    joined = assemble(image, parts)[0, :, 0]
    assert (joined[:4] == 0).all() and (joined[8:] == 1).all()
    # Columns 4 to 7: the left tile counts 4, 3, 2, 1, the right one 1, 2, 3, 4.
    np.testing.assert_allclose(joined[4:8], [0.2, 0.4, 0.6, 0.8], atol=1e-6)


def test_a_feathered_fill_fades_in_from_the_nearest_known_colour():
    image, raw = np.zeros((1, 9, 3), np.float32), np.ones((1, 9, 3), np.float32)
    hole = np.zeros((1, 9), bool)
    hole[0, 2:7] = True
    out = feathered(raw, image, hole, 2)[0, :, 0]
    # One pixel in: 1/3; two: 2/3; three, the middle: all. Known pixels of raw are left.
    np.testing.assert_allclose(out, [1, 1, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3, 1, 1], atol=1e-6)
    assert (feathered(raw, image, hole, 0) == raw).all()
    assert (feathered(raw, image, np.ones_like(hole), 3) == raw).all()


def test_paste_is_a_key_and_leaves_known_pixels():
    image, hole = scene(32, 32, (8, 8, 16, 16))
    white = lambda x, h: torch.ones_like(x)  # noqa: E731
    hard, soft = with_keys(white).fill(image, hole), with_keys(white, feather=4).fill(image, hole)
    assert (hard == 1).all()
    assert (soft[~hole] == 1).all() and soft[0, 8, 8].max() < 0.5 and (soft[0, 16, 16] == 1).all()
