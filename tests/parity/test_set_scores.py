"""FID of the runner's fills against torch-fidelity's own, over two folders of PNGs and the same weights file."""

from __future__ import annotations

import importlib.metadata
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.backbones import INCEPTION, find
from bench.datasets.registry import Dataset
from bench.methods.load import load_methods
from bench.metrics.scorer import Scorer
from bench.set_metrics.scorer import SetScorer
from bench.stages import score as runner
from bench.suites.suite import Suite
from tests.bench.inception_file import accept, write_random_inception

COUNT = 5


def test_the_reference_is_the_version_that_the_metric_names() -> None:
    assert importlib.metadata.version("torch-fidelity").startswith("0.4")


def pictures() -> np.ndarray:
    """Gradients and noise of several strengths, uint8 (COUNT, 48, 64, 3)."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 1, 64)[None, :, None] * rng.random((COUNT, 1, 1, 3))
    noise = rng.random((COUNT, 48, 64, 3)) * np.linspace(0.1, 0.9, COUNT)[:, None, None, None]
    return np.round(255 * np.clip(ramp + noise, 0, 1)).astype(np.uint8)


@pytest.mark.parametrize("source", ["random", "real"])
def test_fid_of_a_run_is_torch_fidelitys_of_two_folders(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch_fidelity

    if source == "real":
        folder = os.environ.get("BENCH_WEIGHTS_DIR")
        found = find(INCEPTION, Path(folder)) if folder else None
        if found is None:
            pytest.skip("no Inception weights in BENCH_WEIGHTS_DIR or torch hub's cache")
        file = found
    else:
        file = write_random_inception(tmp_path / "weights")
        accept(file, monkeypatch)
    images = pictures()
    ids = [f"p{i}" for i in range(COUNT)]
    suite = Suite((Dataset("made", "test", None, ids, lambda i: images[i]),), ("rect",))
    sets = SetScorer(["fid"], weights_dir=file.parent)
    assert sets.missing == {}
    methods = load_methods("mean_fill", weights=None)
    runner.evaluate(
        methods, suite, Scorer(["psnr"]), tmp_path, {"suite": "s"}, sets=sets, predictions=tmp_path / "fills"
    )
    found_fid = json.loads((tmp_path / "sets/mean_fill/seed-0/made-rect.json").read_text())["values"]["fid"]
    (tmp_path / "truths").mkdir()
    for name, image in zip(ids, images, strict=True):
        Image.fromarray(image).save(tmp_path / "truths" / f"{name}.png")
    theirs = torch_fidelity.calculate_metrics(
        input1=str(tmp_path / "truths"),
        input2=str(tmp_path / "fills" / "mean_fill" / "rect"),
        fid=True,
        feature_extractor_weights_path=str(file),
        batch_size=COUNT,
        cache=False,
        cuda=False,
        verbose=False,
        samples_find_deep=False,
    )["frechet_inception_distance"]
    assert theirs > 1e-3
    # Of so few pictures all but a handful of its 2048 eigenvalues are rounding, and it sums their square roots.
    assert found_fid == pytest.approx(theirs, rel=5e-4)
