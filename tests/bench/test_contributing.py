"""The examples in CONTRIBUTING.md do what they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "CONTRIBUTING.md"

AFTER = """
import numpy as np
from bench.masks.registry import draw
from bench.metrics.scorer import Scorer
from variants.registry import variant

assert "mine" in variant.names()
holes = draw("stripe", (16, 32), 0, range(3))
assert holes.shape == (3, 16, 32) and (holes.mean((1, 2)) == 4 / 32).all()
truth = np.full((16, 32, 3), 100, np.uint8)
filled = truth.copy()
hole = np.zeros((16, 32), bool)
hole[4, 4:6] = True
filled[4, 5, 1] = 83
filled[0, 0] = 0  # outside the hole: not looked at
assert Scorer(["worst_error"]).score("x", truth, hole, [filled])[0]["worst_error"] == 17
"""


def test_the_examples_run_as_written() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert len(blocks) >= 3
    # Registering happens in a process of its own, so that no other test meets the examples.
    done = subprocess.run([sys.executable, "-c", "\n".join([*blocks, AFTER])], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
