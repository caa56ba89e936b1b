"""What a run would do and take, by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bench.exporters.plan_terminal import show, size
from bench.metrics.registry import metric
from bench.profiles.profile import load_profile
from bench.runs.records import write_records
from bench.stages.plan import CELL, COLUMN, plan_run, states, weights_of
from bench.stages.prepare import Members
from bench.suites.of_profile import open_suite
from tests.bench.command import TINY, bench

MEMBERS = Members(("baseline@0", "baseline@1", "telea"), (("baseline", 0), ("baseline", 1)), {"lpv": "it lacks a file"})


def planned(run, fresh: bool = False):
    profile = load_profile("tiny", {"count": 5, "width": 4})
    return plan_run(
        profile, MEMBERS, open_suite(profile, packed=False), run, fresh, metrics=3, pictures=100, together=1
    )


def test_trainings_fills_and_bytes_by_hand(tmp_path):
    plan = planned(tmp_path / "run")
    assert plan.trainings == (("baseline", 0), ("baseline", 1)) and plan.trained == 0
    # 3 methods, 5 pictures, 2 mask types.
    assert plan.fills == 30
    ids = sum(len(image_id) for image_id in open_suite(load_profile("tiny", {"count": 5})).datasets[0].ids)
    # Six files, each with 5 rows of three scores and an area, 9 bytes each, and the pictures' names.
    assert plan.disk.records == 6 * (CELL + 5 * 4 * 9 + ids)
    assert plan.disk.pictures == 100 * 32 * 32 * 3
    generator, critics = weights_of("baseline", 4)
    assert critics == 0
    # Two networks in 4 bytes a weight; their states hold three numbers a weight, and one training runs at a time.
    assert plan.disk.weights == 2 * 4 * generator
    assert plan.disk.states == 3 * 12 * generator


def test_records_take_what_is_said(tmp_path):
    names = metric.names()
    row = {"variant": "double_dg", "seed": 0, "dataset": "scenes", "mask": "rect", "failed": ""}
    draws = np.random.default_rng(0).random((2000, len(names) + 1))
    rows = [
        {**row, "image_id": f"{i:025d}", "hole_area": values[0], **dict(zip(names, values[1:], strict=True))}
        for i, values in enumerate(draws)
    ]
    write_records(tmp_path / "a.parquet", rows, names, {})
    assert CELL + 2000 * (COLUMN * (len(names) + 1) + 25) == pytest.approx(
        (tmp_path / "a.parquet").stat().st_size, rel=0.1
    )


def test_states_hold_critics_and_a_running_mean():
    assert states([(100, 10), (30, 0)], mean=False, together=1) == 2 * 1320 + 360
    assert states([(100, 10), (30, 0)], mean=True, together=2) == 2 * (1320 + 400) + 2 * (360 + 120)


@pytest.mark.parametrize(("fresh", "left", "trained"), [(False, (("baseline", 1),), 1), (True, MEMBERS.networks, 0)])
def test_what_is_trained_is_not_trained_again_unless_it_starts_over(tmp_path, fresh, left, trained):
    weights = tmp_path / "checkpoints" / "baseline" / "seed-0" / "generator.safetensors"
    weights.parent.mkdir(parents=True)
    weights.touch()
    plan = planned(tmp_path, fresh)
    assert (plan.trainings, plan.trained) == (left, trained)


def test_the_lines_name_everything(tmp_path, capsys):
    show(planned(tmp_path / "run"))
    said = capsys.readouterr().out
    assert "train    baseline@0, baseline@1\n" in said
    assert "score    scenes: 5 pictures × 2 mask types (standard, rect)\n" in said
    assert "fills    30, by 3 methods: baseline@0, baseline@1, telea\n" in said
    assert "lpv is left out: it lacks a file\n" in said
    assert (size(400_000), size(12_400_000), size(3_100_000_000)) == ("0.4 MB", "12 MB", "3.1 GB")


def test_a_dry_run_writes_nothing(tmp_path):
    words = [*TINY, "--variants", "baseline,telea", "--set", "workers=1", "--dry-run", "--json", "--runs-dir", "runs"]
    done = bench("run", *words, cwd=tmp_path, env={"BENCH_CACHE_DIR": str(tmp_path / "cache")})
    assert done.returncode == 0, done.stderr
    given = json.loads(done.stdout)
    assert given["to_train"] == [{"variant": "baseline", "seed": 0}]
    # 6 pictures, 2 mask types, 2 methods.
    assert given["fills"] == 24
    assert [t["steps"] for t in given["training"]["trainings"]] == [6]
    assert not any(tmp_path.iterdir())
