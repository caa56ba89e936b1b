"""Score tables on the terminal: what is marked best follows from the numbers beside it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.cli.options import split
from bench.commands.results import show
from bench.exporters.markdown import scores_markdown
from bench.exporters.score_tables import score_tables
from bench.exporters.scores_terminal import print_scores
from bench.profiles.profile import load_profile
from bench.runs.manifest import DatasetEntry
from bench.runs.reader import Run
from bench.statistics.summary import write_summary
from reports.numbers import Numbers
from reports.scoreboard import overall
from tests.bench.fake_runs import fake_run


def test_of_a_metric_with_a_target_the_distance_is_printed_and_the_least_is_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``even`` is 3 off on every picture though its mean is 0; ``near`` is 0.5 off throughout."""
    even, near = np.tile([[-3.0, 3.0]], (12, 1)), np.full((12, 2), 0.5)
    run = fake_run(tmp_path / "r", {("even", 0): {"seam": even}, ("near", 0): {"seam": near}})
    write_summary(run)
    monkeypatch.setenv("COLUMNS", "120")
    print_scores(Run.open(run.path), columns=("seam",))
    shown = capsys.readouterr().out
    assert "0.00 ±0, off by 3.00" in shown
    assert "0.50 ±0, off by 0.50" in shown
    (table,) = score_tables(Run.open(run.path), ("seam",))
    assert table.best["seam"].labels == {"near"}


def test_a_mean_over_fewer_fills_than_its_neighbours_says_over_how_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, part = np.full((12, 2), 20.0), np.full((12, 2), 21.0)
    part[:5] = np.nan
    run = fake_run(tmp_path / "r", {("all", 0): {"psnr_hole": whole}, ("some", 0): {"psnr_hole": part}})
    write_summary(run)
    monkeypatch.setenv("COLUMNS", "120")
    print_scores(Run.open(run.path))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-2:] for line in lines if "21.00" in line] == [["(n", "14)"]]
    assert not [line for line in lines if "20.00" in line and "(n" in line]


FLAT = "the truth is constant in the hole"


@pytest.mark.parametrize(
    ("partly", "finished", "said"),
    [
        ({"seam": [FLAT]}, "2025-01-01T00:01:00", [f"n: seam has no value of the other fills: {FLAT}"]),
        ({"seam": ["one", "two"]}, "2025-01-01T00:01:00", ["n: seam has no value of the other fills: one or two"]),
        # A run from before reasons were kept; and one that is going on, whose other fills come.
        ({}, "2025-01-01T00:01:00", ["n: seam has no value of the other fills: the run does not say why"]),
        ({}, None, []),
    ],
)
def test_where_a_mean_is_over_fewer_fills_it_is_said_why_the_others_have_no_value(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    partly: dict[str, list[str]],
    finished: str | None,
    said: list[str],
) -> None:
    part = np.full((12, 2), 0.5)
    part[:6] = np.nan
    scores = {("a", 0): {"psnr_hole": np.full((12, 2), 20.0), "seam": part}}
    asked = {"metrics": ["psnr_hole", "seam"]}
    run = fake_run(tmp_path / "r", scores, partly=partly, finished=finished, profile=asked)
    write_summary(run)
    run = Run.open(run.path)
    monkeypatch.setenv("COLUMNS", "200")
    print_scores(run, ("psnr_hole", "seam"))
    numbers = Numbers(run)
    page = "\n".join(overall(numbers, "scenes", {}, ["psnr_hole", "seam"]).notes)
    assert run.summary is not None and run.summary["partly"] == partly
    for text in (capsys.readouterr().out, scores_markdown(run), page):
        assert [line for line in text.splitlines() if line.startswith("n: ")] == said


def test_fills_that_could_not_be_scored_are_counted_where_they_are_the_reason(tmp_path: Path) -> None:
    failed = {("a", 0): np.arange(24).reshape(12, 2) < 2}
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": np.full((12, 2), 20.0)}}, failed=failed)
    write_summary(run)
    lines = scores_markdown(Run.open(run.path)).splitlines()
    assert [line for line in lines if line.startswith("n: ")] == ["n: 2 fills of a could not be scored"]


