"""What is said of a suite before it is scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets.registry import Dataset
from bench.metrics.scorer import Scorer
from bench.runs.manifest import DatasetEntry
from bench.runs.writer import RunWriter
from bench.stages.prepare import refuse_to_lose, tell_of_suite
from bench.suites.suite import Suite
from bench.util.errors import UsageError
from tests.bench.fake_runs import fake_run


def test_a_folder_with_broken_pictures_is_called_by_its_own_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = DatasetEntry("folder", count=1, title="holiday")
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": np.ones((1, 2))}}, dataset="folder", datasets=[entry])
    pictures = Dataset("folder", "all", 8, ["a"], lambda i: np.zeros((8, 8, 3), np.uint8), skipped=(("b.png", "cut"),))
    tell_of_suite(Suite((pictures,), ("rect",)), RunWriter(run.path, run.manifest))
    assert "warning: holiday: 1 picture could not be read and left out: b.png (cut)" in capsys.readouterr().err


def test_scores_that_cannot_be_computed_again_are_not_scored_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BENCH_WEIGHTS_DIR", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "no weights"))
    scorer = Scorer(["psnr_hole", "lpips"])
    scores = {"psnr_hole": np.ones((1, 2)), "lpips": np.ones((1, 2))}
    held = fake_run(tmp_path / "held", {("a", 0): scores}).path
    with pytest.raises(UsageError, match=r"holds lpips, which cannot be computed now: no alexnet .*--out"):
        refuse_to_lose(held, scorer)
    refuse_to_lose(held, Scorer(["psnr_hole"]))
    refuse_to_lose(tmp_path / "new", scorer)
    never = fake_run(tmp_path / "never", {("a", 0): {"psnr_hole": np.ones((1, 2))}}).path
    refuse_to_lose(never, scorer)
