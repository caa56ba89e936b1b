"""Files that are there are whole: what a reader sees before, during and after a write, and what JSON may hold."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from bench.util.errors import BenchError
from bench.util.files import file_safe, finite, replacing, require_writable, write_bytes, write_json, write_text
from variants import atomic


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path, stop: type[BaseException]) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")

    def write() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise stop

    with pytest.raises(stop):
        write()
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"a.json": "old"}


def test_a_temporary_file_lies_beside_hidden_under_a_name_that_no_reader_matches(tmp_path: Path) -> None:
    with replacing(tmp_path / "deep" / "a.parquet") as temporary:
        assert temporary.parent == tmp_path / "deep"
        assert temporary.name.startswith(".a.parquet-") and temporary.suffix == ".part"
        temporary.write_text("x")
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["a.parquet"]


def test_a_file_is_replaced_not_written_into(tmp_path: Path) -> None:
    path, same = tmp_path / "a.txt", tmp_path / "b.txt"
    path.write_text("old")
    os.link(path, same)
    write_text(path, "new ø")
    # Whoever had the old file open still reads the old one.
    assert (path.read_bytes(), same.read_text()) == ("new ø".encode(), "old")


def test_a_file_may_be_read_by_others(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "x")
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o644


def test_json_has_no_numbers_that_parsers_refuse(tmp_path: Path) -> None:
    value = {
        "nan": float("nan"),
        "up": float("inf"),
        "down": [float("-inf"), 1.5, (np.float32("nan"), 2)],
        "numpy": np.float64("inf"),
        "whole": np.int64(3),
        "word": "Größe",
        "no": None,
        "yes": np.bool_(True),
        4: "key",
    }
    write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    expected = {"nan": None, "up": None, "down": [None, 1.5, [None, 2]], "numpy": None, "whole": 3, "word": "Größe"}
    assert json.loads(text) == {**expected, "no": None, "yes": True, "4": "key"}
    assert "Größe" in text and text.endswith("}\n") and text.startswith('{\n "nan": null,\n')


def test_where_nothing_can_be_written_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BenchError, match=r"file/a\.json cannot be written \(.+\): choose another path"):
        write_text(tmp_path / "file" / "a.json", "x")
    with pytest.raises(BenchError, match=r"file/deep cannot be written \(.+\): choose another path"):
        require_writable(tmp_path / "file" / "deep")


def test_asking_whether_a_folder_can_be_written_leaves_no_trace(tmp_path: Path) -> None:
    require_writable(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "there").mkdir()
    require_writable(tmp_path / "there")
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


def test_an_error_is_told_even_where_the_temporary_file_is_gone(tmp_path: Path) -> None:
    def write() -> None:
        with replacing(tmp_path / "a.txt") as temporary:
            temporary.unlink()
            raise ValueError("what went wrong")

    with pytest.raises(ValueError, match="what went wrong"):
        write()


def test_a_name_becomes_a_file_name_of_letters_digits_dots_and_underscores() -> None:
    assert file_safe("folder:holiday pictures/Zoë_2.jpg") == "folder_holiday_pictures_Zoë_2.jpg"


def test_json_is_on_disk_before_the_call_returns_and_other_files_are_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(atomic, "sync", lambda path: synced.append(path.suffix))

    def with_replacing(**how: bool) -> None:
        with replacing(tmp_path / "d", **how) as temporary:
            temporary.write_text("x")

    for write, times in (
        (lambda: write_json(tmp_path / "a", 1), 2),
        (lambda: write_text(tmp_path / "b", "x"), 0),
        (lambda: write_bytes(tmp_path / "c", b"x"), 0),
        (lambda: write_bytes(tmp_path / "c", b"x", durable=True), 2),
        (with_replacing, 2),
        (lambda: with_replacing(durable=False), 0),
    ):
        synced.clear()
        write()
        # The file under its first name, then its folder.
        assert synced == [".part", ""][:times]


def test_what_of_a_name_is_not_utf_8_comes_back_out_of_json(tmp_path: Path) -> None:
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    write_json(tmp_path / "a.json", {"name": name})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"name": name}
    write_text(tmp_path / "a.txt", name)
    assert (tmp_path / "a.txt").read_bytes() == b"caf\\udce9"


def test_folders_that_asking_would_have_to_make_stay_unmade_but_for_those_above(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    require_writable(tmp_path / "there" / "new")
    assert not (tmp_path / "there" / "new").exists()


def test_words_and_numbers_of_numpy_stay_what_they_are(tmp_path: Path) -> None:
    assert finite({"a": (np.str_("nan"), np.float32(0.5), np.int8(-3), True)}) == {"a": ["nan", 0.5, -3, True]}
    assert [type(value) for value in finite([np.float32(0.5), np.int8(-3)])] == [float, int]
    assert file_safe("a-b:c d.e_f/ø9") == "a_b_c_d.e_f_ø9"
