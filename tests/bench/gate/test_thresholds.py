"""The threshold file that ``--init`` writes, and the reference beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from bench.gate import thresholds
from bench.gate.noise import NoiseFloor, measure_noise
from bench.gate.rules import read_thresholds
from bench.gate.thresholds import write_threshold_file
from bench.gate.verdict import check_run
from bench.runs.reader import Run
from bench.util.errors import IncomparableError, UsageError
from tests.bench.fake_runs import fake_run

BASE = np.random.default_rng(0).normal(20, 3, (40, 2))
SHIFTS = {"a": (0.0, 0.3, -0.1), "b": (0.1, 0.0, 0.2)}
"""Of training seeds. Student's bound of two such runs is 1.103 dB for a and 0.8655 dB for b (tests of the floor)."""


def run(path: Path, seeds: tuple[int, ...] = (0, 1, 2), drop: float = 0.0, **keywords: Any) -> Run:
    entries = {(v, k): {"psnr_hole": BASE + SHIFTS[v][k] - drop} for v in SHIFTS for k in seeds}
    entries["telea", 0] = {"psnr_hole": BASE - 1 - drop}
    return fake_run(path, entries, kinds={"telea": "reference"}, **keywords)


def written(tmp_path: Path, whole: Run, floor: NoiseFloor | None = None) -> list[str]:
    """The lines of the threshold file."""
    file, _ = write_threshold_file(tmp_path / "t.toml", whole, floor or measure_noise([whole]))
    return file.read_text().splitlines()


def test_measured_noise_gives_every_variant_its_tolerance(tmp_path: Path) -> None:
    lines = written(tmp_path, run(tmp_path / "r"))
    assert lines[:5] == [
        "# Written by bench check --init from the run r. bench check -h tells how rules are written.",
        "# Tolerances: the default of each metric, raised to the noise floor of A/A runs (r).",
        'against = "t-reference"',
        "",
        "fail_if = [",
    ]
    assert [line.split("  #")[0].strip() for line in lines[5:]] == [
        '"a.psnr_hole:1.2",',
        '"b.psnr_hole:0.87",',
        '"telea.psnr_hole:0.1",',
        "]",
    ]
    assert "# psnr_hole [dB ↑]: run to run 0.21, A/A within 1.1, image error " in lines[5]


def test_without_measured_noise_a_metric_has_one_rule_for_all(tmp_path: Path) -> None:
    lines = written(tmp_path, run(tmp_path / "r", (0,)))
    assert lines[1].endswith("Run-to-run noise was not measured: bench noise does.")
    assert lines[5:] == ['    "psnr_hole:0.1",  # psnr_hole [dB ↑]', "]"]


def test_alike_tolerances_are_one_rule_and_the_largest_where_noise_is_unknown(tmp_path: Path) -> None:
    # A metric that no table knows is allowed 1 % of its mean, which differs: 0.1 of 10, 0.2 of 20.
    odd = {(name, 0): {"oddity": np.full((5, 2), mean)} for name, mean in (("a", 10.0), ("b", 20.0))}
    single = fake_run(tmp_path / "single", odd)
    assert written(tmp_path, single)[5:] == ['    "oddity:0.2",  # oddity [↓]', "]"]
    steady = fake_run(tmp_path / "steady", {(n, k): {"psnr_hole": BASE} for n in "ab" for k in (0, 1)})
    file, _ = write_threshold_file(tmp_path / "steady.toml", steady, measure_noise([steady]))
    assert file.read_text().splitlines()[5:] == ['    "psnr_hole:0.1",  # psnr_hole [dB ↑]', "]"]


