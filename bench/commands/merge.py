"""What ``bench merge`` does: shards into their run, then what ``bench eval`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.commands.results import tell
from bench.exporters.registry import chosen
from bench.runs.reader import Build, Run
from bench.runs.shards import folder_of
from bench.util.progress import say


def merge_run(
    run: Path, *, build: Build | None = None, json_output: bool = False, export: Sequence[Path] = (), wait: bool = False
) -> None:
    """Join the shards of ``run`` and print its scores. Raises UsageError, IncomparableError and PartialError."""
    files = chosen(export, "scores")
    from bench.stages.merge import merge
    from bench.statistics.summary import write_summary

    writer, outcome = merge(run, wait)
    for text in outcome.notes:
        say(f"note: {text}")
    with writer.stage("report"):
        writer.finish()
        found = Run.open(writer.path)
        write_summary(found)
        report = build(found) if build else None
    writer.close()
    if not outcome.partial:  # shards whose fills failed may be scored again
        say(f"note: {folder_of(run)} is merged and can be deleted")
    tell(Run.open(writer.path), report, outcome, files, json_output)
