"""Several data sets in one suite, each with its own masks, polarity and size; expected holes by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.profiles.profile import load_profile, replace_checked
from bench.suites.of_profile import open_suite
from bench.suites.suite import Suite
from bench.suites.suite_file import below, read_suite_file
from bench.util.errors import UsageError
from variants.registry import UnknownName


def save(path: Path, level: int, size: tuple[int, int] = (32, 32)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, level).save(path)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Two folders called images beside their masks: white holes in the left half of one, black in the other's top."""
    left = np.zeros((32, 32), np.uint8)
    left[:, :16] = 255
    top = np.full((40, 40), 255, np.uint8)
    top[:20] = 0
    for i in range(3):
        save(tmp_path / "one" / "images" / f"{i}.png", 10 + i)
        save(tmp_path / "two" / "images" / f"{i}.png", 20 + i, (40, 40))
        for name, hole in (("one", left), ("two", top)):
            (tmp_path / name / "masks").mkdir(parents=True, exist_ok=True)
            Image.fromarray(hole).save(tmp_path / name / "masks" / f"{i}.png")
    (tmp_path / "suite.toml").write_text("""
[faces]
data = "folder:one/images"
masks = "folder:one/masks"

[rooms]
data = "folder:two/images"
masks = ["folder:two/masks", "rect"]
mask_polarity = "black"

[small]
data = "folder:two/images"
masks = "standard"
size = 16
count = 2
""")
    return tmp_path


def suite_of(file: Path) -> Suite:
    entries = read_suite_file(file)
    profile = replace_checked(load_profile("quick"), {"suite_entries": [entry.text() for entry in entries]})
    return open_suite(profile)


def test_a_byte_order_mark_before_the_first_table_is_read_over(tmp_path: Path) -> None:
    file = tmp_path / "suite.toml"
    file.write_bytes(b'\xef\xbb\xbf[faces]\ndata = "scenes"\nmasks = "rect"\n')
    assert [entry.name for entry in read_suite_file(file)] == ["faces"]


def test_each_data_set_has_its_name_its_masks_its_polarity_and_its_size(here: Path) -> None:
    suite = suite_of(here / "suite.toml")
    faces, rooms, small = suite.datasets
    assert [d.name for d in suite.datasets] == ["faces", "rooms", "small"]
    assert [suite.masks_of(d) for d in suite.datasets] == [("masks",), ("rect", "masks"), ("standard",)]
    assert suite.masks == ("masks", "rect", "standard")
    hole = suite.holes(faces, "masks", [0], [(32, 32)])[0]
    assert hole[:, :16].all() and not hole[:, 16:].any()
    hole = suite.holes(rooms, "masks", [0], [(40, 40)])[0]
    assert hole[:20].all() and not hole[20:].any()
    assert (len(small), small.load(0).shape) == (2, (16, 16, 3))
    assert int(faces.load(0)[0, 0, 0]) == 10


def test_the_fingerprint_is_of_each_data_sets_own_holes(here: Path) -> None:
    file = here / "suite.toml"
    first = suite_of(file).fingerprint()
    file.write_text(file.read_text().replace('"standard"', '"circle"'))
    assert suite_of(file).fingerprint() != first


def test_paths_begin_at_the_files_folder_whatever_the_working_directory(
    here: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    entry = read_suite_file(here / "suite.toml")[1]
    assert entry.data == f"folder:{here}/two/images"
    assert entry.masks == f"folder:{here}/two/masks,rect"
    assert (entry.split, read_suite_file(here / "suite.toml", [entry.data])[1].split) == ("all", "test")


@pytest.mark.parametrize(
    ("text", "error", "why"),
    [
        ("", UsageError, "names no data set"),
        ("x = [", UsageError, "not valid TOML"),
        ("data = 'scenes'", UsageError, "stands outside a table"),
        ("[a]\nmasks = 'rect'", UsageError, "names no pictures"),
        ("[a]\ndata = 'scenes'", UsageError, "names no masks"),
        ("[a]\ndata = 'scene'\nmasks = 'rect'", UnknownName, "did you mean scenes"),
        ("[a]\ndata = 'scenes'\nmask = 'rect'", UnknownName, "did you mean masks"),
        ("[a]\ndata = 'scenes'\nmasks = 'rect'\nsize = '64'", UsageError, "not a whole number"),
        ("[a]\ndata = 'scenes'\nmasks = 'rect'\ncount = 0", UsageError, "at least 1"),
        ("[a]\ndata = 'scenes'\nmasks = 'rect'\nmask_polarity = 'grey'", UsageError, "white or black"),
        ("['a b']\ndata = 'scenes'\nmasks = 'rect'", UsageError, "must be named by"),
        ("[a]\ndata='scenes'\nmasks='rect'\n[A]\ndata='scenes'\nmasks='rect'", UsageError, "would be one file"),
    ],
)
def test_what_is_wrong_in_a_file_is_said(text: str, error: type[Exception], why: str, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(error, match=why):
        read_suite_file(tmp_path / "s.toml")


def test_a_run_tells_the_entries_whole_and_other_runs_as_before(here: Path) -> None:
    entries = [entry.text() for entry in read_suite_file(here / "suite.toml")]
    profile = load_profile("quick")
    assert "suite_entries" not in profile.as_dict()
    told = replace_checked(profile, {"suite_entries": entries}).as_dict()["suite_entries"]
    assert json.loads(told[1])["mask_polarity"] == "black"
    assert replace_checked(profile, {"suite_entries": told}).suite_entries == tuple(entries)


def test_a_path_begins_at_the_files_folder_and_what_has_none_stays(tmp_path: Path) -> None:
    for kind in ("folder", "pool", "suite"):
        assert below(tmp_path, f"{kind}:a/b") == f"{kind}:{tmp_path.resolve() / 'a/b'}"
    for spec in ("rect", "folder:", "scenes:7", "nothing:a"):
        assert below(tmp_path, spec) == spec
