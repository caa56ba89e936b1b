"""The runner: rounding, compositing, and records that depend on nothing but the suite and the method."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bench.datasets.registry import Dataset
from bench.methods.load import load_methods
from bench.metrics.registry import metric
from bench.metrics.scorer import Scorer
from bench.stages import score as runner
from bench.suites.suite import Suite
from bench.util import compositing
from variants.method import Method
from variants.plugins import Source

METRICS = ["psnr", "psnr_hole", "ssim_hole", "l1_hole", "colour_shift"]


def suite(count: int = 7) -> Suite:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 24, 24, 3), dtype=np.uint8)
    ids = [f"noise-{i}" for i in range(count)]
    return Suite((Dataset("noise", "test", 24, ids, lambda i: images[i]),), ("rect", "circle"))


def records(folder) -> dict[str, pd.DataFrame]:
    return {str(f.relative_to(folder)): pd.read_parquet(f) for f in sorted(folder.rglob("*.parquet"))}


def test_levels_are_rounded_not_cut_off():
    # 0.5 / 255 and 1.49 / 255 lie nearest to 0 (ties to even) and 1; truncation would darken holes by half a level.
    raw = np.array([0.5, 0.51, 1.49, 1.51, 254.9]) / 255
    assert compositing.to_levels(raw).tolist() == [0, 1, 1, 2, 255]
    assert compositing.to_levels(np.array([-0.2, 1.7, np.nan])).tolist() == [0, 255, 0]


def test_a_plug_ins_metric_is_known_by_the_digest_of_its_code(tmp_path, monkeypatch):
    found = []
    for factor in (1, 2):
        file = tmp_path / f"{factor}" / "mine.py"
        file.parent.mkdir()
        file.write_text(f"FACTOR = {factor}")
        sources = {"psnr": Source("mine", "the plug-in mine", file, plugin=True)}
        monkeypatch.setattr(metric, "plugin", sources.get)
        found.append(runner.code_of("psnr"))
        assert len(found[-1]) == 64
        assert runner.version_of("psnr") == f"1+{found[-1]}"
    assert found[0] != found[1]
    assert (runner.code_of("ssim"), runner.version_of("ssim")) == ("", 1)


def test_known_pixels_come_from_the_truth():
    image = np.full((1, 4, 4, 3), 10, np.uint8)
    hole = np.zeros((1, 4, 4), bool)
    hole[:, 1:3, 1:3] = True
    filled = compositing.composite(image, hole, np.ones((1, 4, 4, 3), np.float32))
    assert (filled[hole] == 255).all()
    assert (filled[~hole] == 10).all()


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_records_do_not_depend_on_the_batch(tmp_path, monkeypatch, batch):
    methods = load_methods("telea", weights=None) + load_methods("mean_fill", weights=None)
    runner.evaluate(methods, suite(), Scorer(METRICS), tmp_path / "a", {})
    monkeypatch.setattr(runner, "BATCH", batch)
    runner.evaluate(methods, suite(), Scorer(METRICS), tmp_path / "b", {})
    a, b = records(tmp_path / "a"), records(tmp_path / "b")
    assert len(a) == 4
    for name in a:
        pd.testing.assert_frame_equal(a[name], b[name], check_exact=True)


def test_records_of_other_facts_are_made_anew(tmp_path):
    methods = load_methods("mean_fill", weights=None)
    runner.evaluate(methods, suite(), Scorer(METRICS), tmp_path, {"suite": "a"})
    times = {f: f.stat().st_mtime_ns for f in tmp_path.rglob("*.parquet")}
    runner.evaluate(methods, suite(), Scorer(METRICS), tmp_path, {"suite": "a"})
    assert times == {f: f.stat().st_mtime_ns for f in times}
    runner.evaluate(methods, suite(), Scorer(METRICS), tmp_path, {"suite": "b"})
    assert all(f.stat().st_mtime_ns > times[f] for f in times)


class Sometimes(Method):
    """Right everywhere, but for NaN in the picture called noise-2."""

    name = "sometimes"

    def fill(self, images, holes, ids=None, mask=""):
        raw = (images / 255).astype(np.float32)
        raw[[i == "noise-2" for i in ids]] = np.nan
        return raw


def test_a_nan_fill_is_one_failed_row_with_its_reason(tmp_path):
    outcome = runner.evaluate([Sometimes()], suite(), Scorer(METRICS), tmp_path, {})
    frame = records(tmp_path)["records/sometimes/seed-0/noise-rect.parquet"].set_index("image_id")
    assert "NaN" in frame.loc["noise-2", "failed"]
    assert np.isnan(frame.loc["noise-2", "psnr_hole"])
    assert (frame.drop("noise-2")["failed"] == "").all()
    # Identical pictures are capped at 100 dB.
    assert (frame.drop("noise-2")["psnr"] == 100).all()
    assert outcome.partial
    assert sum(outcome.failed.values()) == 2


class Repainter(Method):
    """A finished picture that is three levels too bright everywhere."""

    name = "repainter"
    gives_raw = False

    def fill(self, images, holes, ids=None, mask=""):
        return ((np.minimum(images, 252).astype(np.float32) + 3) / 255).astype(np.float32)


def test_changed_known_pixels_are_reported_and_restored_unless_told_otherwise(tmp_path):
    restored = runner.evaluate([Repainter()], suite(), Scorer([*METRICS, "known_drift"]), tmp_path / "a", {})
    kept = runner.evaluate(
        [Repainter()], suite(), Scorer([*METRICS, "known_drift"]), tmp_path / "b", {}, restore_known=False
    )
    a = records(tmp_path / "a")["records/repainter/seed-0/noise-rect.parquet"]
    b = records(tmp_path / "b")["records/repainter/seed-0/noise-rect.parquet"]
    assert (a["known_drift"] > 2).all()
    assert restored.notes[0].endswith(
        "changed known pixels in 14 fills; they were restored from the truth before scoring, but not for known_drift"
    )
    assert kept.notes[0].endswith("changed known pixels in 14 fills; they are scored as they are")
    assert (a["psnr"] > b["psnr"]).all()
    assert np.allclose(a["psnr_hole"], b["psnr_hole"])


def test_columns_that_look_at_known_pixels_as_they_came_are_not_said_to_see_restored_ones(tmp_path):
    """Three levels off but where the truth is nearly white: BrushNet's error adds the channels, 3 (3 / 255)^2."""
    scorer = Scorer(["psnr_hole", "psnr", "mse"], protocol="brushbench")
    outcome = runner.evaluate([Repainter()], suite(), scorer, tmp_path / "a", {})
    assert outcome.notes[0].endswith("they were restored from the truth before scoring, but not for psnr, mse")
    rows = records(tmp_path / "a")["records/repainter/seed-0/noise-rect.parquet"]
    assert rows["mse"].max() == pytest.approx(3 * (3 / 255) ** 2, rel=0.02)
    plain = runner.evaluate([Repainter()], suite(), Scorer(["psnr_hole"]), tmp_path / "b", {})
    assert plain.notes[0].endswith("they were restored from the truth before scoring")


