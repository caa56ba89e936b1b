"""Who is marked as best: the same in the report, on the terminal and in Markdown, and nobody where nothing says so."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from bench.exporters.markdown import scores_markdown
from bench.exporters.scores_terminal import print_scores
from bench.metrics.registry import metric
from bench.runs.reader import Run
from bench.set_metrics.registry import set_metric
from bench.set_metrics.store import set_file, write_set
from bench.statistics.summary import write_summary
from reports.numbers import Numbers
from reports.scoreboard import leads, overall, verdict
from reports.tables import Table
from tests.bench.fake_runs import MASKS, fake_run

PICTURES = 6


def run_of(path: Path, name: str, values: Mapping[str, object], protocol: str = "native") -> Run:
    """A run of methods with these values of a metric: one of all pictures, or one each."""
    scores = {
        (label, 0): {name: np.broadcast_to(np.reshape(np.asarray(value, float), (-1, 1)), (PICTURES, 2)).copy()}
        for label, value in values.items()
    }
    declared = {name: metric.get(name).under(protocol)}
    run = fake_run(path, scores, protocol=protocol, metrics=declared, profile={"metrics": [name]})
    write_summary(run)
    return Run.open(run.path)


def marked(run: Run, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> set[str]:
    """The methods that are marked as best in every table; they must agree."""
    pages = [plain_table(run, name)]
    found = [{row.name for row in pages[0].rows if row.cells[0].mark == "best"}]
    for text in (pages[0].markdown(), scores_markdown(run)):
        bold = [line for line in text.splitlines() if line.startswith("| ") and "**" in line]
        found.append({re.sub(r"[`\\]", "", line.split(" | ")[0].removeprefix("| ")) for line in bold})
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    capsys.readouterr()
    print_scores(run, (name,))
    green = [line for line in capsys.readouterr().out.splitlines() if "\x1b[1;32m" in line]
    found.append({line.split()[0] for line in green})
    assert all(each == found[0] for each in found)
    return found[0]


def plain_table(run: Run, name: str) -> Table:
    """The first table of the report, of one metric."""
    numbers = Numbers(run)
    return overall(numbers, "scenes", leads(numbers, "scenes", [name]), [name])


@pytest.mark.parametrize(
    ("name", "protocol", "values", "expected", "why"),
    [
        ("psnr_hole", "native", {"a": 20.0, "b": 22.0, "c": 21.0}, {"b"}, ""),
        ("psnr_hole", "native", {"a": 22.0, "b": 22.0, "c": 21.0}, {"a", "b"}, ""),
        # Every fill is the truth.
        ("psnr_hole", "native", {"a": 100.0, "b": 100.0, "c": 100.0}, set(), "all methods have the same value"),
        ("l1_hole", "native", {"a": 0.0, "b": 0.0}, set(), "all methods have the same value"),
        # Alone, there is nobody to be better than.
        ("psnr_hole", "native", {"a": 20.0}, set(), ""),
        # One picture under two holes shows no difference.
        ("psnr_hole", "native", {"a": [20.0] + [math.nan] * 5, "b": [22.0] + [math.nan] * 5}, set(), "no intervals"),
        # Of the easy half only.
        ("psnr_hole", "native", {"a": [25.0] * 3 + [math.nan] * 3, "b": 22.0}, set(), "over fewer fills"),
        # b and c paste the known pixels, of which the evaluator then gives its best value.
        ("lpips", "brushbench", {"a": 0.2, "b": 0.0, "c": 0.0, "d": 0.3}, {"a"}, "b, c cannot be marked best"),
        ("psnr", "brushbench", {"a": 30.0, "b": 1000.0}, set(), "b cannot be marked best"),
        ("mse", "brushbench", {"a": 0.0, "b": 0.0}, set(), "a, b cannot be marked best"),
        ("lpips", "native", {"a": 0.2, "b": 0.0}, {"b"}, ""),
    ],
)
def test_the_best_is_marked_where_something_says_so_and_everywhere_alike(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    protocol: str,
    values: Mapping[str, object],
    expected: set[str],
    why: str,
) -> None:
    run = run_of(tmp_path / "r", name, values, protocol)
    assert marked(run, name, monkeypatch, capsys) == expected
    said = [" ".join(plain_table(run, name).notes), scores_markdown(run)]
    assert all(why in text and ("marked best" in text) == bool(why) for text in said)


@pytest.mark.parametrize(("pictures", "expected"), [(3, set()), (40, {"near"})])
def test_a_score_of_a_whole_set_needs_an_interval_to_be_the_best(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pictures: int,
    expected: set[str],
) -> None:
    """From 40 pictures on, values without each of 20 groups say how sure it is."""
    scores = {(label, 0): {"psnr_hole": np.full((pictures, 2), 20.0)} for label in ("near", "far")}
    run = fake_run(tmp_path / "r", scores, metrics={"fid": set_metric.get("fid")}, profile={"metrics": ["fid"]})
    for label, value in (("near", 20.0), ("far", 90.0)):
        for mask in MASKS:
            identity = {"variant": label, "seed": 0, "dataset": "scenes", "mask": mask}
            again = {"left_out": {"fid": [value + k / 10 for k in range(20)]}} if pictures >= 40 else {}
            content = identity | {"n": pictures, "failed": 0, "values": {"fid": value}} | again
            write_set(set_file(run.path, label, 0, "scenes", mask), content, {})
    write_summary(run)
    run = Run.open(run.path)
    assert marked(run, "fid", monkeypatch, capsys) == expected
    assert ("fid: none is marked best" in scores_markdown(run)) == (not expected)
    numbers = Numbers(run)
    answer = verdict(numbers, {"scenes": leads(numbers, "scenes", ["fid"])})
    assert answer is not None
    assert ("No method can be called best" in answer.sentence) == (not expected)


def test_a_method_that_copies_known_pixels_does_not_lead_by_them(tmp_path: Path) -> None:
    numbers = Numbers(run_of(tmp_path / "r", "lpips", {"a": 0.2, "b": 0.0}, "brushbench"))
    answer = verdict(numbers, {"scenes": leads(numbers, "scenes", ["lpips"])})
    assert answer is not None
    told = "Only a was measured (0.200 known-region LPIPS), as the others copy the known pixels."
    assert answer.sentence == told


def test_where_all_fills_are_exact_nobody_wins(tmp_path: Path) -> None:
    numbers = Numbers(run_of(tmp_path / "r", "psnr_hole", {"a": 100.0, "b": 100.0}))
    answer = verdict(numbers, {"scenes": leads(numbers, "scenes", ["psnr_hole"])})
    assert answer is not None
    assert answer.sentence == "No method can be called best by hole PSNR, as all methods have the same value."


@pytest.mark.parametrize(("swing", "tied"), [(0.05, False), (1.0, True)])
def test_set_scores_are_told_apart_with_the_same_pictures_left_out_of_both(
    tmp_path: Path, swing: float, tied: bool
) -> None:
    """Both scores move with the pictures, which is nobody's lead. What they move apart is the swing: the jackknife's
    error of their difference of 0.5 is sqrt(19 / 20 x 20 swing^2), that is 0.22 or 4.36, and Student's t of 19 is 2.09.
    """
    scores = {(label, 0): {"psnr_hole": np.full((40, 2), 20.0)} for label in ("near", "far")}
    run = fake_run(tmp_path / "r", scores, metrics={"fid": set_metric.get("fid")})
    for label, value, own in (("near", 20.0, 0.0), ("far", 20.5, swing)):
        for mask in MASKS:
            left_out = [value + 9 * (k % 3) + own * (-1) ** k for k in range(20)]
            identity = {"variant": label, "seed": 0, "dataset": "scenes", "mask": mask}
            content = identity | {"n": 40, "failed": 0, "values": {"fid": value}, "left_out": {"fid": left_out}}
            write_set(set_file(run.path, label, 0, "scenes", mask), content, {})
    write_summary(run)
    table = plain_table(Run.open(run.path), "fid")
    assert [row.cells[0].mark for row in table.rows] == ["best", "tied" if tied else ""]
    lead = leads(Numbers(Run.open(run.path)), "scenes", ["fid"])["fid"]
    assert lead.ahead is not None
    half = 2.0930 * math.sqrt(19) * swing
    assert (lead.ahead.mean, lead.ahead.high - 0.5) == pytest.approx((0.5, half), rel=1e-3)
