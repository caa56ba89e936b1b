"""Whatever goes wrong while a file is read is one sentence that names it; nothing but regular files is opened."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from bench.util.errors import BenchError, UsageError
from bench.util.paths import Outside, inside, plain
from bench.util.read_errors import Unfit, read_json, read_object, reading, require_regular


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "it is not valid JSON (Expecting property name enclosed in double quotes, line 1)"),
        (b"\xff\xfe", "it is not UTF-8 text"),
        (b"[1]", "it is not a JSON object"),
        (b"[" * 200_000, "it is nested too deeply"),
    ],
)
def test_damage_is_told_with_the_file_what_it_should_be_and_what_to_do(
    tmp_path: Path, content: bytes, told: str
) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(content)
    with pytest.raises(UsageError) as refused:
        read_object(file, "a summary", "make it anew", UsageError)
    assert str(refused.value) == f"{file} cannot be read as a summary: {told}; make it anew"


def test_what_is_no_regular_file_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    for place, told in (
        (tmp_path / "pipe", "it is not a regular file"),
        (tmp_path / "link", "it is not a regular file"),
        (tmp_path, "it is a folder"),
        (tmp_path / "none", "it does not exist"),
        (Path("a\0b"), "no file can have that name"),
    ):
        with pytest.raises(BenchError) as refused:
            read_json(place, "a run")
        assert str(refused.value) == f"{place} cannot be read as a run: {told}"


def test_a_file_larger_than_makes_sense_is_refused_by_its_size(tmp_path: Path) -> None:
    file = tmp_path / "big.json"
    with file.open("wb") as stream:
        stream.truncate(3 * 2**20)
    require_regular(file, 3)
    with pytest.raises(Unfit, match="it has 3 MiB, and at most 2 MiB make sense"):
        require_regular(file, 2)


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (KeyError("items"), "it lacks 'items'"),
        (TypeError("'NoneType' object is not subscriptable"), "it is damaged, or of another kind"),
        (OSError("Couldn't deserialize thrift: TProtocolException"), "it is damaged, or of another kind"),
        (PermissionError(13, "Permission denied"), "permission denied"),
        (MemoryError(), "it does not fit into memory"),
    ],
)
def test_no_words_of_python_or_of_libraries_come_through(tmp_path: Path, failure: Exception, told: str) -> None:
    file = tmp_path / "a"
    file.touch()
    with pytest.raises(BenchError) as refused, reading(file, "records"):
        raise failure
    assert str(refused.value) == f"{file} cannot be read as records: {told}"


def test_a_sentence_of_ours_comes_through_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(UsageError, match=r"^mine$"), reading(tmp_path / "a", "records"):
        raise UsageError("mine")


def test_names_that_stay_inside_are_places(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to("real")
    for name in ("a.png", "deep/er/a.png", "real/a", "alias/a", "A.png", "…é", "a..b", "..."):
        assert inside(tmp_path, name) == tmp_path / name


@pytest.mark.parametrize(
    "name",
    [
        "..", "../a", "a/../../b", "a/..", "/etc/passwd", "//host/share", "C:\\a", "c:a", "C:/a", "a\\..\\b", "a\0b",
        "", ".", None, 3, ["a"], "out/a", "out", "circle/a", "x" * 5000,
    ],
)  # fmt: skip
def test_names_that_lead_out_are_refused(tmp_path: Path, name: Any) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "out").symlink_to(tmp_path)
    (folder / "circle").symlink_to("circle")
    with pytest.raises(Outside):
        inside(folder, name)


def test_a_name_is_one_part_of_a_path() -> None:
    assert plain("rect") == "rect"
    for name in ("a/b", "..", "/a", ""):
        with pytest.raises(Outside):
            plain(name)