@pytest.mark.parametrize(("protocol", "said"), [("native", ""), ("brushbench", "known pixels")])
def test_a_table_under_a_protocol_says_whose_and_of_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], protocol: str, said: str
) -> None:
    run = fake_run(tmp_path / "r", {("pasted", 0): {"lpips": np.zeros((4, 2))}}, protocol=protocol)
    write_summary(run)
    monkeypatch.setenv("COLUMNS", "200")
    print_scores(Run.open(run.path))
    for shown in (capsys.readouterr().out, scores_markdown(Run.open(run.path))):
        assert ("protocol brushbench" in shown) == bool(said) and said in shown


def test_why_a_column_is_empty_stands_in_the_terminal_in_markdown_and_in_the_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {"psnr_hole": np.full((4, 2), 20.0), "ssim_hole": np.full((4, 2), np.nan)}
    missing = {"ssim_hole": "the pictures are tiny", "sharpness": "the truth is constant"}
    run = fake_run(tmp_path / "r", {("a", 0): {**scores, "sharpness": scores["ssim_hole"]}}, missing=missing)
    write_summary(run)
    monkeypatch.setenv("COLUMNS", "200")
    print_scores(Run.open(run.path), ("psnr_hole", "sharpness"))
    assert "sharpness is empty: the truth is constant" in capsys.readouterr().out
    assert "ssim\\_hole is empty: the pictures are tiny" in scores_markdown(Run.open(run.path))
    assert Run.open(run.path).summary["missing"] == missing  # type: ignore[index]


def test_a_column_with_values_is_not_said_to_be_empty(tmp_path: Path) -> None:
    """Its fills of one method, scored again by themselves, had none."""
    missing = {"psnr_hole": "the hole is empty"}
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": np.full((4, 2), 20.0)}}, missing=missing)
    write_summary(run)
    assert "is empty" not in scores_markdown(Run.open(run.path))


def test_markdown_shows_the_columns_that_were_asked_for(tmp_path: Path) -> None:
    values = {"seam": np.full((4, 2), 0.5), "psnr_hole": np.full((4, 2), 20.0)}
    run = fake_run(tmp_path / "r", {("a", 0): values}, profile={"metrics": ["seam", "psnr_hole"]})
    write_summary(run)
    assert "| method | seam " in scores_markdown(Run.open(run.path))


def test_every_metric_that_was_asked_for_has_its_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    values = {"seam": np.full((4, 2), 0.5), "psnr_hole": np.full((4, 2), 20.0)}
    run = fake_run(tmp_path / "r", {("near", 0): values})
    write_summary(run)
    document = json.loads((run.path / "run.json").read_text(encoding="utf-8"))
    document["profile"] = {**document["profile"], "metrics": ["seam", "psnr_hole"]}
    (run.path / "run.json").write_text(json.dumps(document), encoding="utf-8")
    monkeypatch.setenv("COLUMNS", "120")
    show(Run.open(run.path), None, False, False)
    head = capsys.readouterr().out
    assert "seam" in head and "psnr_hole" in head


def test_a_table_of_a_folder_is_called_as_the_folder_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    named = DatasetEntry("folder", count=12, title="holiday [b]")
    scores = {("telea", 0): {"psnr_hole": np.full((12, 2), 20.0)}}
    run = fake_run(tmp_path / "r", scores, dataset="folder", datasets=[named])
    write_summary(run)
    monkeypatch.setenv("COLUMNS", "120")
    print_scores(Run.open(run.path))
    assert " ".join(capsys.readouterr().out.split()).startswith("holiday [b], all masks: rect, circle ")
    summary = json.loads((run.path / "summary.json").read_text())
    assert {row["dataset"] for row in summary["scores"]} == {"folder"}


def test_a_metric_that_is_asked_for_twice_has_one_column_in_the_place_of_the_first(tmp_path: Path) -> None:
    values = {"seam": np.full((4, 2), 0.5), "psnr_hole": np.full((4, 2), 20.0)}
    asked = split("psnr_hole,seam,psnr_hole")
    assert asked == ["psnr_hole", "seam"]
    assert load_profile("tiny", {"metrics": "psnr_hole,seam,psnr_hole"}).metrics == ("psnr_hole", "seam")
    # A run from before it was so.
    run = fake_run(tmp_path / "r", {("a", 0): values}, profile={"metrics": ["psnr_hole", "seam", "psnr_hole"]})
    write_summary(run)
    assert "| method | psnr\\_hole \\[dB ↑\\] | seam \\[levels →0\\] |" in scores_markdown(Run.open(run.path))
