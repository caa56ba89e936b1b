"""Rectangles, circles, ellipses, halves and frames against hand calculation and brute force."""

from __future__ import annotations

import numpy as np
import pytest

from bench.masks.registry import draw
from bench.masks.spans import fill


def box(hole: np.ndarray) -> tuple[int, int, int, int]:
    """Top, left, height, width of the smallest box around a hole."""
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    return int(rows[0]), int(columns[0]), int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)


def test_standard_is_the_middle_quarter_of_the_picture() -> None:
    hole = draw("standard", (64, 64), 0, [0])[0]
    assert box(hole) == (16, 16, 32, 32)
    assert hole.sum() == 32 * 32
    odd = draw("standard", (9, 30), 0, [0])[0]
    assert box(odd) == (2, 7, 4, 15)
    assert odd.sum() == 60


def test_border_is_a_frame_of_an_eighth() -> None:
    hole = draw("border", (256, 256), 0, [0])[0]
    assert hole.sum() == 256 * 256 - 192 * 192
    assert hole.mean() == 0.4375
    assert not hole[32:-32, 32:-32].any()
    wide = draw("border", (8, 20), 0, [0])[0]
    assert wide.sum() == 8 * 20 - 6 * 16


def test_half_is_one_of_the_four_halves_each_as_often() -> None:
    holes = draw("half", (6, 7), 0, range(2000))
    left, top = np.zeros((6, 7), bool), np.zeros((6, 7), bool)
    left[:, :3] = True
    top[:3] = True
    counts = [(holes == one).all(axis=(1, 2)).sum() for one in (left, left[:, ::-1], top, top[::-1])]
    assert sum(counts) == 2000
    # 2000 draws of 1/4: standard deviation 19.4.
    assert all(abs(count - 500) < 80 for count in counts)
    assert (draw("half", (64, 64), 0, range(20)).mean(axis=(1, 2)) == 0.5).all()


def test_rectangles_are_solid_and_an_eighth_to_a_half_of_each_side() -> None:
    holes = draw("rect", (64, 160), 0, range(3000))
    found = np.array([box(hole) for hole in holes])
    assert (found[:, 2] * found[:, 3] == holes.sum(axis=(1, 2))).all()
    assert {int(tall) for tall in found[:, 2]} == {*range(8, 33)}
    assert {int(wide) for wide in found[:, 3]} == {*range(20, 81)}
    # Both edges of the picture are reached.
    assert found[:, 0].min() == 0
    assert (found[:, 0] + found[:, 2]).max() == 64
    # Sides are drawn apart and evenly: the mean area is the product of the mean sides, 20/64 x 50/160.
    assert holes.mean() == pytest.approx(20 / 64 * 50 / 160, abs=0.003)


def test_circles_are_round_and_wholly_inside() -> None:
    holes = draw("circle", (80, 120), 0, range(1500))
    for hole in holes:
        _, _, tall, wide = box(hole)
        assert abs(tall - wide) <= 1
        assert 9 <= tall <= 41
        # A disc of diameter d has a box of d - 1 to d + 1 pixels, as its centre lies on a pixel or between.
        diameter = (tall + wide) / 2
        assert np.pi / 4 * (diameter - 1.5) ** 2 < hole.sum() < np.pi / 4 * (diameter + 1) ** 2
    # A circle cut by the edge would be flat there: the outermost row holds few pixels of a large one.
    touching = holes[:, 0].sum(axis=1)
    assert touching.max() <= 14
    # Mean of pi/4 d^2 over whole diameters 10 to 40, over the picture.
    assert holes.mean() == pytest.approx(np.pi / 4 * np.mean(np.arange(10, 41) ** 2.0) / (80 * 120), rel=0.04)


def test_a_circle_is_every_pixel_within_its_radius() -> None:
    for hole in draw("circle", (40, 40), 1, range(50)):
        top, left, tall, wide = box(hole)
        y, x = np.mgrid[:40, :40]
        # The centre lies in the middle of the box by symmetry; the radius lies between the farthest pixel
        # inside and the nearest outside.
        far = (x - left - (wide - 1) / 2) ** 2 + (y - top - (tall - 1) / 2) ** 2
        assert far[hole].max() < far[~hole].min() or abs(tall - wide) == 1


