"""Columns of pyiqa against a direct call of pyiqa, to the last bit. Its import alone takes seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.metrics.registry import metric
from bench.metrics.scorer import Scorer
from tests.parity.test_outside_metrics import pictures, tensor  # noqa: F401

pyiqa = pytest.importorskip("pyiqa")

WITHOUT_WEIGHTS = ("ssim", "ssimc", "psnr", "psnry", "fsim", "ms_ssim", "vif", "gmsd", "nlpd", "vsi", "cw_ssim", "mad")


@pytest.fixture(autouse=True)
def no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))


def test_pyiqas_metrics_equal_a_direct_call(
    pictures: tuple[np.ndarray, ...],  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    truth, hole, filled = pictures
    names = [f"pyiqa:{name}" for name in WITHOUT_WEIGHTS]
    row = Scorer([*names, "pyiqa:gmsd@hole"]).score("a", truth, hole, [filled])[0]
    assert not capsys.readouterr().out
    for name in WITHOUT_WEIGHTS:
        made = pyiqa.create_metric(name, device="cpu")
        assert row[f"pyiqa:{name}"] == float(made(tensor(filled), tensor(truth))), name
        assert metric.get(f"pyiqa:{name}").direction == ("lower" if made.lower_better else "higher"), name
    box = (slice(30, 120), slice(40, 110))
    made = pyiqa.create_metric("gmsd", device="cpu")
    assert row["pyiqa:gmsd@hole"] == float(made(tensor(filled[box]), tensor(truth[box])))


def test_what_needs_weights_says_so() -> None:
    missing = Scorer(["pyiqa:dists", "pyiqa:musiq"]).missing
    assert "vgg16" in missing["pyiqa:dists"] and "musiq" in missing["pyiqa:musiq"]
