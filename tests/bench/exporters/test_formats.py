"""Every export format is one file, and says what it cannot write before anything is measured."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from bench.comparison.compare import Comparison, compare
from bench.exporters.csv import table
from bench.exporters.registry import chosen, exporter, formats
from bench.runs.reader import Run
from bench.statistics.summary import write_summary
from bench.util.errors import UsageError
from tests.bench.fake_runs import fake_run


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    rng = np.random.default_rng(0)
    values = rng.normal(20, 2, (30, 2))
    folder = tmp_path_factory.mktemp("runs")
    fake_run(folder / "r", {("a", 0): {"psnr_hole": values}, ("b", 0): {"psnr_hole": values + 1}})
    return compare(["r:a", "r:b"], folder)


def test_the_formats_and_their_suffixes() -> None:
    assert set(exporter.names()) == {"csv", "json", "junit", "markdown"}
    assert set(formats()) == {".csv", ".json", ".xml", ".md"}


def test_a_comparison_as_csv_has_a_row_a_number(comparison: Comparison) -> None:
    text = formats()[".csv"]().comparison(comparison)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["mask"] for row in rows] == ["rect", "circle", "all"]
    assert {row["verdict"] for row in rows} == {"better"}
    assert [float(row["difference"]) for row in rows] == pytest.approx([1.0, 1.0, 1.0])


def test_a_comparison_as_json_is_what_the_command_prints(comparison: Comparison) -> None:
    text = formats()[".json"]().comparison(comparison)
    assert text.isascii()
    assert json.loads(text) == json.loads(json.dumps(comparison.as_json()))


def test_scores_as_markdown_mark_the_best(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", {(n, 0): {"psnr_hole": np.full((4, 2), v)} for n, v in (("a", 20.0), ("b", 21.5))})
    write_summary(Run.open(run.path))
    text = formats()[".md"]().scores(Run.open(run.path))
    assert "| `a` | 20.00 |" in text
    assert "| `b` | **21.50** |" in text


def test_scores_as_markdown_mark_the_lowest_where_lower_is_better(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", {(n, 0): {"l1_hole": np.full((4, 2), v)} for n, v in (("a", 0.25), ("b", 0.5))})
    write_summary(Run.open(run.path))
    text = formats()[".md"]().scores(Run.open(run.path))
    assert "| `a` | **0.250** |" in text
    assert "| `b` | 0.500 |" in text


def test_a_table_of_unlike_rows_has_the_union_of_their_keys() -> None:
    assert table([{"a": 1}, {"b": float("nan"), "a": 2}]) == "a,b\n1,\n2,\n"


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("x.docx", "comparison", "unknown format '.docx'. Use .csv, .json, .md."),
        ("x.xml", "comparison", "unknown format '.xml'"),
        ("x", "check", "unknown format ''. Use .csv, .json, .md, .xml."),
    ],
)
def test_a_format_that_cannot_say_it_is_refused(tmp_path: Path, name: str, kind: str, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("(", "\\(")):
        chosen([tmp_path / name], kind)


def test_a_folder_is_no_file_to_write(tmp_path: Path) -> None:
    (tmp_path / "x.md").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        chosen([tmp_path / "x.md"], "check")
