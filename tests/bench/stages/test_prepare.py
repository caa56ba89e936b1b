"""What is said of a suite before it is scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets.registry import Dataset
from bench.runs.manifest import DatasetEntry
from bench.runs.writer import RunWriter
from bench.stages.prepare import tell_of_suite
from bench.suites.suite import Suite
from tests.bench.fake_runs import fake_run


def test_a_folder_with_broken_pictures_is_called_by_its_own_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = DatasetEntry("folder", count=1, title="holiday")
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": np.ones((1, 2))}}, dataset="folder", datasets=[entry])
    pictures = Dataset("folder", "all", 8, ["a"], lambda i: np.zeros((8, 8, 3), np.uint8), skipped=(("b.png", "cut"),))
    tell_of_suite(Suite((pictures,), ("rect",)), RunWriter(run.path, run.manifest))
    assert "warning: holiday: 1 picture could not be read and left out: b.png (cut)" in capsys.readouterr().err
