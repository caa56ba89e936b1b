"""What a command that makes a run prints of it at the end."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.runs.reader import Run
from bench.util.errors import PartialError
from bench.util.files import write_text
from bench.util.progress import say

if TYPE_CHECKING:
    from bench.stages.outcome import Outcome


def show(run: Run, report: Path | None, json_output: bool, open_report: bool) -> None:
    """Results on stdout: JSON, or the table and where the report is."""
    if json_output:
        print(json.dumps(run.summary))
    else:
        from bench.exporters.scores_terminal import print_scores

        print_scores(run, tuple(run.manifest.profile.get("metrics", ())))
        if report is not None:
            print(f"report: {report}")
    if open_report and report is not None:
        import webbrowser

        webbrowser.open(report.resolve().as_uri())


def tell(run: Run, report: Path | None, outcome: Outcome, files: Iterable[tuple[Path, Any]], json_output: bool) -> None:
    """What an evaluation prints and exports at its end. Raises PartialError where fills could not be scored."""
    from bench.stages.check_predictions import summary

    show(run, report, json_output, False)
    for path, form in files:
        write_text(path, form.scores(run))
    if not json_output:
        print(f"records: {run.path}")
    for label, lines in outcome.listed.items():
        for line in summary(lines):
            say(f"{label}: {line}")
    if outcome.partial:
        failed = sum(outcome.failed.values())
        raise PartialError(
            f"{failed} fill{'s' * (failed > 1)} could not be scored and {'are' if failed > 1 else 'is'} excluded from "
            "the means; the reasons are listed above and in the run"
        )
