"""Several samples of a hole: each is scored, a picture counts with their mean, and the best of them stands apart."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.commands.evaluate import evaluate_methods
from bench.datasets.registry import Dataset
from bench.metrics.registry import metric
from bench.metrics.scorer import Scorer
from bench.runs.manifest import Manifest, VariantEntry
from bench.runs.reader import Run
from bench.runs.records import record_file
from bench.runs.writer import RunWriter
from bench.stages import score as runner
from bench.stages.score import evaluate
from bench.stages.several_fills import diversity, settle_samples
from bench.statistics.scores import load_scores
from bench.statistics.summary import summarise
from bench.suites.suite import Suite
from bench.util.errors import BenchError, UsageError
from tests.bench.stages.request import request
from variants.errors import FillError
from variants.method import Method, ReferenceMethod
from variants.registry import variant

LEVELS = {"a": (10, 30, 80), "b": (100, 100, 160)}
"""What each sample fills a black picture with, so that its hole L1 is level / 255."""

SUITE = Suite((Dataset("black", "test", 16, list(LEVELS), lambda i: np.zeros((16, 16, 3), np.uint8)),), ("rect",))
METRICS = ("l1_hole", "psnr_hole")


class Levels(Method):
    """Fills by :data:`LEVELS`; picture c of sample 1 fails where asked for."""

    name, forks, weights_sha256, kind = "levels", True, "1", "network"

    def __init__(self, samples: int = 3, broken: str = "") -> None:
        self.samples, self.broken, self.asked = samples, broken, 0

    def fill(self, images, holes, ids=None, mask=""):
        self.asked += len(images)
        raw = np.stack([np.full((16, 16, 3), LEVELS[name][self.sample] / 255, np.float32) for name in ids])
        if self.sample == 1 and self.broken in ids:
            raw[ids.index(self.broken)] = math.nan
        return raw


def scored(path: Path, method: Method, workers: int = 1) -> Run:
    metrics = {name: metric.get(name) for name in METRICS}
    entry = VariantEntry(method.name)
    RunWriter(path, Manifest(name="r", suite="s", masks=["rect"], variants=[entry], metrics=metrics)).write()
    evaluate([method], SUITE, Scorer(METRICS), path, {"suite": "s"}, workers=workers)
    return Run.open(path)


def rows(run: Run) -> dict[str, dict]:
    return {row["metric"]: row for row in summarise(run, 100)["scores"] if row["mask"] == "all"}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_picture_counts_with_the_mean_and_the_best_stands_apart(tmp_path, monkeypatch, workers):
    monkeypatch.setattr(runner, "BATCH", 1)
    run = scored(tmp_path / "r", Levels(), workers)
    table = pd.read_parquet(record_file(run.path, "levels", 0, "black", "rect"))
    assert list(zip(table["image_id"], table["sample"], strict=True)) == [(i, s) for i in "ab" for s in range(3)]
    assert (table["l1_hole"] * 255).tolist() == pytest.approx([10, 30, 80, 100, 100, 160])
    found = rows(run)["l1_hole"]
    assert found["mean"] * 255 == pytest.approx((40 + 120) / 2)
    assert found["oracle"] * 255 == pytest.approx((10 + 100) / 2), "lower is better"
    deviations = (math.sqrt((30**2 + 10**2 + 40**2) / 2), math.sqrt((20**2 + 20**2 + 40**2) / 2))
    assert found["spread"] * 255 == pytest.approx(sum(deviations) / 2)
    assert found["diversity"] == pytest.approx(((20 + 70 + 50) / 3 + (0 + 60 + 60) / 3) / 2)
    assert (found["samples"], found["n"], found["images"], found["failed"]) == (3, 2, 2, 0)
    decibel = [[20 * math.log10(255 / level) for level in LEVELS[name]] for name in "ab"]
    found = rows(run)["psnr_hole"]
    assert found["mean"] == pytest.approx(np.mean(decibel))
    assert found["oracle"] == pytest.approx(np.mean([max(own) for own in decibel])), "higher is better"
    means = run.records().set_index("image_id")["l1_hole"] * 255
    assert means.to_dict() == pytest.approx({"a": 40, "b": 120}), "pictures to show are chosen by the mean"


def test_one_sample_has_none_of_the_fields_and_the_number_of_samples_is_a_fact(tmp_path):
    run = scored(tmp_path / "r", Levels(samples=1))
    assert not {"samples", "spread", "diversity", "oracle"} & set(rows(run)["l1_hole"])
    again = Levels(samples=1)
    scored(run.path, again)
    assert again.asked == 0
    more = Levels(samples=2)
    run = scored(run.path, more)
    assert (more.asked, rows(run)["l1_hole"]["samples"]) == (4, 2)
    again = Levels(samples=2)
    scored(run.path, again)
    assert again.asked == 0


def test_a_picture_with_a_failed_sample_has_no_value(tmp_path):
    run = scored(tmp_path / "r", Levels(broken="b"))
    found = rows(run)["l1_hole"]
    assert (found["n"], found["failed"]) == (1, 1)
    assert found["mean"] * 255 == pytest.approx(40)
    assert found["oracle"] * 255 == pytest.approx(10)
    assert found["diversity"] == pytest.approx((20 + 70 + 50) / 3)
    records = run.records().set_index("image_id")
    assert math.isnan(records.loc["b", "l1_hole"])
    assert "NaN" in records.loc["b", "failed"]


def test_what_was_scored_before_a_kill_is_kept_with_its_samples(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "BATCH", 1)

    class Killed(Levels):
        def fill(self, images, holes, ids=None, mask=""):
            if ids == ["b"]:
                raise KeyboardInterrupt
            return super().fill(images, holes, ids, mask)

    with pytest.raises(KeyboardInterrupt):
        scored(tmp_path / "r", Killed())
    method = Levels()
    run = scored(tmp_path / "r", method)
    assert method.asked == 3, "the samples of b alone"
    found = rows(run)["l1_hole"]
    assert found["mean"] * 255 == pytest.approx(80)
    assert found["diversity"] == pytest.approx(((20 + 70 + 50) / 3 + 40) / 2)


def test_pictures_with_fewer_samples_than_others_are_refused(tmp_path):
    run = scored(tmp_path / "r", Levels())
    file = record_file(run.path, "levels", 0, "black", "rect")
    pd.read_parquet(file).iloc[:-1].to_parquet(file)
    with pytest.raises(BenchError, match="3 samples of some pictures of levels on black, and fewer of others"):
        load_scores(run, "levels")


def test_diversity_is_the_mean_over_all_pairs():
    fills = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    pairs = [np.abs(a.astype(int) - b).mean() for a, b in combinations(fills, 2)]
    assert diversity(fills) == pytest.approx(np.mean(pairs))
    assert math.isnan(diversity(fills[:, :0]))


def test_what_does_not_draw_is_sampled_once():
    still, drawing = ReferenceMethod("mean_fill", variant.get("mean_fill")()), Levels()
    finished = Levels()
    finished.name, finished.gives_raw = "finished", False
    told = settle_samples([still, drawing, finished], SUITE, 3)
    assert [method.samples for method in (still, drawing, finished)] == [1, 3, 1]
    assert told == [
        "mean_fill is sampled once: its samples agree bit for bit on the first pictures",
        "finished is sampled once: it is a folder of finished pictures",
    ]
    assert settle_samples([drawing], SUITE, 1) == []
    assert drawing.samples == 1


def test_two_samples_are_drawn_where_two_are_wanted():
    drawing = Levels(samples=7)
    assert settle_samples([drawing], SUITE, 2) == []
    assert (drawing.samples, drawing.sample) == (2, 0)


def empty_and(suite: Suite) -> Suite:
    """A data set without pictures and one without holes before those of ``suite``."""
    nothing = Dataset("nothing", "test", 16, [], lambda i: None)
    whole = replace(suite.datasets[0], name="whole")

    class Before(Suite):
        def holes(self, dataset, mask, indices, shapes):
            found = super().holes(dataset, mask, indices, shapes)
            return [hole & False for hole in found] if dataset.name == "whole" else found

    return Before((nothing, whole, *suite.datasets), suite.masks, seed=5)


def test_whether_a_method_draws_shows_on_the_first_pictures_that_have_holes():
    drawing = Levels()
    assert settle_samples([drawing], empty_and(SUITE), 3) == []
    assert (drawing.samples, drawing.suite_seed, drawing.asked) == (3, 5, 2 * 2)
    none = Suite(empty_and(SUITE).datasets[:1], ("rect",))
    assert settle_samples([drawing], none, 3) == [
        "levels is sampled once: its samples agree bit for bit on the first pictures"
    ]


def test_a_mask_type_without_holes_leaves_it_to_the_next():
    class Second(Suite):
        def holes(self, dataset, mask, indices, shapes):
            found = super().holes(dataset, mask, indices, shapes)
            return [hole & (mask == "circle") for hole in found]

    drawing = Levels()
    settle_samples([drawing], Second(SUITE.datasets, ("rect", "circle")), 3)
    assert drawing.samples == 3


def test_one_sample_is_one_of_every_method():
    pair = [Levels(samples=4), Levels(samples=5)]
    assert settle_samples(pair, SUITE, 1) == []
    assert [(method.samples, method.asked) for method in pair] == [(1, 0)] * 2


def test_a_method_that_fails_on_the_first_pictures_may_draw():
    class Failing(Levels):
        def fill(self, images, holes, ids=None, mask=""):
            if self.sample:
                raise FillError("it would not")
            return super().fill(images, holes, ids, mask)

    method = Failing()
    settle_samples([method], SUITE, 3)
    assert (method.samples, method.sample) == (3, 0)


def test_one_fill_has_no_diversity_and_two_have_their_difference():
    fills = np.array([[[10, 20, 30]], [[13, 18, 30]]], np.uint8)
    assert math.isnan(diversity(fills[:1]))
    assert diversity(fills) == pytest.approx((3 + 2 + 0) / 3)


DRAWING = """
import torch

