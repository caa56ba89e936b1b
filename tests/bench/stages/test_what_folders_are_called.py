"""Folders of pictures in what people read: by their own names, which tell two of them apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.exporters.plan_terminal import show
from bench.metrics.scorer import Scorer
from bench.profiles.profile import load_profile
from bench.runs.writer import RunWriter
from bench.set_metrics.registry import set_metric
from bench.set_metrics.store import set_file, write_set
from bench.stages import score as runner
from bench.stages.block import Bench, Task
from bench.stages.plan import plan_run
from bench.stages.prepare import Members, suite_facts
from bench.suites.of_profile import open_suite, refuse_shared_ids
from bench.util.compositing import png
from bench.util.errors import UsageError
from tests.bench.stages.painted import Painter, brighter


@pytest.fixture
def opened(tmp_path: Path) -> Any:
    """A profile of two folders, cats and dogs, and its suite."""
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        for number in range(2):
            grey = np.full((16, 16, 3), 40 * (number + 1), np.uint8)
            (tmp_path / name / f"{number}.png").write_bytes(png(grey))
    data = tuple(f"folder:{tmp_path / name}" for name in ("cats", "dogs"))
    profile = replace(load_profile("tiny"), data=data, count=(None, None), size=16, masks=("rect",))
    return profile, open_suite(profile, "all", packed=False)


def test_progress_names_the_folder_that_is_scored_and_records_keep_the_column(opened: Any) -> None:
    _, suite = opened
    told: list[str] = []
    bench = Bench([Painter("p", brighter(1))], suite, Scorer(["l1_hole"]))
    for number in (0, 1):
        result = bench.score(Task(number, (0, 1), {"rect": (0,)}), lambda text, _: told.append(text), {})
        assert {row["dataset"] for row in result.rows["rect", 0]} == {suite.datasets[number].name}
    assert told == ["cats · rect", "dogs · rect"]


def test_notes_and_refusals_name_the_folder(opened: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    profile, suite = opened
    writer = RunWriter(tmp_path / "run", suite_facts(suite, profile))
    runner.note_small_sets(writer, {dataset.name: 2 for dataset in suite.datasets}, ["fid"])
    assert "(cats 2, dogs 2)" in writer.manifest.notes[0]
    for dataset, n, value in zip(suite.datasets, (9, 2), (0.1, None), strict=True):
        cell = {"variant": "p", "seed": 0, "dataset": dataset.name, "mask": "rect"}
        found = {**cell, "n": n, "failed": 0, "values": {"kid": value}}
        write_set(set_file(writer.path, "p", 0, dataset.name, "rect"), found, {})
    assert runner.note_too_few(writer, {"kid": set_metric.get("kid")}) == {}
    assert "no value on dogs" in capsys.readouterr().err
    with pytest.raises(UsageError, match="cats and dogs both hold a picture called 0"):
        refuse_shared_ids(suite)


def test_a_dry_run_names_the_folders(opened: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    profile, suite = opened
    plan = plan_run(profile, Members(("telea",), ()), suite, tmp_path / "run", False, 1, 0, 1)
    show(plan)
    assert "score    cats: 2 pictures" in capsys.readouterr().out
    assert [row["dataset"] for row in plan.as_dict()["data"]] == [dataset.name for dataset in suite.datasets]