def test_damage_is_caught_where_it_exceeds_the_tolerances_written_down(tmp_path: Path) -> None:
    whole = run(tmp_path / "r")
    file, reference = write_threshold_file(tmp_path / "t.toml", whole, measure_noise([whole]))
    thresholds = read_thresholds(file)
    assert thresholds.against == reference.name
    # The same seeds lost as much everywhere, so the intervals are points: 1.2, 0.87 and 0.1 dB are allowed.
    for drop, states in (
        (0.0, ["pass", "pass", "pass"]),
        (0.86, ["pass", "pass", "regression"]),
        (1.1, ["pass", "regression", "regression"]),
        (1.3, ["regression", "regression", "regression"]),
    ):
        damaged = run(tmp_path / f"damaged-{drop}", drop=drop)
        checked = check_run(thresholds.rules, damaged, Run.open(reference))
        assert [line.state for line in checked.lines] == states


def test_retrained_from_another_seed_passes_the_file(tmp_path: Path) -> None:
    whole = run(tmp_path / "r", (0,))
    floor = measure_noise([whole, run(tmp_path / "other", (1,))])
    file, reference = write_threshold_file(tmp_path / "t.toml", whole, floor)
    retrained = run(tmp_path / "third", (2,))
    assert check_run(read_thresholds(file).rules, retrained, Run.open(reference)).state == "pass"
    assert "of A/A runs (r, other)." in file.read_text()


def speeds(value: float) -> list[dict[str, Any]]:
    cell = {"device": "cpu", "precision": "fp32", "mode": "eager", "resolution": 64, "batch": 8}
    return [
        {"variant": n, **cell, "images_per_s": v, "images_per_s_low": 0.99 * v, "images_per_s_high": 1.01 * v}
        for n, v in (("a", value), ("b", 9.0), ("calibration", 200.0))
    ]


def test_a_variant_timed_too_briefly_for_an_interval_gets_no_rule_that_would_be_undecided(tmp_path: Path) -> None:
    rows = speeds(20.0)
    rows[0] |= {"images_per_s_low": None, "images_per_s_high": None}
    whole = run(tmp_path / "r", (0,), throughput=rows)
    file, _ = write_threshold_file(tmp_path / "t.toml", whole, measure_noise([whole]))
    assert "# a: timed too briefly" in file.read_text()
    assert [rule.text for rule in read_thresholds(file).rules if "speed" in rule.text] == ["b.speed:25%"]


def test_speeds_may_drop_by_a_quarter_or_by_what_was_measured_but_not_to_nothing(tmp_path: Path) -> None:
    whole = run(tmp_path / "r", (0,), throughput=speeds(20.0))
    floor = measure_noise([whole])
    assert floor.speeds == {}
    for measured, allowed in (({}, "25%"), ({"a": 12.0}, "25%"), ({"a": 41.2}, "42%"), ({"a": 99.0}, "95%")):
        known = replace(floor, speeds=measured)
        file, _ = write_threshold_file(tmp_path / "t.toml", whole, known, force=True)
        assert [line.split(",")[0].strip() for line in file.read_text().splitlines()[6:-1]] == [
            f'"a.speed:{allowed}"',
            '"b.speed:25%"',
        ]


def test_the_reference_holds_the_gated_scores_and_the_speeds_alone(tmp_path: Path) -> None:
    lpips = {"lpips": BASE / 50, "l1": BASE / 100}
    entries = {("a", 0): {"psnr_hole": BASE} | lpips, ("telea", 0): {"psnr_hole": BASE - 1} | lpips}
    whole = fake_run(tmp_path / "r", entries, throughput=speeds(20.0), machine={"host": "mine"}, versions={"lpips": 3})
    _, reference = write_threshold_file(tmp_path / "t.toml", whole, measure_noise([whole]))
    files = sorted(str(file.relative_to(reference)) for file in reference.rglob("*") if file.is_file())
    assert files == [
        "records/a/seed-0/scenes-circle.parquet",
        "records/a/seed-0/scenes-rect.parquet",
        "records/telea/seed-0/scenes-circle.parquet",
        "records/telea/seed-0/scenes-rect.parquet",
        "run.json",
        "throughput.parquet",
    ]
    table = pq.read_table(reference / files[0], partitioning=None)
    keys = ["variant", "seed", "dataset", "mask", "image_id", "sample", "hole_area", "failed"]
    assert sorted(table.column_names) == sorted([*keys, "psnr_hole", "lpips"])
    np.testing.assert_array_equal(table["psnr_hole"].to_numpy(), BASE[:, 1])
    assert (reference / "throughput.parquet").read_bytes() == (whole.path / "throughput.parquet").read_bytes()
    manifest = json.loads((reference / "run.json").read_text())
    told = json.loads((whole.path / "run.json").read_text())
    same = ("schema", "name", "suite", "protocol", "precision", "suite_seed", "size", "masks", "variants", "versions")
    assert {key: manifest[key] for key in same} == {key: told[key] for key in same}
    assert set(manifest) == {*same, "metrics"}
    assert manifest["metrics"] == {name: told["metrics"][name] for name in ("psnr_hole", "lpips")}


