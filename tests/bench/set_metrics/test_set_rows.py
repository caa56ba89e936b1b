"""Set scores where people read them: summary, terminal, report, gate, comparison, commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.comparison.compare import Options, compare
from bench.exporters.scores_terminal import print_scores
from bench.gate.rules import parse_rule
from bench.gate.verdict import check_run
from bench.runs.reader import Run
from bench.runs.writer import RunWriter
from bench.set_metrics.registry import set_metric
from bench.statistics.summary import summarise, write_summary
from bench.util.errors import IncomparableError, UsageError
from reports.build import gather
from reports.numbers import Numbers
from reports.scoreboard import warnings
from tests.bench.command import bench
from tests.bench.fake_runs import fake_run

VALUES = {("a", "rect"): 12.0, ("a", "circle"): 20.0, ("b", "rect"): 30.0, ("b", "circle"): 50.0}


def made(path: Path, missing: dict[str, str] | None = None, failed: int = 0) -> Run:
    """Methods a and b with an FID under two mask types."""
    rng = np.random.default_rng(0)
    scores = {(name, 0): {"psnr_hole": rng.normal(20, 1, (24, 2))} for name in "ab"}
    run = fake_run(path, scores, missing=missing or {})
    metrics = {**run.manifest.metrics, **{name: set_metric.get(name) for name in ("fid", "u_ids")}}
    RunWriter(path, run.manifest).update(metrics=metrics)
    for (variant, mask), value in VALUES.items():
        file = path / "sets" / variant / "seed-0" / f"scenes-{mask}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        entry: dict[str, Any] = {"variant": variant, "seed": 0, "dataset": "scenes", "mask": mask}
        entry |= {"n": 24 - failed, "failed": failed, "values": {"fid": value, "u_ids": 0.1}, "facts": {}}
        file.write_text(json.dumps(entry))
    return Run.open(path)


def test_all_mask_types_get_the_mean_of_their_values_and_no_interval(tmp_path):
    rows = [row for row in summarise(made(tmp_path / "r"))["scores"] if row["metric"] == "fid"]
    assert {(row["variant"], row["mask"]): row["mean"] for row in rows} == {
        **VALUES,
        ("a", "all"): 16.0,
        ("b", "all"): 40.0,
    }
    assert all(row["low"] is None and row["high"] is None for row in rows)
    assert {(row["mask"], row["n"], row["images"]) for row in rows} == {
        ("rect", 24, 24),
        ("circle", 24, 24),
        ("all", 48, 24),
    }


def test_a_column_that_the_run_calls_empty_has_no_rows(tmp_path):
    rows = summarise(made(tmp_path / "r", missing={"fid": "no weights"}))["scores"]
    assert {row["metric"] for row in rows} == {"psnr_hole", "u_ids"}


def test_the_terminal_shows_fid_with_its_arrow_and_marks_the_lowest(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    run = made(tmp_path / "r")
    write_summary(run)
    print_scores(Run.open(run.path))
    lines = capsys.readouterr().out.splitlines()
    assert any("fid" in line for line in lines)
    assert next(line for line in lines if line.strip().startswith("a ")).rstrip().endswith("16.00")


def test_a_score_without_a_rank_is_printed_where_it_is_asked_for(tmp_path, capsys):
    run = made(tmp_path / "r")
    write_summary(run)
    print_scores(Run.open(run.path), columns=("u_ids",))
    assert "u_ids" in capsys.readouterr().out


def test_the_report_holds_fid_in_its_tables_without_an_interval(tmp_path):
    run = made(tmp_path / "r")
    write_summary(run)
    report = gather(Run.open(run.path))
    main = next(table for table in report.tables if table.key == "methods-scenes")
    place = [column.key for column in main.columns].index("fid")
    assert main.columns[place].arrow == "↓"
    cells = {row.name: row.cells[place] for row in main.rows}
    assert (cells["a"].value, cells["a"].mark, cells["a"].low) == (16.0, "", None)
    assert cells["b"].mark == ""
    by_mask = next(table for table in report.tables if table.key == "masks-scenes-fid")
    assert [cell.value for cell in by_mask.rows[0].cells] == [12.0, 20.0, 16.0]
    assert Numbers(Run.open(run.path)).measures["fid"].whole


def test_reasons_that_three_columns_share_are_told_once(tmp_path):
    run = made(tmp_path / "r", missing={"fid": "no weights", "u_ids": "no weights"})
    write_summary(run)
    assert "fid, u_ids are empty: no weights" in warnings(Numbers(Run.open(run.path)))


@pytest.mark.parametrize(
    ("rule", "state", "measured"),
    [("a.fid>16", "pass", 16), ("a.fid>15.9", "regression", 16), ("b.fid[rect]>29", "regression", 30),
     ("a.u_ids<0.05", "pass", 0.1), ("a.u_ids<0.2", "regression", 0.1)],
)  # fmt: skip
def test_the_gate_holds_fid_to_a_limit_as_it_is(tmp_path, rule, state, measured):
    line = check_run([parse_rule(rule)], made(tmp_path / "r"), None).as_json()["rules"][0]
    assert (line["state"], line["low"], line["high"]) == (state, None, None)
    assert line["measured"] == pytest.approx(measured)
    assert "interval" in line["why"]


def test_the_gate_says_that_fills_are_in_no_value(tmp_path):
    found = check_run([parse_rule("a.fid>99")], made(tmp_path / "r", failed=2), None)
    assert found.partial
    assert "a failed on 4 pictures" in found.notes[0]


def test_a_drop_of_fid_is_refused_with_the_limit_that_can_be_held(tmp_path):
    run = made(tmp_path / "r")
    with pytest.raises(UsageError, match="fid>VALUE"):
        check_run([parse_rule("fid:2")], run, run)


def test_an_empty_fid_is_no_pass(tmp_path):
    with pytest.raises(IncomparableError, match="no weights"):
        check_run([parse_rule("fid>99")], made(tmp_path / "r", missing={"fid": "no weights"}), None)


def test_a_comparison_says_why_fid_cannot_be_paired_and_leaves_it_out_unasked(tmp_path):
    made(tmp_path / "r")
    with pytest.raises(UsageError, match="no pictures to pair"):
        compare(["r:a", "r:b"], tmp_path, Options(metrics=("fid",)))
    assert {row["metric"] for row in compare(["r:a", "r:b"], tmp_path).rows} == {"psnr_hole"}


# ---- the commands


def test_fid_without_weights_is_an_empty_column_that_says_why(tmp_path):
    env = {"BENCH_WEIGHTS_DIR": str(tmp_path / "none"), "TORCH_HOME": str(tmp_path / "none")}
    words = ["eval", "mean_fill", "--data", "photos", "--count", "2", "--size", "32", "--masks", "rect", "--out", "r"]
    done = bench(*words, "--metrics", "fid", "--json", "--report", cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["scores"] == []
    manifest = json.loads((tmp_path / "runs/r/run.json").read_text())
    assert "bench weights fetch inception" in manifest["missing"]["fid"]
    assert manifest["metrics"]["fid"]["of"] == "set"


def test_set_metrics_are_listed_and_near_names_suggested(tmp_path):
    rows = {row["name"]: row for row in json.loads(bench("list", "metrics", "--json", cwd=tmp_path).stdout)}
    assert (rows["fid"]["direction"], rows["u_ids"]["direction"], rows["p_ids"]["direction"]) == ("↓", "↑", "↑")
    done = bench("eval", "mean_fill", "--metrics", "u_id", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "u_ids" in done.stderr