def fill(picture, hole):
    return torch.where(hole > 0, 0.3 + 0.5 * torch.rand(1), picture)
"""


@pytest.fixture
def place(tmp_path) -> Path:
    rng = np.random.default_rng(0)
    (tmp_path / "data").mkdir()
    for name in "abc":
        Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)).save(tmp_path / "data" / f"{name}.png")
    (tmp_path / "drawing.py").write_text(DRAWING)
    return tmp_path


def command(place: Path, out: str, **more) -> Path:
    specs = (f"drawing=python:{place / 'drawing.py'}:fill", "mean_fill")
    data, metrics = (f"folder:{place / 'data'}",), ("l1_hole",)
    evaluate_methods(
        request(
            **{"methods": specs, "data": data, "masks": "rect,circle", "metrics": metrics, "workers": 1},
            **{"out": place / out, "runs": place, **more},
        )
    )
    return place / out


def test_shards_give_the_samples_of_the_whole_and_all_of_it_is_said(place, capsys):
    whole = command(place, "whole", samples=4)
    said = capsys.readouterr()
    assert "mean_fill is sampled once: its samples agree bit for bit" in said.err
    assert "drawing filled each hole 4 times" in " ".join(said.out.split())
    assert "mean_fill filled" not in said.out
    for number in (1, 2):
        parts = command(place, "parts", samples=4, shard=f"{number}/2")
    one, other = (json.loads((run / "summary.json").read_text())["scores"] for run in (whole, parts))
    assert one == other
    own = next(row for row in one if row["variant"] == "drawing" and row["mask"] == "all")
    assert own["samples"] == 4
    assert own["oracle"] < own["mean"]
    assert own["spread"] > 0
    assert all("samples" not in row for row in one if row["variant"] == "mean_fill")
    assert (
        json.loads((parts / "run.json").read_text())["notes"] == json.loads((whole / "run.json").read_text())["notes"]
    )
    single = json.loads((command(place, "single") / "summary.json").read_text())["scores"]
    first = pd.read_parquet(record_file(whole, "drawing", 0, own["dataset"], "rect")).query("sample == 0")
    expected = next(row for row in single if row["variant"] == "drawing" and row["mask"] == "rect")
    assert first["l1_hole"].mean() == pytest.approx(expected["mean"]), "the first sample is what one sample gives"


def test_no_samples_at_all_is_a_usage_error(place):
    with pytest.raises(UsageError, match="--samples 0 must be at least 1"):
        command(place, "none", samples=0)
