"""What the tests of the gate share: invented scores, and rules held against them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench.comparison.compare import Options
from bench.gate.lines import Line
from bench.gate.rules import parse_rule
from bench.gate.verdict import Check, check_run
from bench.runs.reader import Run
from tests.bench.fake_runs import fake_run

IMAGES = 40
BASE = np.random.default_rng(0).normal(20, 3, (IMAGES, 2))


def scores(seed: int, drop: float = 0.0, noise: float = 0.5) -> dict[str, np.ndarray]:
    psnr = BASE - drop + np.random.default_rng(seed).normal(0, noise, BASE.shape)
    return {"psnr_hole": psnr, "lpips": 0.6 - psnr / 50}


def pair(tmp_path: Path, drop: float, **keywords: Any) -> tuple[Run, Run]:
    """An old and a new run whose double_dg got worse by ``drop`` dB; its telea is the same."""
    telea = scores(9)
    old = fake_run(tmp_path / "old", {("double_dg", 0): scores(1), ("telea", 0): telea})
    new = fake_run(tmp_path / "new", {("double_dg", 0): scores(2, drop), ("telea", 0): telea}, **keywords)
    return old, new


def check(run: Run, reference: Run | None, *rules: str, options: Options | None = None) -> Check:
    return check_run([parse_rule(rule) for rule in rules], run, reference, options)


def only(checked: Check, variant: str = "double_dg", mask: str = "all") -> Line:
    found = [line for line in checked.lines if line.target.candidate.label == variant and line.target.mask == mask]
    assert len(found) == 1
    return found[0]
