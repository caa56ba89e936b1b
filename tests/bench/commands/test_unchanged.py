"""The same evaluation asked for again is told from its run at once, and anything that was changed is scored again."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bench.cli.eval

COMMAND = ["eval", "telea", "predictions:fills", "--data", "folder:data", "--masks", "rect", "--metrics", "psnr_hole"]


class Begun(Exception):
    """A run is begun: something is scored."""


def run(*words: str) -> None:
    with contextlib.suppress(Begun):
        bench.cli.app([*COMMAND, *words], standalone_mode=False)


def save(file: Path, seed: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (24, 24, 3), dtype=np.uint8)).save(file)


@pytest.fixture(scope="module")
def asked(tmp_path_factory) -> tuple[Path, str]:
    """A folder in which the command ran once, and what it printed."""
    folder = tmp_path_factory.mktemp("asked")
    for k in range(2):
        save(folder / "data" / f"{k}.png", k)
        save(folder / "fills" / "rect" / f"{k}.png", 7 + k)
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as out:
        run("--runs-dir", "runs")
    return folder, out.getvalue()


@pytest.fixture
def here(asked, tmp_path, monkeypatch) -> Iterator[Path]:
    """That folder, which a test may change."""
    folder = asked[0]
    shutil.copytree(folder, tmp_path / "kept")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("BENCH_RUNS_DIR", "runs")
    yield folder
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "kept", folder)


@pytest.fixture
def scored(monkeypatch) -> list[str]:
    """Runs that were begun, instead of being scored."""
    from bench.runs.writer import RunWriter

    begun: list[str] = []

    def begin(self, *given, **options):
        begun.append(self.path.name)
        raise Begun

    monkeypatch.setattr(RunWriter, "begin", begin)
    return begun


def test_the_same_again_prints_the_same_and_scores_nothing(asked, here, scored, capsys):
    (manifest,) = (here / "runs").glob("*/run.json")
    os.utime(manifest, (0, 0))
    run()
    out, err = capsys.readouterr()
    assert out == asked[1]
    assert "note: telea, fills were scored before, here; --fresh rescores them" in err
    assert not scored
    assert manifest.stat().st_mtime > 0  # the newest run, as if it had been scored now


CHANGES = {
    "a picture": lambda folder: save(folder / "data" / "0.png", 99),
    "a fill": lambda folder: save(folder / "fills" / "rect" / "0.png", 99),
    "a fill less": lambda folder: (folder / "fills" / "rect" / "0.png").unlink(),
    "records": lambda folder: next((folder / "runs").rglob("records/telea/*/*.parquet")).write_bytes(b""),
    "the summary": lambda folder: next((folder / "runs").glob("*/summary.json")).write_text("{}"),
    "the run": lambda folder: next((folder / "runs").glob("*/run.json")).open("a").write(" "),
    "what was asked": lambda folder: next((folder / "runs").glob("*/asked.json")).write_text("no"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_is_scored_again(change, here, scored):
    CHANGES[change](here)
    run()
    assert scored


@pytest.mark.parametrize(
    "more",
    [
        ["--fresh"],
        ["--suite-seed", "3"],
        ["--no-composite"],
        ["--samples", "2"],
        ["--report"],
        ["--count", "1"],
        ["--save-predictions", "saved"],
        ["--protocol", "lama"],
    ],
)
def test_what_is_asked_otherwise_is_scored(more, here, scored):
    run(*more)
    assert scored


def test_another_version_of_a_metric_is_another_answer(here, scored, monkeypatch):
    monkeypatch.setattr("bench.stages.score.version_of", lambda name: "other")
    run()
    assert scored
