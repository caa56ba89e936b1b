"""Every attack in full; ``python -m tests.proof`` prints the table of docs/reliability.md."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.proof.parts import PARTS


@pytest.mark.parametrize("part", PARTS)
def test_no_outcome_is_torn_stale_silent_or_in_pythons_words(part: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.proof", part],
        cwd=Path(__file__).parents[2], env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
