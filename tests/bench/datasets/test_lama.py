"""LaMa's layout: pictures and several holes a picture in one folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.datasets.registry import open_dataset
from bench.suites.suite import Suite
from bench.util.errors import UsageError

NOISE = np.random.default_rng(0).integers(0, 256, (3, 20, 30, 3), np.uint8)


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    for number, name in enumerate(("a/k1", "k2", "k3")):
        save(tmp_path / f"{name}.png", NOISE[number])
    for level, name in enumerate(("a/k1_mask000", "a/k1_mask001", "k2_mask")):
        hole = np.zeros((20, 30), np.uint8)
        hole[: level + 1] = 255
        save(tmp_path / f"{name}.png", hole)
    return tmp_path


def test_every_hole_is_an_entry_with_its_own_picture(layout: Path) -> None:
    data = open_dataset(f"lama:{layout}")
    assert data.ids == ["a/k1_mask000", "a/k1_mask001", "k2_mask"]
    for index, number in enumerate((0, 0, 1)):
        np.testing.assert_array_equal(data.load(index), NOISE[number])
    assert data.note.endswith("3 holes of 2 pictures in " + str(layout) + "; 1 pictures without a hole were left out")
    suite = Suite.open([data], f"folder:{layout}")
    (mask,) = suite.masks
    rows = [hole.any(axis=1).sum() for hole in suite.holes(data, mask, range(3), [(20, 30)] * 3)]
    assert rows == [1, 2, 3]
    assert suite.notes() == []


def test_a_picture_is_never_its_own_hole(layout: Path) -> None:
    (layout / "a" / "k1_mask001.png").unlink()
    # Read as a folder, holes count as pictures too.
    with pytest.raises(UsageError, match=r"would be the picture's own file, .*--data lama:DIR"):
        Suite.open([open_dataset(f"folder:{layout / 'a'}", "all")], f"folder:{layout / 'a'}")


def test_a_hole_without_its_picture_and_a_folder_without_holes_are_refused(layout: Path) -> None:
    (layout / "k2.png").unlink()
    with pytest.raises(UsageError, match=r"without a picture beside them: 1 \(k2_mask\)"):
        open_dataset(f"lama:{layout}")
    (layout / "nothing").mkdir()
    with pytest.raises(UsageError, match=r"expects NAME_mask001\.png beside NAME\.jpg"):
        open_dataset(f"lama:{layout / 'nothing'}")
    with pytest.raises(UsageError, match="has no train pictures"):
        open_dataset(f"lama:{layout}", "train")