def test_ellipses_fill_their_own_moments() -> None:
    """A solid ellipse of semi-axes a, b has variances a^2/4, b^2/4 along its axes, hence area 4 pi sqrt(det)."""
    holes = draw("ellipse", (128, 128), 0, range(400))
    lengths, tilts = [], []
    for hole in holes:
        y, x = np.nonzero(hole)
        spread = np.cov(np.stack([x, y]))
        # A pixel is itself a square of variance 1/12.
        expected = 4 * np.pi * np.sqrt(np.linalg.det(spread + np.eye(2) / 12))
        assert hole.sum() == pytest.approx(expected, rel=0.05, abs=6)
        values, vectors = np.linalg.eigh(spread)
        lengths.append(4 * np.sqrt(values))
        if values[1] > 2 * values[0]:
            tilts.append(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])) % 180)
    # Axes from an eighth to a half of the side, 16 to 64 pixels, and tilts of every kind.
    assert 14 < np.min(lengths) < 20
    assert 58 < np.max(lengths) < 66
    assert np.histogram(tilts, bins=6, range=(0, 180))[0].min() > 0


def test_ellipses_lie_wholly_inside() -> None:
    holes = draw("ellipse", (64, 96), 2, range(3000))
    padded = np.pad(holes, ((0, 0), (1, 1), (1, 1)))
    # Of an uncut ellipse the runs in a row or column shrink towards the edge; one cut would end in a long run.
    assert padded[:, 1].sum(axis=1).max() <= 16
    assert padded[:, :, 1].sum(axis=1).max() <= 16
    assert padded[:, 1].any()
    assert padded[:, :, -2].any()


def test_fill_clips_runs_and_leaves_empty_ones() -> None:
    first = np.array([[-5, 2, 3, 9, 8, 4]])
    last = np.array([[1, 2, 2, 12, -1, 20]])
    rows = ["##......", "..#.....", "........", "........", "........", "....####"]
    expected = np.array([[c == "#" for c in row] for row in rows])
    np.testing.assert_array_equal(fill(first, last, 8)[0], expected)


@pytest.mark.parametrize(
    ("size", "tall", "wide"),
    [
        ((1, 1), {1}, {1}),
        ((2, 3), {1}, {1}),
        ((4, 7), {1, 2}, {1, 2, 3}),
        ((8, 15), {1, 2, 3, 4}, {*range(1, 8)}),
        ((16, 23), {*range(2, 9)}, {*range(2, 12)}),
    ],
)
def test_rectangles_of_small_pictures_have_every_side_from_an_eighth_and_a_pixel_on(
    size: tuple[int, int], tall: set[int], wide: set[int]
) -> None:
    found = np.array([box(hole) for hole in draw("rect", size, 0, range(400))])
    assert ({*found[:, 2].tolist()}, {*found[:, 3].tolist()}) == (tall, wide)
    # Every place where they fit.
    assert {*found[:, 0].tolist()} == {*range(size[0] - min(tall) + 1)}
    assert {*found[:, 1].tolist()} == {*range(size[1] - min(wide) + 1)}


@pytest.mark.parametrize(
    ("name", "size", "rows"),
    [
        ("border", (7, 15), ["#" * 15, *["#" + "." * 13 + "#"] * 5, "#" * 15]),
        ("border", (16, 8), ["#" * 8] * 2 + ["#......#"] * 12 + ["#" * 8] * 2),
        ("border", (1, 1), ["#"]),
        ("standard", (1, 1), ["#"]),
        ("standard", (3, 5), [".##..", ".....", "....."]),
        ("standard", (4, 6), ["......", ".###..", ".###..", "......"]),
    ],
)
def test_fixed_holes_of_small_pictures(name: str, size: tuple[int, int], rows: list[str]) -> None:
    expected = np.array([[c == "#" for c in row] for row in rows])
    np.testing.assert_array_equal(draw(name, size, 0, [0])[0], expected)


def test_halves_of_a_picture_of_one_pixel_are_that_pixel_and_of_a_row_its_ends() -> None:
    assert draw("half", (1, 1), 0, range(8)).all()
    found = {"".join(".#"[int(pixel)] for pixel in hole[0]) for hole in draw("half", (1, 5), 0, range(60))}
    assert found == {"##...", "...##", "#####"}


@pytest.mark.parametrize(
    ("size", "sides"), [((2, 9), {2}), ((5, 5), {2}), ((8, 8), {2, 3, 4}), ((31, 24), {*range(3, 13)})]
)
def test_circles_have_every_diameter_from_an_eighth_and_two_pixels_to_a_half(
    size: tuple[int, int], sides: set[int]
) -> None:
    found = {max(box(hole)[2:]) for hole in draw("circle", size, 0, range(600))}
    # Of a diameter of d pixels the box has d of them, or d - 1 where the centre lies on a pixel of an even one.
    assert found <= {side + more for side in sides for more in (-1, 0, 1)}
    assert max(found) in (max(sides), max(sides) + 1) and min(found) in (min(sides) - 1, min(sides))
