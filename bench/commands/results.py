"""What a command that makes a run prints of it at the end."""

from __future__ import annotations

import json
from pathlib import Path

from bench.runs.reader import Run


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
