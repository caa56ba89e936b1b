"""``bench probe`` says what it is about to do before the model is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.commands.probe import probe_spec
from variants.errors import ExternalError

MODEL = """
import sys

def fill(x, h):
    print("called", file=sys.stderr)
    raise ValueError("slow")
"""


def test_what_is_tried_is_said_before_the_first_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "slow.py").write_text(MODEL)
    with pytest.raises(ExternalError):
        probe_spec(f"python:{tmp_path / 'slow.py'}:fill?size=32&dtype=fp32&layout=nchw", "cpu", None, True)
    told = capsys.readouterr()
    first, *rest = told.err.splitlines()
    # One call with nothing more said, and one for each other way to give picture and mask: 5 in all, times 3 multiples.
    assert first.startswith("trying up to 15 conventions on ") and "scenes of 32 px" in first
    assert rest[0] == "called" and not told.out
