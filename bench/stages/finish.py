"""The last stage: summary.json, then report.html."""

from __future__ import annotations

from pathlib import Path

from bench.runs.reader import Build
from bench.stages.context import Context


def finish(context: Context, build: Build | None) -> Path | None:
    """Write the summary and, with ``build``, the report; returns the report's path."""
    from bench.statistics.summary import write_summary
    from bench.util.errors import BenchError
    from bench.util.progress import say

    try:
        context.run.throughput()
    except BenchError as error:
        say(f"note: {error}. It is taken out of the run.")
        (context.writer.path / "throughput.parquet").unlink(missing_ok=True)
    with context.writer.stage("report"):
        context.writer.finish()
        write_summary(context.run)
        return build(context.run) if build else None
