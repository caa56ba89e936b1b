"""Rules that nothing could break are named, and pass as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.gate import speed
from bench.gate.never import never_fails
from bench.gate.rules import parse_rule
from bench.metrics.declaration import Metric
from tests.bench.gate.invented import check, pair

LIKENESS = Metric("likeness", range=(-1.0, 1.0))
QUALITY = Metric("quality", range=(0.0, 100.0))
ERROR = Metric("error", direction="lower", range=(0.0, float("inf")))
SHIFT = Metric("shift", direction="nearest", range=(-255.0, 255.0))


@pytest.mark.parametrize(
    ("fact", "text", "never"),
    [
        (LIKENESS, "likeness:2", True),  # from 1 to -1, and no further
        (LIKENESS, "likeness:1.99", False),
        (LIKENESS, "likeness:200%", False),  # from 0.1 to -0.2 is a loss of 300 %
        (LIKENESS, "likeness<-1", True),
        (LIKENESS, "likeness<-0.99", False),
        (QUALITY, "quality:100%", True),
        (QUALITY, "quality:99%", False),
        (QUALITY, "quality<0", True),
        (ERROR, "error:50", False),
        (ERROR, "error:500%", False),
        (ERROR, "error>50", False),
        (SHIFT, "shift:255", True),  # the worst distance from 0
        (SHIFT, "shift:254", False),
        (SHIFT, "shift>255", True),
        (SHIFT, "shift<-254", False),
        (speed.fact("speed"), "speed:150%", True),
        (speed.fact("images_per_s"), "images_per_s<0", True),
        (speed.fact("latency_ms_p50"), "latency_ms_p50:150%", False),
    ],
)
def test_a_rule_is_named_where_its_metrics_range_leaves_nothing_to_fail(fact: Metric, text: str, never: bool) -> None:
    assert bool(never_fails(parse_rule(text), fact)) is never


def test_a_check_says_which_rule_can_never_fail_and_passes(tmp_path: Path) -> None:
    old, new = pair(tmp_path, 1.5)
    checked = check(new, old, "double_dg.psnr_hole:100%", "double_dg.lpips:90%")
    assert checked.state == "pass"
    said = [note for note in checked.notes if "never" in note]
    assert said == ["The rule 'double_dg.psnr_hole:100%' can never fail: psnr_hole lies between 0 and 100."]