def test_other_metrics_are_gated_only_where_no_headline_is_there(tmp_path: Path) -> None:
    both = fake_run(tmp_path / "both", {("a", 0): {"psnr_hole": BASE, "psnr": BASE}})
    assert [line.strip()[:11] for line in written(tmp_path, both)[5:-1]] == ['"psnr_hole:']


def test_a_run_without_scores_makes_no_thresholds(tmp_path: Path) -> None:
    empty = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": np.full((3, 2), np.nan)}})
    with pytest.raises(IncomparableError, match="the run r holds no scores"):
        written(tmp_path, empty)
    assert not (tmp_path / "t.toml").exists()


@pytest.mark.parametrize("there", ["t.toml", "t-reference"])
def test_nothing_is_written_over_without_force(tmp_path: Path, there: str) -> None:
    whole = run(tmp_path / "r", (0,))
    floor = measure_noise([whole])
    paths = write_threshold_file(tmp_path / "t.toml", whole, floor)
    assert paths == [tmp_path / "t.toml", tmp_path / "t-reference"]
    other = tmp_path / ("t.toml" if there == "t-reference" else "t-reference")
    other.rename(tmp_path / "away")
    with pytest.raises(UsageError, match=f"{there} exists: overwrite it with --force"):
        write_threshold_file(tmp_path / "t.toml", whole, floor)
    assert not other.exists()


def test_force_writes_the_reference_anew(tmp_path: Path) -> None:
    whole = run(tmp_path / "r", (0,))
    _, reference = write_threshold_file(tmp_path / "t.toml", whole, measure_noise([whole]))
    fewer = fake_run(tmp_path / "fewer", {("b", 0): {"psnr_hole": BASE}})
    write_threshold_file(tmp_path / "t.toml", fewer, measure_noise([fewer]), force=True)
    assert Run.open(reference).members() == [("b", 0)]


def test_force_leaves_a_folder_alone_that_is_no_reference(tmp_path: Path) -> None:
    precious = tmp_path / "t-reference" / "thesis.tex"
    precious.parent.mkdir()
    precious.write_text("words")
    whole = run(tmp_path / "r", (0,))
    with pytest.raises(UsageError, match="not a reference"):
        write_threshold_file(tmp_path / "t.toml", whole, measure_noise([whole]), force=True)
    assert precious.is_file()


def test_a_killed_init_is_mended_by_the_same_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run(tmp_path / "r")
    floor = measure_noise([whole])

    class Killed(BaseException):
        pass

    def kill(*_: Any) -> None:
        raise Killed

    for place in ("write_text", "write_json"):
        with monkeypatch.context() as killing:
            real = getattr(thresholds, place)
            killing.setattr(
                thresholds, place, lambda path, *a, r=real: r(path, *a) if path.suffix == ".part" else kill()
            )
            with pytest.raises(Killed):
                write_threshold_file(tmp_path / "t.toml", whole, floor)
    file, reference = write_threshold_file(tmp_path / "t.toml", whole, floor)
    assert read_thresholds(file).against == reference.name and Run.open(reference).members() == whole.members()
    with pytest.raises(UsageError, match="exists: overwrite it with --force"):
        write_threshold_file(tmp_path / "t.toml", whole, floor)
