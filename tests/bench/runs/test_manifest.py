"""run.json: what is written is what is read, what is no run's is refused by its place, and the page tells all keys."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.metrics.declaration import DECLARED
from bench.metrics.registry import metric
from bench.runs.manifest import DatasetEntry, Manifest, VariantEntry, read_manifest
from bench.runs.reader import Run
from bench.runs.writer import RunWriter
from bench.statistics.scores import load_scores
from bench.util.errors import UsageError
from tests.bench.command import bench
from tests.bench.fake_runs import fake_run

PAGE = Path(__file__).parents[3] / "docs" / "run-folder.md"
LEAST = {"name": "r", "suite": None}


def read(folder: Path, found: Any) -> Manifest:
    (folder / "run.json").write_text(json.dumps(found))
    return read_manifest(folder / "run.json")


def whole() -> Manifest:
    """A manifest with something in every key."""
    return Manifest(
        name="r",
        command=["bench", "run"],
        created="2025-01-01T00:00:00+00:00",
        finished="2025-01-01T00:01:00+00:00",
        trained="2025-01-01T00:00:30+00:00",
        profile={"name": "tiny", "size": 32, "epochs": None},
        suite="ab" * 32,
        protocol="lama",
        precision="bf16",
        suite_seed=3,
        size=32,
        datasets=[DatasetEntry("photos", "all", 3, "of a friend", [["x.png", "no picture"]])],
        masks=["rect"],
        trained_on=[DatasetEntry("scenes", "train", 512)],
        training={"weights": {"baseline@0": "ab"}},
        samples="12",
        throughput_of=["telea"],
        variants=[VariantEntry("double_dg", 1, "network", "two stages", "hole", 7, "cd" * 32)],
        metrics={"psnr_hole": metric.get("psnr_hole")},
        missing={"lpips": "no backbone"},
        notes=["a note"],
        stages={"train": 1.5},
        versions={"python": "3"},
        machine={"cores": "2"},
        git={"commit": "ef" * 20},
    )


def test_what_was_written_is_read_back_key_by_key(tmp_path: Path) -> None:
    wanted = whole()
    RunWriter(tmp_path, wanted).write()
    found = Run.open(tmp_path).manifest
    for key in (f.name for f in fields(Manifest) if f.name != "metrics"):
        assert getattr(found, key) == getattr(wanted, key), key
    assert found.metrics["psnr_hole"].as_json() == wanted.metrics["psnr_hole"].as_json()


def test_a_run_that_goes_on_keeps_what_its_stages_left(tmp_path: Path) -> None:
    RunWriter(tmp_path, whole()).write()
    writer = RunWriter(tmp_path)
    assert writer.begin(Manifest(name="x", suite="ab" * 32, profile=whole().profile))
    found = Run.open(tmp_path).manifest
    assert (found.name, found.created, found.finished, found.notes) == (tmp_path.name, whole().created, None, [])
    for key in ("trained_on", "samples", "throughput_of", "variants", "missing", "stages"):
        assert getattr(found, key) == getattr(whole(), key), key


def test_an_older_file_is_read_as_it_was_meant(tmp_path: Path) -> None:
    """No schema, a method's label that nobody asks for, a metric from before ranks, a key that nobody knows."""
    old = {**LEAST, "variants": [{"name": "telea", "label": "telea"}], "metrics": {"psnr_hole": {"version": 1}}, "x": 1}
    found = read(tmp_path, old)
    assert (found.schema, found.protocol, found.variants[0].seed) == (1, "native", 0)
    assert found.metrics["psnr_hole"].rank == metric.get("psnr_hole").rank


def test_a_newer_file_is_refused_by_every_command_that_opens_it(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({**LEAST, "schema": 9}))
    done = bench("report", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "run.json has schema 9, and this inpaint-bench reads up to 1: update inpaint-bench" in done.stderr


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({}, "holds no run: it lacks the key 'name'"),
        ({"name": "r"}, "holds no run: it lacks the key 'suite'"),
        ([], "holds no run: it must be a JSON object"),
        ({**LEAST, "schema": "1"}, 'schema must be a whole number, not "1"'),
        ({**LEAST, "size": "64"}, 'size must be a whole number, not "64"'),
        ({**LEAST, "suite_seed": True}, "suite_seed must be a whole number, not true"),
        ({**LEAST, "masks": "rect"}, 'masks must be a list, not "rect"'),
        ({**LEAST, "masks": [1]}, "masks[0] must be text, not 1"),
        ({**LEAST, "missing": []}, "missing must be a JSON object, not []"),
        ({**LEAST, "stages": {"train": "1"}}, 'stages.train must be a number, not "1"'),
        ({**LEAST, "datasets": [{}]}, "datasets[0] lacks the key 'name'"),
        ({**LEAST, "variants": [{"name": "a", "seed": 1.5}]}, "variants[0].seed must be a whole number, not 1.5"),
        ({**LEAST, "metrics": {"psnr": 3}}, "metrics.psnr must be a JSON object, not 3"),
        ({**LEAST, "metrics": {"psnr": {"version": [1]}}}, "metrics.psnr.version must be a whole number, not [1]"),
        ({**LEAST, "metrics": {"psnr": {"range": 1}}}, "metrics.psnr.range must be a list of two numbers, not 1"),
    ],
)
def test_what_is_no_runs_is_refused_by_file_and_key(tmp_path: Path, found: Any, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(tmp_path, found)
    assert str(refused.value).startswith(f"{tmp_path / 'run.json'}") and told in str(refused.value)


def test_the_page_tells_every_key_that_is_written_and_no_other() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    table = dict(rows)
    assert list(table) == [f.name for f in fields(Manifest)]
    for key, entry in (("datasets", DatasetEntry), ("variants", VariantEntry)):
        assert inner(table[key]) == [f.name for f in fields(entry)]
    assert sorted(inner(table["metrics"])) == sorted([*DECLARED, "title"])
    assert set(whole().as_json()) == set(table)


def inner(text: str) -> list[str]:
    """The keys in the braces of a row: words before a comma, a colon or the end."""
    keys = re.search(r"\{(.*)\}", text)
    assert keys is not None
    return re.findall(r"`(\w+)`", keys[1])


def test_a_run_json_that_is_not_as_it_was_written_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    RunWriter(tmp_path, whole()).write()
    file = tmp_path / "run.json"
    assert read_manifest(file).suite_seed == 3 and not capsys.readouterr().err
    file.write_text(file.read_text().replace('"suite_seed": 3', '"suite_seed": 4'))
    assert [read_manifest(file).suite_seed for _ in range(2)] == [4, 4]
    assert capsys.readouterr().err == f"note: {file} was edited, or is damaged: it is not what was written\n"


def test_records_and_samples_that_are_gone_from_a_finished_run_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {(name, 0): {"psnr_hole": np.ones((3, 2))} for name in ("telea", "mean_fill")}
    run = fake_run(tmp_path / "r", scores, samples="12")
    assert len(run.records()) == 12 and not capsys.readouterr().err
    assert Run.open(run.path).samples == []
    assert "samples/index.json is gone" in capsys.readouterr().err
    (run.path / "records/telea/seed-0/scenes-rect.parquet").unlink()
    again = Run.open(run.path)
    assert len(again.records()) == 9 and set(load_scores(again, "telea")) == {"scenes"}
    assert capsys.readouterr().err.count("note: ") == 1
    assert again.lacking == ["telea/seed-0/scenes-rect.parquet"]
    RunWriter(run.path, Run.open(run.path).manifest).update(finished=None)
    assert Run.open(run.path).lacking == [], "a run that is going on has not scored all of it yet"
