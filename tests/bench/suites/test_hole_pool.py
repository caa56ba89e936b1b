"""Holes dealt out of a pool: none twice while they last, the same for a picture whatever else is scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.datasets.registry import Dataset
from bench.suites.hole_file import Reading
from bench.suites.hole_pool import HolePool
from bench.suites.suite import Suite, parse_masks
from bench.util.errors import UsageError


def make_pool(folder: Path, count: int, size: tuple[int, int] = (16, 16)) -> Path:
    """Holes that differ: number i is a bar of i + 1 rows of white."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        rows = np.zeros(size, np.uint8)
        rows[: i + 1] = 255
        Image.fromarray(rows).save(folder / f"irregular-{i:05d}.png")
    return folder


def dealt(folder: Path, ids: list[str], seed: int = 0, side: int = 16) -> dict[str, int]:
    """Which hole each picture got, by the number of its rows."""
    pool = HolePool("pool", folder, seed=seed)
    pool.require(ids)
    return {image_id: int(pool.read(image_id, (side, side)).any(axis=1).sum()) for image_id in ids}


def test_no_hole_is_dealt_twice_while_they_last(tmp_path: Path) -> None:
    folder = make_pool(tmp_path / "pool", 7)
    got = dealt(folder, [f"p{i}" for i in range(7)])
    assert sorted(got.values()) == [1, 2, 3, 4, 5, 6, 7]
    more = dealt(folder, [f"p{i}" for i in range(17)])
    counts = np.bincount(list(more.values()), minlength=8)[1:]
    assert set(counts) == {2, 3}


def test_the_deal_follows_from_seed_and_ids_and_not_from_their_order(tmp_path: Path) -> None:
    folder = make_pool(tmp_path / "pool", 12)
    ids = [f"p{i}" for i in range(10)]
    assert dealt(folder, ids) == dealt(folder, ids[::-1])
    assert dealt(folder, ids, seed=1) != dealt(folder, ids)


def test_a_picture_more_changes_hardly_any_hole_of_a_pool(tmp_path: Path) -> None:
    folder = make_pool(tmp_path / "pool", 60, (64, 64))
    ids = [f"p{i}" for i in range(20)]
    before, after = dealt(folder, ids, side=64), dealt(folder, ["a", *ids], side=64)
    assert sum(before[image_id] != after[image_id] for image_id in ids) <= 3


def test_a_hole_is_cut_in_the_middle_and_resized_by_nearest_neighbour(tmp_path: Path) -> None:
    # 8 rows x 12 columns for a square of 4: the middle 8 x 8, every second pixel of it.
    hole = np.random.default_rng(0).random((8, 12)) < 0.5
    Image.fromarray(hole.astype(np.uint8) * 255).save(tmp_path / "x.png")
    pool = HolePool("pool", tmp_path)
    pool.require(["a"])
    np.testing.assert_array_equal(pool.read("a", (4, 4)), hole[1::2, 3:11:2])
    # And for a picture of 2 x 6: the middle 4 rows.
    np.testing.assert_array_equal(pool.read("a", (2, 6)), hole[3:7:2, 1::2])


def test_a_pool_says_how_large_its_holes_are(tmp_path: Path) -> None:
    folder = make_pool(tmp_path / "my masks", 16)
    pictures = Dataset("d", "test", 16, [f"p{i}" for i in range(16)], lambda i: np.full((16, 16, 3), i, np.uint8))
    suite = Suite.open([pictures], f"pool:{folder}", seed=3)
    assert suite.masks == ("my_masks",)
    fingerprint = suite.fingerprint()
    # Rows 1 to 16 of 16: the mean is 8.5 / 16, and 9 to 16 are above a half.
    assert suite.notes() == [
        "'my_masks' assigns 16 of 16 holes to 16 pictures: mean hole area 53.1%, 50% of them above a half"
    ]
    assert fingerprint != Suite.open([pictures], f"pool:{folder}", seed=4).fingerprint()


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ([(8, 8), (8, 8)], ""),
        ([(4, 4), (4, 4)], "; all were resized to 4x4 px"),
        ([(8, 8), (4, 4)], "; 1 of 2 was resized to 4x4 px"),
        ([(8, 6), (8, 6)], "; all were cropped to 6x8 px"),
        ([(2, 4), (2, 4)], "; all were cropped and resized to 4x2 px"),
        ([(4, 4), (2, 4)], "; all were cropped and resized to their pictures' sizes"),
    ],
)
def test_a_pool_says_how_its_holes_were_brought_to_size(
    tmp_path: Path, sizes: list[tuple[int, int]], told: str
) -> None:
    """Holes of 8 x 8 for pictures of ``sizes`` (height, width)."""
    pool = HolePool("pool", make_pool(tmp_path / "pool", 2, (8, 8)))
    ids = [f"p{i}" for i in range(len(sizes))]
    pool.require(ids)
    for image_id, size in zip(ids, sizes, strict=True):
        pool.read(image_id, size)
    assert pool.notes()[0].partition(" above a half")[2] == told


def test_a_pool_keeps_the_polarity_and_refuses_photographs_and_empty_folders(tmp_path: Path) -> None:
    folder = make_pool(tmp_path / "pool", 1)
    pool = HolePool("pool", folder, Reading("black"))
    pool.require(["a"])
    assert pool.read("a", (16, 16)).mean() == 15 / 16
    noise = np.random.default_rng(0).integers(0, 256, (16, 16), np.uint8)
    Image.fromarray(noise).save(folder / "irregular-00000.png")
    with pytest.raises(UsageError, match="looks like a photograph"):
        pool.read("a", (16, 16))
    (tmp_path / "none").mkdir()
    with pytest.raises(UsageError, match="no holes in"):
        parse_masks(f"pool:{tmp_path / 'none'}")
    with pytest.raises(UsageError, match="no folder of holes at 'nowhere'"):
        parse_masks("pool:nowhere")


def test_a_file_of_a_pool_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    folder = make_pool(tmp_path / "pool", 2)
    (folder / "c.heic").touch()
    pool = HolePool("pool", folder)
    pool.require(["p"])
    pool.read("p", (16, 16))
    assert pool.notes()[-1] == (
        "files of 'pool' that cannot be read and were left out: 1 (c.heic: HEIC is not read: convert it to PNG or JPEG)"
    )


def test_a_pool_says_which_of_its_holes_have_transparent_pixels(tmp_path: Path) -> None:
    white = np.full((16, 16, 4), 255, np.uint8)
    white[:8, :, 3] = 0
    Image.fromarray(white).save(tmp_path / "a.png")
    pool = HolePool("pool", tmp_path)
    pool.require(["p"])
    assert pool.read("p", (16, 16)).mean() == 0.5
    assert "holes of 'pool' with transparent pixels, read as known: 1 (a.png)" in pool.notes()
