"""Strokes against brute force and OpenCV; LaMa's masks against its published settings, drawn by OpenCV."""

from __future__ import annotations

import numpy as np
import pytest

from bench.masks import lama
from bench.masks.redraw import redrawn
from bench.masks.registry import draw
from bench.masks.strokes import Canvas, draw_segments


def distances(size: tuple[int, int], start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """From every pixel to a segment, by projection onto it; float64 (H, W)."""
    y, x = np.mgrid[: size[0], : size[1]]
    step = end - start
    along = (x - start[0]) * step[0] + (y - start[1]) * step[1]
    share = np.clip(along / max(step @ step, 1e-12), 0, 1)
    return np.hypot(x - start[0] - share * step[0], y - start[1] - share * step[1])


def test_a_segment_covers_the_pixels_within_its_radius() -> None:
    rng = np.random.default_rng(0)
    start, end = rng.integers(-10, 60, (2, 300)), rng.integers(-10, 60, (2, 300))
    end[:, :20] = start[:, :20]
    end[0, 20:40] = start[0, 20:40]
    end[1, 40:60] = start[1, 40:60]
    radius = rng.uniform(0.5, 20, 300)
    holes = draw_segments((300, 40, 50), np.arange(300), start, end, radius)
    for hole, a, b, reach in zip(holes, start.T, end.T, radius, strict=True):
        far = distances((40, 50), a.astype(float), b.astype(float))
        clear = abs(far - reach) > 1e-3
        np.testing.assert_array_equal(hole[clear], (far <= reach)[clear])


def test_segments_of_one_hole_are_joined_and_others_left_alone() -> None:
    start, end = np.array([[2, 20, 5], [2, 20, 5]]), np.array([[10, 28, 5], [2, 25, 25]])
    one = draw_segments((3, 30, 30), np.array([0, 0, 2]), start, end, np.array([2, 3, 1]))
    apart = [
        draw_segments((1, 30, 30), np.array([0]), start[:, [i]], end[:, [i]], np.array([r]))[0]
        for i, r in enumerate((2, 3, 1))
    ]
    np.testing.assert_array_equal(one[0], apart[0] | apart[1])
    assert not one[1].any()
    np.testing.assert_array_equal(one[2], apart[2])


def test_a_brush_covers_what_opencv_draws_of_that_thickness() -> None:
    import cv2

    rng = np.random.default_rng(1)
    start, end = rng.integers(0, 128, (2, 200)), rng.integers(0, 128, (2, 200))
    thickness = rng.integers(5, 40, 200)
    holes = draw_segments((200, 128, 128), np.arange(200), start, end, (thickness + 1) // 2 + 1 / 3)
    lines = np.zeros((200, 128, 128), np.uint8)
    for line, a, b, t in zip(lines, start.T, end.T, thickness, strict=True):
        cv2.line(line, a.tolist(), b.tolist(), 1, int(t))
    assert holes.sum() == pytest.approx(lines.sum(), rel=0.01)
    assert (holes & (lines > 0)).sum() / (holes | (lines > 0)).sum() > 0.97


PUBLISHED_AREA = {"lama_thin": 0.288, "lama_medium": 0.234, "lama_thick": 0.268}


@pytest.mark.parametrize("name", PUBLISHED_AREA)
def test_mean_hole_area_at_256_is_the_published_one(name: str) -> None:
    areas = np.concatenate(
        [draw(name, (256, 256), 0, range(i, i + 250)).mean(axis=(1, 2)) for i in range(0, 2000, 250)]
    )
    # The published means are themselves of a sample: two standard errors of ours (0.003) and one of theirs.
    assert areas.mean() == pytest.approx(PUBLISHED_AREA[name], abs=0.009)


def opencv_walks(rng: np.random.Generator, side: int, strokes: tuple[int, int], brush: int, length: int) -> np.ndarray:
    """LaMa's irregular masks as its paper's generator draws them, one cv2.line per segment."""
    import cv2

    hole = np.zeros((side, side), np.uint8)
    for stroke in range(rng.integers(strokes[0], strokes[1] + 1)):
        x, y = (int(v) for v in rng.integers(0, side, 2))
        for _ in range(rng.integers(1, 6)):
            angle = rng.integers(4) + 0.01
            angle = -angle if stroke % 2 == 0 else angle
            reach = 10 + rng.integers(length)
            to = [int(min(max(v, 0), side)) for v in (x + reach * np.sin(angle), y + reach * np.cos(angle))]
            cv2.line(hole, (x, y), to, 1, int(5 + rng.integers(brush)))
            x, y = to
    return hole.astype(bool)


@pytest.mark.parametrize(
    ("settings", "side", "strokes", "brush", "length", "count"),
    [
        (lama.THIN, 256, (4, 51), 10, 40, 250),
        (lama.MEDIUM, 256, (4, 6), 50, 100, 600),
        (lama.THICK, 256, (1, 6), 100, 200, 600),
        (lama.THIN, 512, (4, 71), 20, 100, 100),
        (lama.MEDIUM, 512, (4, 11), 100, 200, 200),
        (lama.THICK, 512, (1, 6), 250, 450, 200),
    ],
)
def test_walks_cover_as_much_as_those_drawn_with_opencv(
    settings: dict, side: int, strokes: tuple[int, int], brush: int, length: int, count: int
) -> None:
    rng = np.random.default_rng(0)
    theirs = np.array([opencv_walks(rng, side, strokes, brush, length).mean() for _ in range(count)])
    canvas = Canvas.of((side, side), side)
    ours = np.concatenate(
        [
            lama.strokes("test", settings[side], canvas, 0, np.arange(begin, begin + 50)).mean(axis=(1, 2))
            for begin in range(0, count, 50)
        ]
    )
    error = np.hypot(theirs.std(), ours.std()) / np.sqrt(count)
    assert abs(ours.mean() - theirs.mean()) < 3.5 * error
    assert ours.std() == pytest.approx(theirs.std(), rel=0.25)


def test_boxes_are_drawn_in_three_of_thirteen_masks_and_never_among_thin_ones() -> None:
    index = np.arange(4000)
    for settings, share in ((lama.THIN, 0.0), (lama.MEDIUM, 0.231), (lama.THICK, 0.231)):
        boxed = lama.is_boxed("mask/x/0", settings[256], 0, index)
        # Standard deviation of a share of 4000: 0.0067.
        assert boxed.mean() == pytest.approx(share, abs=0.02 if share else 0)


@pytest.mark.parametrize(
    ("settings", "side", "count", "sides", "margin"),
    [
        (lama.MEDIUM, 256, (1, 5), (10, 50), 0),
        (lama.THICK, 256, (1, 3), (30, 150), 10),
        (lama.MEDIUM, 512, (1, 5), (30, 150), 0),
        (lama.THICK, 512, (1, 4), (30, 300), 10),
    ],
)
def test_boxes_keep_their_sides_and_their_margin(
    settings: dict, side: int, count: tuple[int, int], sides: tuple[int, int], margin: int
) -> None:
    from skimage.measure import label, regionprops

    canvas = Canvas.of((side, side), side)
    holes = lama.boxes("test", settings[side], canvas, 0, np.arange(200))
    found = []
    for hole in holes:
        parts = regionprops(label(hole))
        assert len(parts) <= count[1]
        # A part that is a full rectangle is one box, or boxes hidden in it.
        found += [part.bbox for part in parts if part.area == part.area_bbox]
    top, left, bottom, right = np.array(found).T
    assert min((bottom - top).min(), (right - left).min()) == sides[0]
    assert sides[1] - 8 <= max((bottom - top).max(), (right - left).max()) <= sides[1]
    assert margin <= min(top.min(), left.min()) <= margin + 3
    assert side - margin - 3 <= max(bottom.max(), right.max()) <= side - margin


@pytest.mark.parametrize("size", [(60, 300), (300, 60)])
def test_boxes_of_an_oblong_picture_fit_between_the_margins_of_its_shorter_side(size: tuple[int, int]) -> None:
    settings = lama.Settings((1, 1), (5, 5), (10, 10), boxes=(1, 1), side=(30, 150), margin=10)
    holes = lama.boxes("test", settings, Canvas(*size, 1.0, size), 0, np.arange(400))
    # A margin of 10 on either side of 60 leaves 40; sides from 30 to 40 come up, both ways.
    assert {int(n) for n in holes.any(axis=2).sum(axis=1)} == {*range(30, 41)}
    assert {int(n) for n in holes.any(axis=1).sum(axis=1)} == {*range(30, 41)}
    known = np.ones(size, bool)
    known[10:-10, 10:-10] = False
    assert not holes[:, known].any()


def test_the_smallest_box_of_a_small_picture_is_one_pixel() -> None:
    # 10 of 256 units are a third of one of 8 pixels: no box holds two middles, and many hold none.
    settings = lama.Settings((1, 1), (5, 5), (10, 10), boxes=(1, 1), side=(10, 10))
    holes = lama.boxes("test", settings, Canvas.of((8, 8), 256), 0, np.arange(300))
    assert (holes.sum(axis=(1, 2)) == 1).all()
    assert holes.any(axis=0).sum() > 50


@pytest.mark.parametrize("name", ["freeform", *PUBLISHED_AREA])
@pytest.mark.parametrize("size", [(256, 256), (64, 64), (100, 300)])
def test_no_hole_covers_more_than_half_and_none_is_dropped(name: str, size: tuple[int, int]) -> None:
    holes = draw(name, size, 1, range(300))
    assert len(holes) == 300
    assert holes.mean(axis=(1, 2)).max() <= 0.5
    # Many first draws cover more than half, so a redraw that kept them would be seen.
    if name == "lama_thick":
        canvas = Canvas.of((256, 256), 256)
        assert lama.strokes("test", lama.THICK[256], canvas, 0, np.arange(100)).mean(axis=(1, 2)).max() > 0.5


@pytest.mark.parametrize("name", ["freeform", *PUBLISHED_AREA])
@pytest.mark.parametrize(
    ("size", "published"),
    [((64, 64), 256), ((192, 192), 256), ((383, 383), 256), ((384, 384), 512), ((1024, 1024), 512)],
)
def test_other_sizes_show_the_published_holes_scaled(name: str, size: tuple[int, int], published: int) -> None:
    from skimage.transform import resize

    near = draw(name, (published, published), 0, range(8))
    here = draw(name, size, 0, range(8))
    if name == "freeform" and published == 512:
        near = draw(name, (256, 256), 0, range(8))
    agree = 0
    for large, scaled in zip(near, here, strict=True):
        # Where a hole is near half the picture, rounding may decide that it is drawn again.
        expected = resize(large.astype(float), size, order=1, anti_aliasing=size[0] < len(large)) > 0.5
        agree += (expected & scaled).sum() / (expected | scaled).sum() > (0.75 if size[0] < 256 else 0.9)
    assert agree >= 7


def test_holes_that_are_too_large_are_drawn_again_from_the_next_stream() -> None:
    asked: list[tuple[int, list[int]]] = []

    def area(index: int, attempt: int) -> int:
        return 8 if attempt == index else 9

    def draw_round(indices: np.ndarray, attempt: int) -> np.ndarray:
        asked.append((attempt, indices.tolist()))
        holes = np.zeros((len(indices), 16), bool)
        for hole, index in zip(holes, indices, strict=True):
            hole[: area(index, attempt)] = True
        return holes.reshape(-1, 4, 4)

    holes = redrawn(draw_round, np.array([0, 2, 1]), (4, 4))
    assert holes.sum(axis=(1, 2)).tolist() == [8, 8, 8]
    assert asked == [(0, [0, 2, 1]), (1, [2, 1]), (2, [2])]


def test_where_no_draw_is_small_enough_the_smallest_stands_the_first_of_like_ones() -> None:
    asked = []

    def draw_round(indices: np.ndarray, attempt: int) -> np.ndarray:
        asked.append(attempt)
        holes = np.ones((len(indices), 16), bool)
        if attempt in (7, 9):
            holes[:, attempt : attempt + 3] = False
        return holes.reshape(-1, 4, 4)

    hole = redrawn(draw_round, np.array([5]), (4, 4)).ravel()
    assert np.flatnonzero(~hole).tolist() == [7, 8, 9]
    assert asked == list(range(100))


def test_of_many_pixels_a_few_holes_are_drawn_at_a_time_in_order() -> None:
    asked: list[list[int]] = []

    def draw_round(indices: np.ndarray, attempt: int) -> np.ndarray:
        asked.append(indices.tolist())
        holes = np.zeros((len(indices), 1024, 1024), bool)
        holes[:, 0, 0] = indices % 2 == 0
        return holes

    holes = redrawn(draw_round, np.arange(10, 15), (1024, 1024))
    assert asked == [[10, 11], [12, 13], [14]]
    assert holes[:, 0, 0].tolist() == [True, False, True, False, True]
