"""The noise floor, and the threshold file made from it, on invented runs with known noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from bench.errors import IncomparableError, UsageError
from bench.gate.check import check_run
from bench.gate.noise import measure_noise, rounded_up
from bench.gate.rules import read_thresholds
from bench.gate.thresholds import write_threshold_file
from bench.runs.reader import Run
from tests.bench.fake_runs import fake_run

BASE = np.random.default_rng(0).normal(20, 3, (40, 2))
SHIFTS = {"a": (0.0, 0.3, -0.1), "b": (0.1, -0.2, 0.2)}


def run(path: Path, seeds: tuple[int, ...] = (0, 1, 2), drop: float = 0.0) -> Run:
    entries = {(v, k): {"psnr_hole": BASE + SHIFTS[v][k] - drop} for v in SHIFTS for k in seeds}
    entries["telea", 0] = {"psnr_hole": BASE - 1}
    return fake_run(path, entries, kinds={"telea": "reference"})


def test_the_floor_is_the_spread_of_seeds_with_students_bound(tmp_path: Path) -> None:
    row = next(r for r in measure_noise([run(tmp_path / "r")]).rows if (r.variant, r.mask) == ("a", "all"))
    sds = [np.std(SHIFTS[v], ddof=1) for v in SHIFTS]
    assert row.run_sd == pytest.approx(sds[0])
    pooled = np.sqrt(np.mean(np.square(sds)))
    assert row.floor == pytest.approx(stats.t.ppf(0.99, 4) * np.sqrt(2) * max(sds[0], pooled))
    assert row.instances == 3
    assert row.tolerance >= row.floor


def test_two_runs_of_the_same_seed_are_instances_too(tmp_path: Path) -> None:
    rows = measure_noise([run(tmp_path / "x", (0,)), run(tmp_path / "y", (1,))]).rows
    assert {row.instances for row in rows} == {2}


def test_what_is_not_trained_has_no_floor_and_the_default_tolerance(tmp_path: Path) -> None:
    rows = measure_noise([run(tmp_path / "x", (0,)), run(tmp_path / "y", (1,))]).rows
    telea = next(row for row in rows if (row.variant, row.mask) == ("telea", "all"))
    assert telea.floor == 0
    assert telea.tolerance == 0.1


def test_a_single_instance_says_that_the_noise_is_unknown(tmp_path: Path) -> None:
    found = measure_noise([run(tmp_path / "x", (0,))])
    assert any("unknown" in note for note in found.notes)
    assert {row.floor for row in found.rows} == {0.0}


def test_runs_measured_differently_have_no_common_floor(tmp_path: Path) -> None:
    other = fake_run(tmp_path / "y", {("a", 0): {"psnr_hole": BASE}}, suite="cd" * 32)
    with pytest.raises(IncomparableError, match="suite fingerprint"):
        measure_noise([run(tmp_path / "x"), other])


def test_tolerances_round_up_to_two_digits() -> None:
    assert [rounded_up(v) for v in (0.1, 0.1234, 12.01, 0.0050001, 0.0)] == [0.1, 0.13, 13.0, 0.0051, 0.0]


def test_a_threshold_file_passes_its_own_run_and_catches_twice_the_tolerance(tmp_path: Path) -> None:
    whole = run(tmp_path / "r")
    floor = measure_noise([whole])
    file, reference = write_threshold_file(tmp_path / "t.toml", whole, floor)
    thresholds = read_thresholds(file)
    assert thresholds.against == reference.name
    rules = thresholds.rules
    again = check_run(rules, whole, Run.open(reference))
    assert again.state == "pass"
    largest = max(row.tolerance for row in floor.rows if row.mask == "all")
    damaged = run(tmp_path / "damaged", drop=2.5 * largest)
    assert check_run(rules, damaged, Run.open(reference)).state == "regression"


def test_retrained_from_another_seed_passes_the_file(tmp_path: Path) -> None:
    whole = run(tmp_path / "r", (0,))
    file, reference = write_threshold_file(
        tmp_path / "t.toml", whole, measure_noise([whole, run(tmp_path / "other", (1,))])
    )
    retrained = run(tmp_path / "third", (2,))
    assert check_run(read_thresholds(file).rules, retrained, Run.open(reference)).state == "pass"


def test_nothing_is_written_over_without_force(tmp_path: Path) -> None:
    whole = run(tmp_path / "r", (0,))
    floor = measure_noise([whole])
    write_threshold_file(tmp_path / "t.toml", whole, floor)
    with pytest.raises(UsageError, match="--force"):
        write_threshold_file(tmp_path / "t.toml", whole, floor)
    write_threshold_file(tmp_path / "t.toml", whole, floor, force=True)


def test_force_leaves_a_folder_alone_that_is_no_reference(tmp_path: Path) -> None:
    precious = tmp_path / "t-reference" / "thesis.tex"
    precious.parent.mkdir()
    precious.write_text("words")
    whole = run(tmp_path / "r", (0,))
    with pytest.raises(UsageError, match="no reference"):
        write_threshold_file(tmp_path / "t.toml", whole, measure_noise([whole]), force=True)
    assert precious.is_file()
