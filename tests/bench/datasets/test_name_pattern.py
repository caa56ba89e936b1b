"""``?name=case{id}_output.png``: from an id to a file's name and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.datasets.name_pattern import id_in, named, split_pattern
from bench.util.errors import UsageError


@pytest.mark.parametrize(
    ("pattern", "image_id", "path"),
    [
        ("", "a/b", "a/b"),
        ("case{id}_output.png", "7", "case7_output"),
        ("case{id}_output.PNG", "a/b/7", "a/b/case7_output"),
        ("{id}_out", "a/7", "a/7_out"),
        ("{id}.v2", "7", "7.v2"),  # no picture's suffix
    ],
)
def test_the_id_stands_in_the_last_part_and_a_pictures_suffix_is_left_off(
    pattern: str, image_id: str, path: str
) -> None:
    assert named(pattern, image_id) == path


@pytest.mark.parametrize(
    ("pattern", "path", "image_id"),
    [
        ("case{id}_output.png", "case7_output.png", "7"),
        ("case{id}_output.png", "a/b/case7_output.PNG", "a/b/7"),
        ("case{id}_output.png", "case7_output.jpg", None),
        ("case{id}_output", "case7_output.jpg", "7"),
        ("case{id}_output", "case_output.jpg", None),  # no id at all
        ("case{id}", "case7.png", "7"),
        ("{id}_out.jpg", "7_out.jpg", "7"),
        ("case{id}_output.png", "cas7_output.png", None),
        ("case{id}_output.png", "case7_outpu.png", None),
        ("aa{id}aa", "aaa.png", None),  # the two ends may not share a letter
        ("aa{id}aa", "aabaa.png", "b"),
    ],
)
def test_a_files_id_is_what_stands_in_the_patterns_gap(pattern: str, path: str, image_id: str | None) -> None:
    assert id_in(pattern, path) == image_id


def test_a_pattern_follows_the_folder_unless_a_folder_is_called_like_that(tmp_path: Path) -> None:
    assert split_pattern(f"{tmp_path}?name=a{{id}}") == (str(tmp_path), "a{id}")
    assert split_pattern(str(tmp_path)) == (str(tmp_path), "")
    whole = tmp_path / "x?name=a"
    whole.mkdir()
    assert split_pattern(str(whole)) == (str(whole), "")


@pytest.mark.parametrize("pattern", ["a.png", "{id}{id}", "{ID}", ""])
def test_a_pattern_holds_one_id(pattern: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must hold \{id\} once"):
        split_pattern(f"{tmp_path}?name={pattern}")
