"""Set scores on disk: where, with what they depend on, and when they are recreated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.set_metrics.store import read_set, set_file, up_to_date, write_set
from bench.util.errors import BenchError

FACTS = {"suite": "s", "metrics": {"fid": 1}, "scale": float("inf")}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = set_file(tmp_path, "a", 3, "folder:x/y", "rect")
    write_set(found, {"n": 7}, FACTS)
    return found


def test_each_cell_has_a_file_of_its_own(tmp_path: Path) -> None:
    places = {set_file(tmp_path, *cell) for cell in (("a", 0, "s", "m"), ("a", 1, "s", "m"), ("a", 0, "t", "m"))}
    assert len(places) == 3
    assert set_file(tmp_path, "a", 3, "s", "rect") == tmp_path / "sets" / "a" / "seed-3" / "s-rect.json"


def test_it_holds_for_exactly_these_facts(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert up_to_date(file, FACTS), "a number that JSON lacks is the same again"
    assert not up_to_date(file, {**FACTS, "suite": "t"})
    assert not up_to_date(file, {"suite": "s"})
    assert not up_to_date(file.with_name("none.json"), FACTS)
    assert capsys.readouterr().err == "", "one that is not there is not damaged"
    assert read_set(file)["n"] == 7 and read_set(file)["schema"] == 1


def test_a_damaged_one_is_made_anew_with_a_word(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("{")
    assert not up_to_date(file, FACTS)
    said = capsys.readouterr().err
    assert said.startswith("note: ") and "they are recreated" in said
    with pytest.raises(BenchError, match="score that set again"):
        read_set(file)


def test_what_was_changed_or_is_of_another_cell_is_refused(file: Path, tmp_path: Path) -> None:
    cell = {"variant": "a", "seed": 3, "dataset": "folder:x/y", "mask": "rect"}
    write_set(file, {**cell, "n": 7}, FACTS)
    assert read_set(file)["n"] == 7
    text = file.read_text()
    file.write_text(text.replace('"n": 7', '"n": 8'))
    with pytest.raises(BenchError, match="it is not what was written"):
        read_set(file)
    other = set_file(tmp_path, "a", 3, "folder:x/y", "circle")
    other.write_text(text)
    with pytest.raises(BenchError, match="it holds the scores of a@3 on folder:x/y, rect"):
        read_set(other)
    assert not up_to_date(other, FACTS)
    content = json.loads(text)
    del content["sha256"]
    file.write_text(json.dumps(content))
    assert read_set(file)["n"] == 7, "files from before have no digest"
