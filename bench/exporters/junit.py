"""The exporter that writes JUnit XML."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from bench.exporters.registry import Exporter, exporter
from bench.exporters.terminal import explained
from bench.gate.verdict import Check


@exporter("junit")
class JUnit(Exporter):
    """A check as JUnit XML: one test case per line, so that CI services show what failed."""

    suffix = ".xml"

    def check(self, check: Check, strict: bool = False) -> str:
        return check_junit(check, strict)


CONTROL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, even escaped."""


def check_junit(check: Check, strict: bool = False) -> str:
    """Regressions are failures; undecided lines are skipped, or with ``strict`` failures too."""
    failing = [line for line in check.lines if line.state == "regression" or (strict and line.state == "undecided")]
    skipped = [line for line in check.lines if line.state == "undecided" and not strict]
    suite = ElementTree.Element(
        "testsuite",
        name=clean(f"bench check {check.run}"),
        tests=str(len(check.lines)),
        failures=str(len(failing)),
        errors="0",
        skipped=str(len(skipped)),
        time="0",
    )
    for line in check.lines:
        target = line.target
        name = " ".join(part for part in (line.rule.text, target.dataset, f"[{target.mask}]") if part)
        case = ElementTree.SubElement(
            suite, "testcase", classname=clean(f"bench.{target.candidate.label}"), name=clean(name), time="0"
        )
        if line in failing:
            failure = ElementTree.SubElement(case, "failure", message=clean(explained(line)), type=line.state)
            failure.text = clean(explained(line))
        elif line in skipped:
            ElementTree.SubElement(case, "skipped", message=clean(explained(line)))
    if check.notes:
        ElementTree.SubElement(suite, "system-out").text = clean("\n".join(check.notes))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def clean(text: str) -> str:
    """Replace control characters, which XML 1.0 forbids even escaped, by question marks."""
    return CONTROL.sub("?", text)
