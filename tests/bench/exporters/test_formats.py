"""Every export format is one file, and says what it cannot write before anything is measured."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from bench.comparison.compare import Comparison, compare, places_of
from bench.exporters.csv import table
from bench.exporters.leaderboard_terminal import print_leaderboard
from bench.exporters.registry import chosen, exporter, formats
from bench.exporters.scores_terminal import print_scores
from bench.exporters.terminal import print_check, print_comparison
from bench.gate.rules import parse_rule
from bench.gate.verdict import check_sides
from bench.runs.manifest import DatasetEntry
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


def test_a_folder_is_headed_by_its_own_name_wherever_people_read(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    named = [DatasetEntry("folder", count=4, title="holiday [2024]")]
    values = {(n, 0): {"psnr_hole": np.full((4, 2), v)} for n, v in (("a", 20.0), ("b", 21.5))}
    run = fake_run(tmp_path / "r", values, dataset="folder", datasets=named)
    write_summary(run)
    run = Run.open(run.path)
    markdown = formats()[".md"]()
    assert "### holiday \\[2024\\]\n" in markdown.scores(run)
    found = compare(["r:a", "r:b"], tmp_path)
    assert "on holiday \\[2024\\]\n" in markdown.comparison(found)
    print_scores(run)
    print_comparison(found)
    print_check(check_sides([parse_rule("psnr_hole:0.1")], found.sides, found.options))
    rows = [{**row, "reference": "a"} for row in found.rows if row["mask"] == "all"]
    print_leaderboard(places_of(rows), run.manifest.metrics, found.titles, found.notes)
    printed = capsys.readouterr().out
    assert printed.count("holiday [2024], all masks") == 2
    assert "b against a on holiday [2024]" in printed
    assert "Only 4 images of holiday [2024]:" in printed
    assert "folder" not in printed
    # Programs read the name that records have.
    assert {row["dataset"] for row in found.as_json()["rows"]} == {"folder"}


def test_a_folder_that_two_runs_call_differently_is_headed_as_records_name_it(tmp_path: Path) -> None:
    values = {("a", 0): {"psnr_hole": np.full((4, 2), 20.0)}}
    for name, title in (("r", "holiday"), ("s", "copies")):
        fake_run(tmp_path / name, values, dataset="folder", datasets=[DatasetEntry("folder", count=4, title=title)])
    assert compare(["r:a", "s:a"], tmp_path).titles == {"folder": "folder"}


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
