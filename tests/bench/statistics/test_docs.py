"""The rules in the gate's page can be read, and the workflow of the page on CI is valid YAML."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.gate.rules import parse_rule

DOCS = Path(__file__).parents[3] / "docs"


def test_every_rule_in_the_gates_table_can_be_read() -> None:
    table = [line for line in (DOCS / "gate.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    rules = [
        rule for line in table for rule in re.findall(r"`([^`]+)`", line.split(" | ")[0]) if re.search("[:<>]", rule)
    ]
    assert len(rules) >= 8
    for rule in rules:
        parse_rule(rule)


def test_the_workflow_is_yaml_that_runs_checks_comments_and_keeps_the_report() -> None:
    yaml = pytest.importorskip("yaml")
    block = re.search(r"```yaml\n(.*?)```", (DOCS / "ci.md").read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    steps = yaml.safe_load(block[1])["jobs"]["gate"]["steps"]
    runs = "\n".join(step.get("run", "") for step in steps)
    for part in ("bench run", "bench check", "gh pr comment"):
        assert part in runs
    assert any("upload-artifact" in step.get("uses", "") for step in steps)
