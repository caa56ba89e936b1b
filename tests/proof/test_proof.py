"""The judge of ``make proof`` sees what is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.proof.forked import Done, forked, verdict


@pytest.mark.parametrize(
    ("done", "unlike", "told"),
    [
        (Done(0, "", ""), "", "right"),
        (Done(0, "", ""), "summary", "another result without a word: summary"),
        (Done(2, "", "note: a\nbench: a.json is damaged\n"), "", "refused"),
        (Done(5, "", "note: the run lacks records of a\n"), "", "refused"),
        (Done(5, "", ""), "", "exit 5 without a sentence: "),
        (Done(2, "", "Usage: bench [OPTIONS] COMMAND\n"), "", "refused"),
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
