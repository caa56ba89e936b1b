"""``bench list``: what each run was scored on, by the names that people know; names and summaries whole."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.cli.listing import Kind, list_entries
from bench.masks.registry import mask
from bench.runs.manifest import DatasetEntry
from tests.bench.fake_runs import fake_run


def entries(*pairs: tuple[str, str]) -> list[DatasetEntry]:
    return [DatasetEntry(name, title=title) for name, title in pairs]


@pytest.mark.parametrize(
    ("datasets", "told"),
    [
        (entries(("scenes", ""), ("folder", "holiday")), "scenes, holiday"),
        # Two folders called images: their titles would not tell them apart.
        (entries(("folder_a_images", "images"), ("folder_b_images", "images")), "folder_a_images, folder_b_images"),
        ([], "none"),
    ],
)
def test_the_data_sets_of_a_run_are_listed(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    datasets: list[DatasetEntry],
    told: str,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # in a narrow window the names fold
    fake_run(tmp_path / "r", {("telea", 0): {"psnr_hole": np.ones((3, 2))}}, datasets=datasets)
    list_entries(Kind.runs, runs_dir=tmp_path, json_output=True)
    (row,) = json.loads(capsys.readouterr().out)
    assert row["data"] == told
    list_entries(Kind.runs, runs_dir=tmp_path, json_output=False)
    head, line = capsys.readouterr().out.splitlines()
    assert "data" in head.split() and told in line


def over_lines(thing: object) -> None:
    """Fills, first,
    by the `Some Author`_ rule. Then more.

    And more.
    """


@pytest.mark.parametrize("width", [40, 80, 400])
def test_names_and_summaries_are_whole_at_any_width(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setitem(mask._entries, "of_a_plugin_with_a_long_name", over_lines)
    list_entries(Kind.masks)
    words = capsys.readouterr().out.split()
    told = " ".join(words[words.index("of_a_plugin_with_a_long_name") :])
    assert "Fills, first, by the Some Author rule." in told.replace("inpaint-bench ", "")
    assert "more." not in words
