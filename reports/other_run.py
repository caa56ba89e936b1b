"""A second run set beside the first: the methods that both hold, paired picture by picture."""

from __future__ import annotations

from typing import Any

from bench.exporters.rounding import decimals, typeset
from bench.exporters.words import headline
from bench.runs.reader import Run
from bench.util.errors import IncomparableError
from reports.comparison import mean_cell
from reports.scoreboard import slug
from reports.tables import Cell, Column, Row, Table


def compared(run: Run, other: Run) -> dict[str, Any]:
    """Tables of differences, run less other, by data set; positive is better in this run.

    Raises IncomparableError where the runs were measured differently or share no method.
    """
    from bench.comparison.compare import Options, compare_sides
    from bench.comparison.sides import Side

    shared = [v for v in dict.fromkeys(v for v, _ in run.members()) if v in {v for v, _ in other.members()}]
    if not shared:
        raise IncomparableError(f"{run.name} and {other.name} share no method: there is nothing to set side by side")
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    for variant in shared:
        sides = [
            Side(other, variant, None, f"{other.name}:{variant}"),
            Side(run, variant, None, f"{run.name}:{variant}"),
        ]
        found = compare_sides(sides, Options())
        rows += [{**row, "variant": variant} for row in found.rows if row["mask"] == "all"]
        notes += [n for n in found.notes if n not in notes]
    metrics = headline(rows)
    tables = []
    for dataset in dict.fromkeys(r["dataset"] for r in rows):
        columns, lines = [], []
        title = run.manifest.titles[dataset]
        for metric in metrics:
            sample = next((r for r in rows if r["metric"] == metric), None)
            heading = sample["title"] if sample else metric
            columns += [
                Column(f"{metric}_before", f"{heading}: {other.name}"),
                Column(f"{metric}_now", run.name),
                Column(
                    f"{metric}_gain", "gain", "", "Positive is better in this run, whatever the metric's direction."
                ),
            ]
        for variant in shared:
            mine = {r["metric"]: r for r in rows if r["variant"] == variant and r["dataset"] == dataset}
            if mine:
                lines.append(Row(variant, [c for metric in metrics for c in cells(mine.get(metric))]))
        tables.append(Table(f"beside-{slug(dataset)}", f"{run.name} beside {other.name} on {title}", columns, lines))
    return {"other": other, "tables": tables, "notes": notes}


def cells(row: dict[str, Any] | None) -> list[Cell]:
    """Means of both runs and the difference of one row; dashes where the other run lacks it."""
    if row is None:
        return [Cell("–"), Cell("–"), Cell("–")]
    digits = decimals(row["unit"], row["decimals"])
    gain = ("+" if row["difference"] > 0 else "") + typeset(row["difference"], digits)
    known = row["low"] is not None and row["low"] == row["low"]
    return [
        mean_cell(row, "reference", digits),
        mean_cell(row, "candidate", digits),
        Cell(
            gain,
            row["difference"],
            row["low"] if known else None,
            row["high"] if known else None,
            (f"{typeset(row['low'], digits)} to {typeset(row['high'], digits)}, " if known else "") + row["verdict"],
            mark={"better": "best", "worse": "bad"}.get(row["verdict"], ""),
        ),
    ]
