"""The last stage: summary.json, then report.html."""

from __future__ import annotations

from pathlib import Path

from bench.runs.reader import Build
from bench.stages.context import Context


def finish(context: Context, build: Build | None) -> Path | None:
    """Write the summary and, with ``build``, the report; returns the report's path."""
    from bench.statistics.summary import write_summary

    with context.writer.stage("report"):
        context.writer.finish()
        write_summary(context.run)
        return build(context.run) if build else None
