"""What the pages on statistics, gate and CI tell people to type is there, and the workflow is valid YAML."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
import typer

from bench.cli import app, commands
from bench.gate.rules import parse_rule

DOCS = Path(__file__).parents[3] / "docs"
PAGES = ("statistics.md", "gate.md", "ci.md")


def typed_commands() -> list[tuple[str, str, list[str]]]:
    """(page, command, flags) of every ``bench …`` in a page's code."""
    found = []
    for page in PAGES:
        text = (DOCS / page).read_text(encoding="utf-8")
        code = re.findall(r"```.*?\n(.*?)```", text, re.DOTALL) + re.findall(r"`([^`\n]+)`", text)
        for line in "\n".join(code).splitlines():
            for typed in re.findall(r"\bbench ([a-z]+\b[^|&#]*)", line):
                name, _, rest = typed.partition(" ")
                found.append((page, name, re.findall(r"(--[a-z-]+)", re.split(r"\s{3,}", rest)[0])))
    return found


def test_every_command_and_flag_in_the_pages_exists() -> None:
    for name in commands():
        importlib.import_module(f"bench.cli.{name}")
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    seen = typed_commands()
    assert len(seen) > 20
    for page, name, flags in seen:
        assert name in known, f"{page}: bench {name}"
        there = {flag for parameter in known[name].params for flag in parameter.opts}
        assert set(flags) <= there, f"{page}: bench {name} {flags}"


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
