"""Making A/A runs: what is typed for each, and what an ending means."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bench.gate.noise_runs import repeat_runs
from bench.util.errors import BenchError


def typed(monkeypatch: pytest.MonkeyPatch, *codes: int) -> list[list[str]]:
    """The words of every run that is made; the runs end with ``codes``."""
    endings, found = iter(codes), []

    def run(words: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        found.append(words[words.index("run") :])
        return subprocess.CompletedProcess(words, next(endings))

    monkeypatch.setattr(subprocess, "run", run)
    return found


def test_every_run_has_its_own_seed_and_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = typed(monkeypatch, 0, 5, 0)
    folders = [str(tmp_path / f"noise-quick-{seed}") for seed in (0, 1, 2)]
    assert repeat_runs("profiles/quick.toml", 3, tmp_path) == folders
    assert words == [
        ["run", "--profile", "profiles/quick.toml", "--seeds", str(seed), "--out", folders[seed]] for seed in (0, 1, 2)
    ]


def test_a_run_is_made_where_it_was_asked_for_whatever_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = typed(monkeypatch, 0)
    monkeypatch.chdir(tmp_path)
    assert repeat_runs("tiny", 1, Path("runs")) == ["runs/noise-tiny-0"]
    assert words[0][-1] == str(tmp_path / "runs" / "noise-tiny-0")


@pytest.mark.parametrize("code", [1, 2, 3, 4, -9])
def test_a_run_that_failed_ends_it_and_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    words = typed(monkeypatch, 0, code)
    with pytest.raises(BenchError, match=rf"A/A run 2 of 3 ended with exit {code}: "):
        repeat_runs("tiny", 3, tmp_path)
    assert len(words) == 2
