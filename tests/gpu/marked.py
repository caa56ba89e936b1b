"""The tests that need a GPU: run, counted, and those that fail named."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.gpu.page import Page
from tests.gpu.sizes import Sizes

ROOT = Path(__file__).parents[2]


def measure(page: Page, sizes: Sizes) -> None:
    lines = []
    # Named file by file: collecting all others would import what is not needed here, and take longer.
    words = [
        sys.executable, "-m", "pytest", "-m", "gpu", "-v", "-rfE", "--durations=6", "--tb=short",
        "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib", *marked_files(),
    ]  # fmt: skip
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="", flush=True)
        lines.append(line.rstrip())
        if RESULT.match(line):
            page.file.write_text(f"{summary(lines)} (not all: the time was up)\n", encoding="utf-8")
    process.wait()
    page.file.write_text("", encoding="utf-8")
    page.say(summary(lines))
    if process.returncode and not any(RESULT.match(line) for line in lines):
        page.put(f"pytest ended with exit code {process.returncode}: {lines[-1] if lines else 'without a word'}")
    for name, why in failures(lines):
        page.put(f"- {name}: {why}")


def marked_files() -> list[str]:
    own = Path(__file__).parent
    files = sorted(file for file in (ROOT / "tests").rglob("test_*.py") if own not in file.parents)
    return [str(file.relative_to(ROOT)) for file in files if "pytest.mark.gpu" in file.read_text(encoding="utf-8")]


RESULT = re.compile(r"^(\S+\.py::.*?) (PASSED|FAILED|ERROR|SKIPPED)\b")


def summary(lines: list[str]) -> str:
    """How the tests ended, from pytest's lines: one for each, and how long all took."""
    counts = Counter(match[2].lower() for line in lines if (match := RESULT.match(line)))
    told = ", ".join(f"{counts[kind]} {kind}" for kind in ("passed", "failed", "error", "skipped") if counts[kind])
    took = next((match[1] for line in reversed(lines) if (match := re.search(r" in ([\d.]+s)", line))), None)
    return f"`pytest -m gpu`: {told or 'no test ran'}" + (f" in {took.removesuffix('s')} s" if took else "")


def failures(lines: list[str]) -> list[tuple[str, str]]:
    """(test, why) of those that failed."""
    found = (re.match(r"^(?:FAILED|ERROR) (\S+?)(?: - (.*))?$", line) for line in lines)
    return [(match[1].rpartition("/")[2], match[2] or "see the log") for match in found if match]
