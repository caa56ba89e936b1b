"""The runner's sets: what is in them, what a stop or other weights do to them, when nothing is computed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bench import evaluate as runner
from bench.datasets.registry import Dataset
from bench.metrics.scorer import Scorer
from bench.sets import scorer
from bench.sets.scorer import SetScorer
from bench.suites.suite import Suite
from bench.weights import WeightsError
from variants.load import load_methods
from variants.method import Method

METRICS = ["fid", "p_ids", "u_ids"]


def suite(count: int = 7) -> Suite:
    rng = np.random.default_rng(0)
    images = np.clip(rng.integers(0, 256, (count, 24, 24, 3)) * rng.random((count, 1, 1, 3)), 0, 255).astype(np.uint8)
    ids = [f"noise-{i}" for i in range(count)]
    return Suite((Dataset("noise", "test", 24, ids, lambda i: images[i]),), ("rect", "circle"))


def run(folder: Path, sets: SetScorer | None = None, methods=("telea", "mean_fill"), **more) -> runner.Outcome:
    found = [m for spec in methods for m in (load_methods(spec, weights=None) if isinstance(spec, str) else [spec])]
    return runner.evaluate(found, suite(), Scorer(["psnr"]), folder, {}, sets=sets or SetScorer(METRICS), **more)


def files(folder: Path) -> dict[str, str]:
    return {str(f.relative_to(folder)): f.read_text() for f in sorted((folder / "sets").rglob("*.json"))}


def test_a_cells_fid_is_that_of_the_truths_and_the_fills_that_were_saved(tmp_path, small):
    from PIL import Image
    from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

    run(tmp_path, predictions=tmp_path / "p")
    found = json.loads(files(tmp_path)["sets/telea/seed-0/noise-rect.json"])
    dataset = suite().datasets[0]
    sides = [
        np.stack([dataset.load(i) for i in range(7)]),
        np.stack([np.asarray(Image.open(tmp_path / "p/telea/rect" / f"{name}.png")) for name in dataset.ids]),
    ]
    features = [small()(torch.from_numpy(side).permute(0, 3, 1, 2))[0] for side in sides]
    stats = [fid_features_to_statistics(side) for side in features]
    expected = fid_statistics_to_metric(*stats, verbose=False)[KEY_METRIC_FID]
    assert found["values"]["fid"] == pytest.approx(expected, rel=1e-3, abs=1e-9)
    assert (found["n"], found["failed"]) == (7, 0)
    assert set(found["values"]) == set(METRICS)


def test_truths_are_looked_at_once_a_data_set(tmp_path, small):
    run(tmp_path)
    # 7 truths, and 7 fills of two methods under two mask types.
    assert small.seen == 7 + 7 * 2 * 2


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_values_do_not_depend_on_the_batch(tmp_path, monkeypatch, small, batch):
    run(tmp_path / "a")
    monkeypatch.setattr(runner, "BATCH", batch)
    run(tmp_path / "b")
    a, b = files(tmp_path / "a"), files(tmp_path / "b")
    assert len(a) == 4
    assert list(a) == list(b)
    for name in a:
        assert json.loads(a[name])["values"] == pytest.approx(json.loads(b[name])["values"], rel=1e-4)


def test_a_stopped_run_goes_on_to_the_same_files(tmp_path, small):
    run(tmp_path / "whole")

    def stop(text: str, pictures: int) -> None:
        if "circle" in text and "mean_fill" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", report=stop)
    assert len(files(tmp_path / "stopped")) == 2
    # As if it had also stopped between a cell's records and its set.
    (tmp_path / "stopped/sets/telea/seed-0/noise-rect.json").unlink()
    run(tmp_path / "stopped")
    assert files(tmp_path / "stopped") == files(tmp_path / "whole")


def test_what_is_there_is_kept_until_weights_or_versions_change(tmp_path, monkeypatch, small):
    run(tmp_path)
    seen = small.seen
    run(tmp_path)
    assert small.seen == seen
    monkeypatch.setattr(scorer, "sha256", lambda _: "bbbb")
    run(tmp_path)
    assert small.seen == 2 * seen
    assert all(json.loads(text)["facts"]["inception"] == "bbbb" for text in files(tmp_path).values())
    (tmp_path / "sets/telea/seed-0/noise-rect.json").write_text("{")
    run(tmp_path)
    assert json.loads(files(tmp_path)["sets/telea/seed-0/noise-rect.json"])["n"] == 7


class Sometimes(Method):
    """The truth, but NaN in the picture called noise-2."""

    name = "sometimes"

    def fill(self, images, holes, ids=None, mask=""):
        raw = (images / 255).astype(np.float32)
        raw[[i == "noise-2" for i in ids]] = np.nan
        return raw


def test_failed_fills_are_left_out_with_their_truths_and_counted(tmp_path, small):
    run(tmp_path, methods=(Sometimes(),))
    found = json.loads(files(tmp_path)["sets/sometimes/seed-0/noise-rect.json"])
    assert (found["n"], found["failed"]) == (6, 1)
    # With the seventh truth still in, the sets would differ.
    assert found["values"]["fid"] == pytest.approx(0, abs=1e-9)
    assert found["values"]["u_ids"] == 0.5


class Broken(Method):
    name = "broken"

    def fill(self, images, holes, ids=None, mask=""):
        return np.full(images.shape, np.nan, np.float32)


def test_a_set_of_nothing_has_no_value(tmp_path, small):
    run(tmp_path, methods=(Broken(),))
    found = json.loads(files(tmp_path)["sets/broken/seed-0/noise-rect.json"])
    assert found["values"] == {"fid": None, "p_ids": None, "u_ids": None}
    assert (found["n"], found["failed"]) == (0, 7)


def test_nothing_is_loaded_where_no_set_metric_is_asked_for(tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("the weights were looked for")

    monkeypatch.setattr(scorer, "load", refuse)
    sets = SetScorer([])
    run(tmp_path, sets)
    assert not sets.ready
    assert sets.missing == {}
    assert files(tmp_path) == {}


def test_without_weights_every_column_says_where_they_were_looked_for(tmp_path, monkeypatch):
    monkeypatch.delenv("BENCH_WEIGHTS_DIR", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    sets = SetScorer(weights_dir=tmp_path / "mine")
    assert set(sets.missing) == set(METRICS)
    for part in (str(tmp_path / "mine"), str(tmp_path / "torch"), "bench weights fetch inception"):
        assert part in sets.missing["fid"]
    assert len(set(sets.missing.values())) == 1


def test_values_of_earlier_fills_do_not_outlive_them(tmp_path, monkeypatch, small):
    run(tmp_path)
    assert len(files(tmp_path)) == 4

    def gone(*_):
        raise WeightsError("gone")

    monkeypatch.setattr(scorer, "load", gone)
    run(tmp_path, SetScorer(METRICS))
    assert len(files(tmp_path)) == 4
    run(tmp_path, SetScorer(METRICS), restore_known=False)
    assert files(tmp_path) == {}
