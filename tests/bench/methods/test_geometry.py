"""How pictures are brought to a model's size and its answers back: what is shown, what leaks, how parts are joined."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

from bench.methods.callable import CallableMethod
from bench.methods.geometry import Window, assemble, cut, feathered, resized, shrunk_hole, starts, weight, windows
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


@pytest.mark.parametrize("size", [(5, 9), (20, 12), (31, 7)])
def test_another_size_is_pillows_bilinear_without_aliasing(size):
    values = np.random.default_rng(0).random((12, 20)).astype(np.float32)
    expected = np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BILINEAR))
    np.testing.assert_allclose(resized(torch.from_numpy(values)[None, None], size)[0, 0], expected, atol=1e-5)


def test_the_same_size_is_the_same_picture():
    x = torch.rand(1, 3, 4, 6)
    assert resized(x, None) is resized(x, (6, 4)) is shrunk_hole(x, (6, 4)) is x
    assert resized(x, (4, 6)).shape == (1, 3, 6, 4)


def test_a_small_pixel_is_missing_where_any_part_of_it_is():
    hole = torch.zeros(1, 1, 64, 64)
    hole[..., 10, 20] = 1
    small = shrunk_hole(hole, (16, 16))
    # A pixel of 4 x 4 reaches, bilinear, over the four pixels beside it: rows 1 to 3, of which 10 lies in two.
    assert set(small.unique().tolist()) == {0, 1} and small.dtype == hole.dtype
    rows, columns = np.nonzero(small[0, 0].numpy())
    assert 2 in rows and 5 in columns and len(rows) <= 4 and abs(rows - 2).max() <= 1 and abs(columns - 5).max() <= 1
    assert shrunk_hole(hole[..., :1, :1], (4, 4)).sum() == 0


@pytest.mark.parametrize(
    ("shape", "hole", "size", "expected"),
    [
        ((100, 200), (10, 150, 20, 20), (64, 32), Window(4, 128, 32, 64)),  # width first; row 20 - 16, column 160 - 32
        ((100, 200), (90, 190, 10, 10), (64, 64), Window(36, 136, 64, 64)),  # up to the lower right corner
        ((300, 300), (100, 100, 40, 80), (64, 64), Window(60, 80, 120, 120)),  # the wider side decides
        ((300, 300), (100, 100, 80, 40), (64, 64), Window(80, 60, 120, 120)),  # or the taller one
        ((300, 300), (100, 100, 42, 42), (64, 64), Window(89, 89, 64, 64)),  # 42 x 1.5 = 63 is within
        ((300, 300), (100, 100, 44, 44), (64, 64), Window(89, 89, 66, 66)),  # 44 x 1.5 = 66 is not
        ((100, 300), (10, 100, 90, 20), (64, 64), Window(0, 43, 100, 135)),  # 135, but no more than there is
        ((300, 100), (100, 10, 20, 90), (64, 64), Window(43, 0, 135, 100)),
        ((30, 200), (5, 100, 10, 10), (64, 64), Window(0, 73, 64, 64)),  # at its size even beyond the picture
    ],
)
def test_a_crop_is_about_the_hole_of_the_models_proportions(shape, hole, size, expected):
    assert windows(scene(*shape, hole)[1][0], size, "crop", 8) == [expected]


def test_what_is_shown_by_each_fit():
    hole = scene(60, 100, (20, 30, 12, 20))[1][0]
    assert windows(hole, None, None, 8) == [Window(0, 0, 64, 104)]
    assert windows(hole, None, None, 20) == [Window(0, 0, 60, 100)]
    assert windows(hole, (32, 32), "resize", 8) == [Window(0, 0, 60, 100)]
    for fit in ("crop", "tile"):
        assert windows(np.zeros_like(hole), (32, 32), fit, 8) == []
    # Rows and columns of tiles of 64 x 32: 0, 14, 28 and 0, 36; the hole is in rows 20-31 and columns 30-49.
    expected = [Window(top, left, 32, 64) for top in (0, 14, 28) for left in (0, 36)]
    assert windows(hole, (64, 32), "tile", 8) == expected


@pytest.mark.parametrize(
    ("length", "tile", "expected"),
    [
        (64, 64, [0]),
        (63, 64, [0]),
        (65, 64, [0, 1]),
        (112, 64, [0, 48]),  # an overlap of exactly a quarter
        (113, 64, [0, 24, 49]),
        (160, 64, [0, 48, 96]),
        (161, 64, [0, 32, 65, 97]),
    ],
)
def test_there_are_no_more_tiles_than_a_quarters_overlap_needs(length, tile, expected):
    assert starts(length, tile) == expected


def test_beyond_the_lower_right_edge_a_picture_is_reflected():
    x = torch.arange(20.0).reshape(1, 1, 4, 5)
    part = cut(x, Window(1, 2, 5, 5))
    expected = np.pad(x[0, 0, 1:, 2:].numpy(), ((0, 2), (0, 0)), "reflect")
    expected = np.pad(expected, ((0, 0), (0, 2)), "reflect")
    assert part.shape == (1, 1, 5, 5)
    assert np.array_equal(part[0, 0].numpy(), expected)
    assert torch.equal(cut(x, Window(1, 2, 3, 3)), x[..., 1:, 2:])
    assert torch.equal(cut(x, Window(0, 1, 2, 2)), x[..., :2, 1:3])


def test_a_tiles_weight_falls_by_a_pixels_distance_from_its_edges():
    expected = np.outer([1, 2, 2, 1], [1, 2, 3, 2, 1])
    assert np.array_equal(weight(Window(7, 9, 4, 5))[..., 0], expected)


def test_parts_are_laid_where_they_belong_and_the_picture_shows_elsewhere():
    image = np.full((6, 8, 3), 0.25, np.float32)
    one = np.arange(3 * 4 * 3, dtype=np.float32).reshape(3, 4, 3)
    found = assemble(image, [(Window(2, 3, 3, 4), one)])
    np.testing.assert_allclose(found[2:5, 3:7], one, rtol=1e-6)
    found[2:5, 3:7] = 0.25
    assert (found == 0.25).all() and found.dtype == np.float32
    assert np.array_equal(assemble(image, []), image)
    # What lies beyond the edges is left out; a part at the corner that is smaller than the picture leaves the rest.
    large = np.random.default_rng(0).random((9, 9, 3)).astype(np.float32)
    assert np.array_equal(assemble(image, [(Window(0, 0, 9, 9), large)]), large[:6, :8])
    found = assemble(image, [(Window(4, 5, 9, 9), large)])
    np.testing.assert_allclose(found[4:, 5:], large[:2, :3], rtol=1e-6)
    assert (found[:4] == 0.25).all() and (found[:, :5] == 0.25).all()
    found = assemble(image, [(Window(0, 0, 3, 4), one)])
    np.testing.assert_allclose(found[:3, :4], one, rtol=1e-6)
    assert (found[3:] == 0.25).all()


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
