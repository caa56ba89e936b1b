"""Sets of holes known by their bits, whatever files they come in; expected holes are drawn by hand."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.suites import mask_sets
from bench.suites.hole_folder import HoleFolder
from bench.suites.hole_pool import HolePool
from bench.suites.mask_sets import OURS, add_set, hole_key, known_sets, read_set, recognised, users_folder
from bench.util.errors import UsageError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "data"))
    known_sets.cache_clear()
    return tmp_path / "data"


def made_up(count: int, size: int = 16) -> list[np.ndarray]:
    return [*(np.random.default_rng(0).random((count, size, size)) > 0.5)]


def save(folder: Path, holes: list[np.ndarray], name: str = "{}.png", inverted: bool = False) -> Path:
    folder.mkdir(parents=True)
    for i, hole in enumerate(holes):
        Image.fromarray((hole ^ inverted).astype(np.uint8) * 255).save(folder / name.format(i))
    return folder


def bench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    from bench import cli

    capsys.readouterr()
    monkeypatch.setattr("sys.argv", ["bench", "suite", "masks", *words, "--json"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    return json.loads(capsys.readouterr().out)


def test_a_key_is_what_anyone_can_compute_from_size_and_bits() -> None:
    hole = np.array([[True, False, True], [False, False, True]])
    bits = hashlib.sha256(bytes([0b10100100])).hexdigest()
    assert hole_key(hole) == hashlib.sha256(f"2x3 {bits}".encode()).hexdigest()[:16]


def by_hand(name: str, size: int) -> list[np.ndarray]:
    blank, half, eighth = np.zeros((size, size), bool), size // 2, size // 8
    if name == "standard":
        blank[size // 4 : size // 4 + half, size // 4 : size // 4 + half] = True
        return [blank]
    if name == "border":
        blank[eighth : size - eighth, eighth : size - eighth] = True
        return [~blank]
    left = blank.copy()
    left[:, :half] = True
    return [left, ~left, left.T, ~left.T]


@pytest.mark.parametrize("name", ["standard", "half", "border"])
def test_the_sets_that_come_along_hold_what_their_titles_say(name: str) -> None:
    holes = [hole for size in (64, 128, 256, 512, 1024) for hole in by_hand(name, size)]
    assert read_set(OURS / f"{name}.masks").keys == {hole_key(hole) for hole in holes}
    (clause,) = recognised([hole_key(hole) for hole in by_hand(name, 256)])
    assert clause.startswith(f"are masks of {name} (")


def test_a_set_made_of_a_folder_is_recognised_in_other_files_and_orders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    holes = made_up(6)
    first = bench(monkeypatch, capsys, str(save(tmp_path / "a", holes)), "--add", "paper_x", "--title", "the X masks")
    assert (first["holes"], first["known"]) == (6, [])
    other = save(tmp_path / "b", holes[::-1], "renamed_{}.bmp", inverted=True)
    again = bench(monkeypatch, capsys, str(other), "--mask-polarity", "black")
    assert again["digest"] == first["digest"]
    assert again["known"] == ["are masks of paper_x (the X masks), a set of 6"]
    assert bench(monkeypatch, capsys, str(other))["known"] == []
    part = bench(monkeypatch, capsys, str(save(tmp_path / "c", [*holes[:2], ~holes[3]])))
    assert part["known"] == ["are, 2 of 3 of them, masks of paper_x (the X masks), a set of 6"]
    assert part["digest"] != first["digest"]


def test_a_suite_says_whose_masks_it_has_from_a_folder_and_from_a_pool(tmp_path: Path) -> None:
    holes = made_up(3)
    add_set("paper_x", "X", [hole_key(hole) for hole in holes])
    folder = HoleFolder("mine", save(tmp_path / "f", holes))
    folder.read("0", (16, 16))
    assert "the holes of 'mine' are masks of paper_x (X), a set of 3" in folder.notes()
    # A pool's holes are cut and resized: the files' own bits tell.
    pool = HolePool("mine", tmp_path / "f")
    pool.require(["a", "b"])
    pool.read("a", (10, 24))
    assert "the holes of 'mine' are masks of paper_x (X), a set of 3" in pool.notes()


def test_a_name_stands_for_one_set_and_a_changed_file_for_none(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = [hole_key(hole) for hole in made_up(3)]
    file = add_set("x", "X", keys)
    assert add_set("x", "X", keys) == file
    with pytest.raises(UsageError, match="taken by 3 other holes"):
        add_set("x", "X", keys[:2])
    with pytest.raises(UsageError, match="must be of a-z"):
        add_set("../x", "X", keys)
    file.write_text(file.read_text().replace(keys[0], "0" * 16))
    with pytest.raises(UsageError, match="was changed"):
        read_set(file)
    known_sets.cache_clear()
    assert recognised(keys) == []
    assert "was changed" in capsys.readouterr().err
    assert users_folder() == home / "mask_sets"
    assert mask_sets.HEAD in file.read_text()
