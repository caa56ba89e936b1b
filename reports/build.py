"""From a run folder to one offline HTML file."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from bench.files import write_text
from bench.runs import Run


def build_report(
    run: Run, path: Path | None = None, *, full_resolution: Path | None = None, compare: Run | None = None
) -> Path:
    """Write the report of ``run`` (default: ``report.html`` in its folder) and return its path.

    Copes with a run that is still going on: what is not there yet is said to be missing.
    full_resolution: a folder to put the chosen pictures in, unchanged. compare: another run to set beside.
    """
    from reports import page
    from reports.grids import grid
    from reports.numbers import Numbers
    from reports.scoreboard import lead, overall, sentence

    numbers = Numbers(run)
    datasets = numbers.datasets
    leads = [found for d in datasets if (found := lead(numbers, d, "psnr_hole"))] if numbers.members else []
    context: dict[str, Any] = {
        "run": run,
        "manifest": run.manifest,
        "verdict": "; ".join(sentence(found, len(datasets) > 1) for found in leads),
        "tables": [overall(numbers, d) for d in datasets],
        "rows": grid(numbers),
        "labels": numbers.labels,
        "command": shlex.join(map(str, run.manifest.get("command") or [])),
    }
    path = path or run.path / "report.html"
    write_text(path, page.render("report.html", page.asset("style.css"), page.asset("page.js"), **context))
    return path