class CountingAt(Scorer):
    """Notes the pictures it is asked for; at the n-th it is interrupted."""

    def __init__(self, calls, stop):
        super().__init__(METRICS)
        self.calls, self.stop = calls, stop

    def score_batch(self, keys, *rest):
        self.calls.extend(keys)
        if len(self.calls) >= self.stop:
            raise KeyboardInterrupt
        return super().score_batch(keys, *rest)


def test_each_picture_is_loaded_once_however_many_mask_types(tmp_path):
    loaded = []
    plain = suite().datasets[0]
    counted = Dataset("noise", "test", 24, plain.ids, lambda i: loaded.append(i) or plain.load(i))
    runner.evaluate(
        load_methods("mean_fill", weights=None),
        Suite((counted,), ("rect", "circle", "ellipse")),
        Scorer(METRICS),
        tmp_path,
        {},
    )
    assert sorted(loaded) == list(range(7))


def test_a_stopped_evaluation_goes_on_where_it_was_to_the_same_records(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "BATCH", 2)
    methods = load_methods("telea", weights=None)
    runner.evaluate(methods, suite(), Scorer(METRICS), tmp_path / "whole", {})
    calls: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        # Two pictures at a time under two mask types: the fifth call, the third batch's first, is stopped.
        runner.evaluate(methods, suite(), CountingAt(calls, 10), tmp_path / "stopped", {})
    assert not (tmp_path / "stopped/records").exists()
    calls.clear()
    runner.evaluate(methods, suite(), CountingAt(calls, 99), tmp_path / "stopped", {})
    assert sorted(set(calls)) == ["noise/noise-4", "noise/noise-5", "noise/noise-6"]
    a, b = records(tmp_path / "whole"), records(tmp_path / "stopped")
    assert a.keys() == b.keys()
    for name in a:
        pd.testing.assert_frame_equal(a[name], b[name], check_exact=True)
