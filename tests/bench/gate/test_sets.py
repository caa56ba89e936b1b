"""Limits of scores of whole sets: which files a value is the mean of, and what its line says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.runs.reader import Run
from bench.runs.writer import RunWriter
from bench.set_metrics.registry import set_metric
from bench.util.errors import Exit, IncomparableError, UsageError
from tests.bench.fake_runs import fake_run
from tests.bench.gate.invented import check

FIDS = {
    ("a", 0, "scenes", "rect"): 10.0,
    ("a", 0, "scenes", "circle"): 20.0,
    ("a", 1, "scenes", "rect"): 14.0,
    ("a", 1, "scenes", "circle"): 24.0,
    ("a", 0, "photos", "rect"): 50.0,
    ("a", 1, "photos", "rect"): 52.0,
    ("b", 0, "scenes", "rect"): 90.0,
}


def scored(path: Path, failed: dict[tuple[str, int, str, str], int] | None = None, **values: Any) -> Run:
    """A run with an FID for every entry of FIDS; failed: fills that an entry lacks; values: in place of all."""
    psnr = {"psnr_hole": np.full((3, 2), 20.0)}
    for dataset in ("photos", "scenes"):
        run = fake_run(path, {("a", 0): psnr, ("a", 1): psnr, ("b", 0): psnr}, dataset=dataset)
    RunWriter(path, run.manifest).update(metrics={**run.manifest.metrics, "fid": set_metric.get("fid")})
    for key, value in FIDS.items():
        variant, seed, dataset, mask = key
        file = path / "sets" / variant / f"seed-{seed}" / f"{dataset}-{mask}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        entry = {"variant": variant, "seed": seed, "dataset": dataset, "mask": mask, "n": 3}
        entry |= {"failed": (failed or {}).get(key, 0), "values": {"fid": value} | values}
        file.write_text(json.dumps(entry))
    return Run.open(path)


@pytest.mark.parametrize(
    ("rule", "measured"),
    [
        ("a.fid>99", {("scenes", "all"): (10 + 20 + 14 + 24) / 4, ("photos", "all"): 51}),
        ("a.fid[*]>99", {("scenes", "rect"): 12, ("scenes", "circle"): 22, ("photos", "rect"): 51}),
        ("a.fid[circle]>99", {("scenes", "circle"): 22}),
        ("a@1.fid[rect]>99", {("scenes", "rect"): 14, ("photos", "rect"): 52}),
    ],
)
def test_a_value_is_the_mean_over_seeds_of_its_own_data_set_and_mask_types(
    tmp_path: Path, rule: str, measured: dict[tuple[str, str], float]
) -> None:
    lines = check(scored(tmp_path / "r"), None, rule).lines
    found = {(line.target.dataset, line.target.mask): line.reading.measured for line in lines}
    assert found == pytest.approx(measured)


@pytest.mark.parametrize(
    ("rule", "state"), [("b.fid>90", "pass"), ("b.fid>89.9", "regression"), ("b.fid>90.1", "pass")]
)
def test_the_line_holds_the_value_without_an_interval_and_says_so(tmp_path: Path, rule: str, state: str) -> None:
    run = scored(tmp_path / "r")
    line = check(run, None, rule).as_json()["rules"][0]
    assert line == {
        "rule": rule,
        "state": state,
        "measured": 90.0,
        "allowed": float(rule.split(">")[1]),
        "low": None,
        "high": None,
        "level": 0.95,
        "kind": "ceiling",
        "unit": "",
        "variant": "b",
        "dataset": "scenes",
        "mask": "all",
        "metric": "fid",
        "reference_mean": None,
        "candidate_mean": 90.0,
        "where": "--fail-if",
        "look": str(run.path / "sets" / "b"),
        "why": "one value of a whole set: judged as it is, without an interval",
    }


def test_a_drop_is_refused_for_want_of_pictures_to_pair_not_of_an_interval(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refusal:
        check(scored(tmp_path / "r"), None, "fid:2")
    assert (
        "fid is one value of a whole set of fills: a drop is judged over pictures that both runs scored, and it has "
        "none to pair. Give a limit, fid>VALUE"
    ) in str(refusal.value)
    assert "interval" not in str(refusal.value)


def test_fills_in_no_value_are_added_up_and_make_the_check_partial(tmp_path: Path) -> None:
    run = scored(tmp_path / "r", {("a", 0, "scenes", "rect"): 2, ("a", 1, "scenes", "circle"): 1})
    checked = check(run, None, "fid>99", "psnr_hole<1")
    assert checked.notes == ["a failed on 3 pictures of scenes; they are excluded from the value."]
    assert checked.exit() == Exit.PARTIAL
    whole = check(run, None, "b.fid>99", "psnr_hole<1")
    assert (whole.notes, whole.exit()) == ([], Exit.OK)


def test_fills_in_no_mean_are_told_beside_those_in_no_value(tmp_path: Path) -> None:
    run = scored(tmp_path / "r", {("a", 0, "scenes", "rect"): 2})
    for seed in (0, 1):
        (run.path / "records" / "a" / f"seed-{seed}" / "photos-circle.parquet").unlink()
    (run.path / "records" / "a" / "seed-1" / "scenes-circle.parquet").unlink()
    checked = check(run, None, "a.fid>99", "a.psnr_hole<1")
    assert checked.notes == [
        "3 fills of a on scenes are missing on one side.",
        "a failed on 2 pictures of scenes; they are excluded from the value.",
    ]
    assert checked.partial
    assert check(run, None, "b.fid>99", "a.psnr_hole<1").partial


def test_a_value_that_could_not_be_computed_is_no_pass(tmp_path: Path) -> None:
    with pytest.raises(IncomparableError, match="matched nothing of fid"):
        check(scored(tmp_path / "r", fid=None), None, "fid>99")
