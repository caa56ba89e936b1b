"""Scoring a part of a suite into a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bench.runs.shards import FILE, Part, Shard
from bench.stages.context import Context
from bench.stages.outcome import Outcome


def score_part(context: Context, part: Part, score: Callable[[Context], Outcome]) -> None:
    """Score the part's pictures and say in its folder that it is complete."""
    writer, suite = context.writer, context.suite
    (writer.path / FILE).unlink(missing_ok=True)
    notes = list(writer.manifest.notes)
    own = tuple(part.pick(dataset) for dataset in suite.datasets)
    outcome = score(replace(context, suite=replace(suite, datasets=own)))
    pictures = {dataset.name: [(p, dataset.ids[p]) for p in part.positions(len(dataset))] for dataset in suite.datasets}
    noticed = [
        {
            "variant": method.name,
            "seed": method.seed,
            "extra": list(found.extra),
            "unread": dict(found.unread),
            "low": found.low,
            "high": found.high,
            "drifted": outcome.drifted[method.label],
        }
        for method in context.methods
        for found in [outcome.findings[method.name, method.seed]]
    ]
    writer.finish()
    Shard(writer.path, part, pictures, notes, writer.manifest.missing, noticed).write()
    writer.close()
