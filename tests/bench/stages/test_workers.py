"""Scoring in several processes: the same records whatever their number, and nothing left when one fails."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.datasets.registry import Dataset
from bench.methods.load import load_methods
from bench.metrics.scorer import Scorer
from bench.stages import score as runner
from bench.stages import workers
from bench.suites.suite import Suite
from bench.util.errors import BenchError, UsageError
from variants.errors import FillError
from variants.method import Findings, Method, joined

METRICS = ["psnr", "ssim_hole", "colour_shift", "known_drift"]
COUNT = 11


@pytest.fixture(autouse=True)
def nothing_left_running(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(runner, "BATCH", 2)
    yield
    assert multiprocessing.active_children() == []


def suite() -> Suite:
    """Pictures of two sizes."""
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (20 if i < 5 else 24, 24, 3), dtype=np.uint8) for i in range(COUNT)]
    ids = [f"noise-{i}" for i in range(COUNT)]
    return Suite((Dataset("noise", "test", None, ids, lambda i: images[i]),), ("rect", "circle"))


class Finished(Method):
    """Finished pictures, a level too bright, of which one is missing."""

    name = "finished"
    gives_raw = False
    forks = True

    def __init__(self) -> None:
        self.problems: dict[tuple[str, str], str] = {}
        self.asked: set[str] = set()

    def fill(self, images, holes, ids=None, mask=""):
        raw = (np.minimum(images, 254) + 1).astype(np.float32) / 255
        for k, name in enumerate(ids):
            self.asked.add(f"{mask}/{name}")
            if name == "noise-7":
                self.problems[mask, name] = "missing"
                raw[k] = np.nan
        return raw

    def findings(self) -> Findings:
        files = [f"{mask}/noise-{i}" for mask in ("rect", "circle") for i in range(COUNT + 1)]
        return Findings(self.problems, [file for file in files if file not in self.asked])


class Here(Method):
    """Fills in the process it was made in, and nowhere else; puts out numbers beyond [0, 1]."""

    name = "here"

    def __init__(self) -> None:
        self.process = os.getpid()

    def fill(self, images, holes, ids=None, mask=""):
        assert os.getpid() == self.process
        return images.astype(np.float32) / 200

    def findings(self) -> Findings:
        return Findings(high=1.275)


def evaluate(folder: Path, count: int, *methods: Method) -> tuple[dict[str, pd.DataFrame], runner.Outcome]:
    scorer = Scorer(METRICS)
    outcome = runner.evaluate(methods, suite(), scorer, folder, {}, workers=count)
    outcome.notes.append(str(scorer.missing))
    return {str(f.relative_to(folder)): pd.read_parquet(f) for f in sorted(folder.rglob("*.parquet"))}, outcome


def test_records_and_what_is_told_are_the_same_whatever_the_number_of_processes(tmp_path):
    found = [
        evaluate(tmp_path / str(count), count, *load_methods("telea", weights=None), Finished(), Here())
        for count in (1, 2, 3, 40)
    ]
    (expected, outcome), *others = found
    assert len(expected) == 6
    assert outcome.failed == {("finished", "rect", "missing"): 1, ("finished", "circle", "missing"): 1}
    assert outcome.drifted == {"finished": 2 * (COUNT - 1)}
    assert any("values from 0 to 1.27" in note for note in outcome.notes)
    extra = [f"{mask}/noise-{COUNT}: extra, belongs to no picture of the suite" for mask in ("rect", "circle")]
    assert outcome.listed["finished"][2:] == extra
    for frames, other in others:
        assert other == outcome
        assert frames.keys() == expected.keys()
        for name in expected:
            pd.testing.assert_frame_equal(frames[name], expected[name], check_exact=True)


def test_a_job_of_one_batch_starts_no_process(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "BATCH", 64)
    monkeypatch.setattr(workers, "start", None)
    one = Suite(suite().datasets, ("rect",))
    runner.evaluate(load_methods("mean_fill", weights=None), one, Scorer(METRICS), tmp_path, {}, workers=8)


class Failing(Method):
    """Raises in a copy of the process, at its third picture."""

    name = "failing"
    forks = True

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    def fill(self, images, holes, ids=None, mask=""):
        if "noise-2" in ids:
            if self.error is None:
                os.kill(os.getpid(), signal.SIGKILL)
            else:
                raise self.error
        return (images / 255).astype(np.float32)


class Unpicklable(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (FillError("no memory left"), FillError, "^no memory left$"),
        (UsageError("the hole is of another size"), UsageError, "^the hole is of another size$"),
        (Unpicklable(1, 2), BenchError, "^Unpicklable: 1 and 2$"),
        (None, BenchError, "killed, probably out of memory: use fewer .--workers.; the same command resumes$"),
    ],
)
def test_what_fails_in_a_process_is_told_as_if_it_had_failed_here(tmp_path, error, kind, text):
    with pytest.raises(kind, match=text):
        evaluate(tmp_path, 2, Failing(error))


def test_an_interrupt_keeps_what_is_scored_and_the_same_command_goes_on(tmp_path):
    methods = load_methods("telea", weights=None)
    expected, _ = evaluate(tmp_path / "whole", 1, *methods)
    fills = sum(len(frame) for name, frame in expected.items() if name.startswith("records"))
    told = []

    def stop(text: str, n: int) -> None:
        told.append(n)
        if sum(told) >= fills - 1:  # late: whichever process was given time, one has handed in what it scored
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.evaluate(methods, suite(), Scorer(METRICS), tmp_path / "stopped", {}, workers=2, report=stop)
    assert not (tmp_path / "stopped/records").exists()
    kept = sum(len(pd.read_parquet(file)) for file in (tmp_path / "stopped/cache/rows").iterdir())
    assert kept > 0
    told.clear()
    runner.evaluate(
        methods, suite(), Scorer(METRICS), tmp_path / "stopped", {}, workers=2, report=lambda _, n: told.append(n)
    )
    assert told[0] == kept
    for name, frame in expected.items():
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "stopped" / name), frame, check_exact=True)


def test_extra_files_are_those_that_no_process_asked_for():
    parts = [Findings({("rect", "a"): "missing"}, ["x", "y", "z"], -1.0, 1.0), Findings({}, ["z", "y"], 0.0, 2.0)]
    assert joined(parts) == Findings({("rect", "a"): "missing"}, ["y", "z"], -1.0, 2.0)
