"""A small share of ``make proof``, and that its judge sees what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.proof.forked import Done, forked, verdict

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not os.environ.get("BENCH_PROOF"), reason="takes half a minute: BENCH_PROOF=1 asks for it")
def test_a_share_of_the_proof_finds_nothing_torn_stale_or_silent() -> None:
    # In a process of its own: children of one that has threads may wait for ever.
    words = ("damaged files", "kills at writes", "command lines", "--share", "0.006", "--seed", "1")
    done = subprocess.run(
        [sys.executable, "-m", "tests.proof", *words],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("| 0 |\n") == 3, done.stdout


@pytest.mark.parametrize(
    ("done", "unlike", "told"),
    [
        (Done(0, "", ""), "", "right"),
        (Done(0, "", ""), "summary", "another result without a word: summary"),
        (Done(2, "", "note: a\nbench: a.json is damaged\n"), "", "refused"),
        (Done(1, "", "bench: KeyError: 'items' (--debug shows the traceback)\n"), "", "Python's words: "),
        (Done(1, "", "Traceback (most recent call last):\n"), "", "Python's words: "),
        (Done(1, "", ""), "", "exit 1 without a sentence: "),
        (Done(70, "", "bench: a\n"), "", "exit 70 without a sentence: "),
        (Done(None, "", ""), "", "the process died: "),
        (Done(None, "", "", slow=True), "", "takes for ever"),
    ],
)
def test_outcomes_are_told_apart(done: Done, unlike: str, told: str) -> None:
    assert verdict(done, lambda: unlike).startswith(told)


def test_a_child_that_waits_for_ever_is_ended(tmp_path: Path) -> None:
    def wait() -> int:
        os.mkfifo("pipe")
        Path("pipe").read_text()
        return 0

    assert forked(wait, tmp_path, patience=0.1).slow
