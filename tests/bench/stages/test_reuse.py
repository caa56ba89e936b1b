"""Results by content: the same is not scored twice, and whatever a value depends on makes it another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.datasets.registry import Dataset
from bench.methods.predictions import Predictions
from bench.metrics.scorer import Scorer
from bench.runs.manifest import Manifest, VariantEntry
from bench.runs.reader import Run
from bench.runs.writer import RunWriter
from bench.stages.reuse import digest_fills, earlier_runs, notes_of
from bench.stages.score import evaluate
from bench.suites.suite import Suite
from bench.util.compositing import png
from variants.method import Method

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
SUITE = Suite((Dataset("noise", "test", 16, ["a", "b", "c"], lambda i: IMAGES[i]),), ("rect",))
FACTS = {"suite": "s", "precision": "fp32"}


class Counted(Method):
    """Half grey; counts the pictures that it was asked for."""

    name, kind, weights_sha256 = "counted", "network", "1"

    def __init__(self) -> None:
        self.asked = 0

    def fill(self, images, holes, ids=None, mask=""):
        self.asked += len(images)
        return np.full(images.shape, 0.5, np.float32)


@pytest.fixture
def first(tmp_path) -> Run:
    """A run that scored Counted, and was told something of it."""
    entry = VariantEntry("counted", notes=["counted returned values from -1 to 2"])
    writer = RunWriter(tmp_path / "first", Manifest(name="first", suite="s", variants=[entry]))
    writer.write()
    evaluate([Counted()], SUITE, Scorer(["psnr"]), writer.path, FACTS)
    return Run.open(writer.path)


def test_what_another_run_scored_is_taken_over_with_what_it_was_told(tmp_path, first):
    method = Counted()
    outcome = evaluate([method], SUITE, Scorer(["psnr"]), tmp_path / "second", FACTS, earlier=[first])
    assert method.asked == 0
    name = "records/counted/seed-0/noise-rect.parquet"
    assert (tmp_path / "second" / name).read_bytes() == (first.path / name).read_bytes()
    assert list(outcome.kept["counted"]) == [first.path]
    assert notes_of(first, method) == ["counted returned values from -1 to 2"]


@pytest.mark.parametrize("change", ["weights_sha256", "content", "convention", "facts", "restore_known", "metric"])
def test_whatever_a_value_depends_on_is_scored_again(tmp_path, first, change):
    method, facts, restore, metrics = Counted(), dict(FACTS), True, ["psnr"]
    if change == "facts":
        facts["precision"] = "fp16"
    elif change == "restore_known":
        restore = False
    elif change == "metric":
        facts["metrics"] = {"psnr": 2}
    else:
        setattr(method, change, "other")
    scorer = Scorer(metrics)
    evaluate([method], SUITE, scorer, tmp_path / "b", facts, earlier=[first], restore_known=restore)
    assert method.asked == 3


def test_runs_of_another_suite_version_or_machine_give_nothing(tmp_path, first):
    ours = first.manifest
    assert [run.path for run in earlier_runs(tmp_path, ours, tmp_path / "own")] == [first.path]
    assert not earlier_runs(tmp_path, ours, first.path)
    for change in ({"suite": "t"}, {"versions": {"torch": "0"}}, {"machine": {"cpu": "other"}}):
        assert not earlier_runs(tmp_path, replace(ours, **change), tmp_path / "own")


def test_finished_pictures_are_known_by_what_they_are(tmp_path):
    for name, image in zip("abc", IMAGES, strict=True):
        (tmp_path / "fills/rect").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"fills/rect/{name}.png").write_bytes(png(image))
    found = []
    for change in (None, "b", "gone", None):
        if change == "b":
            (tmp_path / "fills/rect/b.png").write_bytes(png(IMAGES[0]))
        elif change == "gone":
            (tmp_path / "fills/rect/b.png").unlink()
        method = Predictions("fills", tmp_path / "fills")
        digest_fills([method], SUITE)
        found.append(method.content)
    assert len(set(found)) == 3 and found[2] == found[3]
