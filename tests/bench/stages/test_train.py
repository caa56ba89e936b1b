"""What is said of trainings on stderr."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.profiles.profile import load_profile
from bench.runs.manifest import Manifest
from bench.runs.writer import RunWriter
from bench.stages import kept
from bench.stages.context import Context
from bench.stages.train import train
from variants.checkpoint_every import Every
from variants.trainer import Progress


@pytest.mark.parametrize(
    ("seeds", "said"),
    [("0", "baseline resumes at step 1,200 of 4,000\n"), ("0,1", "baseline@0 resumes at step 1,200 of 4,000\n")],
)
def test_a_training_that_goes_on_says_from_which_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], seeds: str, said: str
) -> None:
    nothing: Any = SimpleNamespace(**dict.fromkeys(("begin", "note"), lambda *_: None), pools=lambda _: (tmp_path,) * 2)
    for name in ("begin", "note", "pools"):
        monkeypatch.setattr(kept, name, getattr(nothing, name))
    profile = load_profile("tiny", {"seeds": seeds})
    context = Context(profile, SimpleNamespace(), RunWriter(tmp_path, Manifest(name="r", suite=None)), "cpu")

    def launch(jobs: Any, report: Any) -> None:
        report(Progress("baseline", 0, 1200, 4000, math.nan, math.nan, resumed=True))
        report(Progress("baseline", 0, 1240, 4000, 0.25, 80.0))

    train(context, [("baseline", 0)], Every(), launch)
    told = capsys.readouterr().err
    assert told.count(said) == told.count("resumes") == 1
    assert "nan" not in told
