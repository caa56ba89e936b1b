"""What ``bench leaderboard`` does: merge runs over one suite, compare all of their methods, tell who is where."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.comparison.compare import Comparison, Options, compare_sides, places_of
from bench.comparison.pairing import require_comparable
from bench.comparison.sides import Side
from bench.runs.merged import Member, copy_members, members_of, merged_manifest
from bench.runs.reader import Build, Run, find_run, out_folder
from bench.runs.writer import RunWriter
from bench.statistics.scores import ALL
from bench.util.errors import Exit, IncomparableError, UsageError
from bench.util.files import finite

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Request:
    """The command's arguments, as given. metrics: empty for all that have a rank."""

    names: tuple[str, ...]
    metrics: tuple[str, ...]
    out: Path | None
    runs: Path
    build: Build
    json_output: bool


def show_leaderboard(request: Request) -> Exit:
    """Write the merged run and its report, print the table. Raises IncomparableError where runs were measured
    differently."""
    from bench.statistics.summary import write_summary

    runs = [find_run(name, request.runs) for name in dict.fromkeys(request.names)]
    for run in runs:
        if not run.members():
            raise IncomparableError(
                f"the run {run.name} holds no scores: score methods with bench eval, or leave it out"
            )
        require_comparable(runs[0], run)
    members = members_of(runs)
    writer = begin(request, runs, members)
    copy_members(members, writer.path)
    writer.finish()
    merged = Run.open(writer.path)
    write_summary(merged)
    comparison, places = compare_all(merged, members, request.metrics)
    report = request.build(Run.open(writer.path))
    writer.close()
    if request.json_output:
        print(json.dumps(document(merged, runs, places, comparison)))
    else:
        from bench.exporters.leaderboard_terminal import print_leaderboard

        notes = comparison.notes if comparison else []
        print_leaderboard(places, merged.manifest.metrics, merged.manifest.titles, notes)
        print(f"report: {report}")
    return Exit.PARTIAL if comparison is not None and comparison.partial else Exit.OK


def begin(request: Request, runs: list[Run], members: list[Member]) -> RunWriter:
    """The folder of the merged run, which may be one of an earlier leaderboard and nothing else."""
    parts = sorted(str(run.path.resolve()) for run in runs)
    default = f"leaderboard-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]}"
    folder = out_folder(request.out, request.runs, default)
    if (folder / "run.json").is_file() and Run(folder).manifest.profile.get("name") != "leaderboard":
        raise UsageError(f"{folder} is a run of its own: choose another --out")
    if folder.resolve() in [run.path.resolve() for run in runs]:
        raise UsageError(f"{folder} is one of the runs to be merged: choose another --out")
    writer = RunWriter(folder)
    writer.begin(merged_manifest(runs, members, folder.name), fresh=True)
    return writer


def compare_all(
    merged: Run, members: list[Member], metrics: tuple[str, ...]
) -> tuple[Comparison | None, list[dict[str, Any]]]:
    """The comparison of all methods, None of a single one, and places by data set and metric."""
    sides = [Side(merged, member.name, None, member.name) for member in members]
    declared = merged.manifest.metrics
    there = [name for name, entry in declared.items() if entry.rank is not None and not entry.whole]
    lacking = {name: [member.name for member in members if not has(merged, member, name)] for name in there}
    wanted = metrics or tuple(name for name, without in lacking.items() if not without)
    if len(sides) == 1:
        return None, alone(merged, sides[0], wanted)
    comparison = compare_sides(sides, Options(metrics=wanted))
    if not metrics:
        # A column that some methods lack would rank the others among themselves.
        comparison.notes.extend(
            f"{name} has no places: {', '.join(without)} {'has' if len(without) == 1 else 'have'} no value of it"
            for name, without in lacking.items()
            if without and len(without) < len(members)
        )
    if len(sides) > 2:
        return comparison, comparison.ranking
    rows = [{**row, "reference": sides[0].label} for row in comparison.rows if row["mask"] == ALL]
    return comparison, places_of(rows)


def has(run: Run, member: Member, metric: str) -> bool:
    """Whether a method of the merged run has a mean of this metric."""
    rows = (run.summary or {"scores": []})["scores"]
    return any((row["variant"], row["metric"]) == (member.name, metric) and row["mean"] is not None for row in rows)


def alone(run: Run, side: Side, metrics: tuple[str, ...]) -> list[dict[str, Any]]:
    """The places of the only method."""
    return [
        {
            "dataset": row["dataset"],
            "metric": row["metric"],
            "title": run.manifest.metrics[row["metric"]].title,
            "places": [{"side": side.label, "rank": 1, "mean": row["mean"]}],
        }
        for row in (run.summary or {"scores": []})["scores"]
        if row["mask"] == ALL and row["metric"] in metrics and row["mean"] is not None
    ]


def document(
    merged: Run, runs: list[Run], places: list[dict[str, Any]], comparison: Comparison | None
) -> dict[str, Any]:
    """What ``--json`` prints."""
    return finite(
        {
            "schema": SCHEMA,
            "suite": merged.manifest.suite,
            "protocol": merged.manifest.protocol,
            "runs": [run.name for run in runs],
            "merged": str(merged.path),
            "scores": (merged.summary or {}).get("scores", []),
            "ranking": places,
            "notes": comparison.notes if comparison else [],
            "partial": bool(comparison and comparison.partial),
        }
    )
