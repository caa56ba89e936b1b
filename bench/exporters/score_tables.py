"""The score tables of a run, as every format writes them: methods, metrics, what is best and how it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.exporters.rounding import fixed
from bench.metrics.declaration import Metric, in_order
from bench.metrics.protocol import protocol_note
from bench.runs.reader import Run
from bench.statistics.scores import ALL
from bench.statistics.standing import Best, best
from bench.util.words import counted

Row = dict[str, Any]
"""A row of summary.json's ``scores``."""


@dataclass(frozen=True)
class ScoreTable:
    """One data set, all mask types pooled. title: what people call it; metrics: the columns; methods: (label, row by
    metric) of each with scores; best: who is marked as best, by metric; most: how many fills a mean of a
    picture's metric is over where none is missing."""

    dataset: str
    title: str
    metrics: tuple[Metric, ...]
    methods: tuple[tuple[str, dict[str, Row]], ...]
    best: Mapping[str, Best]
    most: int


def score_tables(run: Run, columns: tuple[str, ...] = ()) -> list[ScoreTable]:
    """A table for each data set. columns: metrics to show; none: every one that has a rank. Where none of them has a
    value, all that have one."""
    declared = run.manifest.metrics
    wanted = [name for name in dict.fromkeys(columns or in_order(declared)) if name in declared]
    pooled = [row for row in (run.summary or {}).get("scores", []) if row["mask"] == ALL]
    found = []
    for dataset in dict.fromkeys(row["dataset"] for row in pooled):
        rows = [row for row in pooled if row["dataset"] == dataset]
        there = dict.fromkeys(row["metric"] for row in rows if row["mean"] is not None)
        metrics = tuple(declared[name] for name in [name for name in wanted if name in there] or there)
        own = {pair: {r["metric"]: r for r in rows if (r["variant"], r["seed"]) == pair} for pair in run.members()}
        methods = tuple((run.label(*pair), scores) for pair, scores in own.items() if scores)
        marks = {m.name: best({label: scores.get(m.name) for label, scores in methods}, m) for m in metrics}
        counts = [row["n"] for row in rows if row["mean"] is not None and not declared[row["metric"]].whole]
        title = run.manifest.titles.get(dataset, dataset)
        most = max([*counts, fills_asked(run, dataset)])
        found.append(ScoreTable(dataset, title, metrics, methods, marks, most))
    return found


def fills_asked(run: Run, dataset: str) -> int:
    """How many fills of a data set each method was asked for: pictures times mask types."""
    masks = {row["mask"] for row in (run.summary or {}).get("scores", []) if row["dataset"] == dataset} - {ALL}
    return sum(entry.count for entry in run.manifest.datasets if entry.name == dataset) * len(masks)


def caveats(run: Run, tables: Sequence[ScoreTable]) -> list[str]:
    """What must be said beside the tables: under whose protocol the numbers are, of methods that filled each hole
    several times, and of the approximate metrics that they show."""
    shown = {entry.name: entry for table in tables for entry in table.metrics}
    sampled = [sampled_note(label, rows) for table in tables for label, rows in table.methods]
    approximate = [entry.caveat for entry in shown.values()]
    rest = [note for table in tables for note in [*unmarked(table.best), *short_means(run, table)]]
    return list(dict.fromkeys(filter(None, [protocol_note(run.manifest.protocol), *sampled, *approximate, *rest])))


def short_means(run: Run, table: ScoreTable) -> list[str]:
    """Why means are over fewer fills than their neighbours, where a table gives n."""
    rows = dict(table.methods)
    failed = {label: max(row.get("failed") or 0 for row in own.values()) for label, own in rows.items()}
    lost = [f"n: {counted(count, 'fill')} of {label} could not be scored" for label, count in failed.items() if count]
    return [*few_fills(run, [(entry, entry.name) for entry in table.metrics], rows, table.most), *lost]


def few_fills(
    run: Run, columns: Sequence[tuple[Metric, str]], methods: Mapping[str, Mapping[str, Row]], most: int
) -> list[str]:
    """Why fills that could be scored have no value, where a mean is over fewer than ``most``: a sentence each reason.

    columns: with what each is called. methods: by label, their rows by metric.
    """
    reasons: dict[str, list[str]] = {}
    for entry, title in columns:
        there = [rows[entry.name] for rows in methods.values() if entry.name in rows]
        short = [row for row in there if row["mean"] is not None and row["n"] + (row.get("failed") or 0) < most]
        if short and not entry.whole:
            told = run.manifest.partly.get(entry.name) or [run.manifest.missing.get(entry.name, "")]
            reasons.setdefault(" or ".join(filter(None, told)), []).append(title)
    if run.manifest.finished is None:
        reasons.pop("", None)  # the other fills may not have been scored yet
    return [
        f"n: {', '.join(titles)} {'has' if len(titles) == 1 else 'have'} no value of the other fills: "
        + (why or "the run does not say why")
        for why, titles in reasons.items()
    ]


def unmarked(marks: Mapping[str, Best]) -> list[str]:
    """Why nobody is marked as best in a column, or somebody is passed over, a sentence each reason. marks: by metric.

    >>> unmarked({"a": Best(why="all methods have the same value"), "b": Best(unmeasured=("telea",))})
    ['a: none is marked best, as all methods have the same value', \
'b: telea cannot be marked best, as it copies the known pixels, which is all that is measured']
    """
    reasons: dict[str, list[str]] = {}
    for name, mark in marks.items():
        if mark.unmeasured:
            copies = "it copies" if len(mark.unmeasured) == 1 else "they copy"
            told = (
                f"{', '.join(mark.unmeasured)} cannot be marked best, as {copies} the known pixels, which is all that"
            )
            reasons.setdefault(f"{told} is measured", []).append(name)
        if mark.why:
            reasons.setdefault(f"none is marked best, as {mark.why}", []).append(name)
    return [f"{', '.join(names)}: {why}" for why, names in reasons.items()]


def empty_columns(run: Run, columns: Sequence[str] = ()) -> list[str]:
    """Why a column that a reader would look for has no value, a sentence each. columns: the metrics asked for."""
    declared = run.manifest.metrics
    # Scores of whole sets want weights that few have: the run says so, and the tables where they were asked for.
    wanted = columns or [name for name in in_order(declared) if not declared[name].whole]
    valued = {row["metric"] for row in (run.summary or {}).get("scores", []) if row["mean"] is not None}
    reasons = {name: why for name, why in run.manifest.missing.items() if name in wanted and name not in valued}
    return [f"{name} is empty: {why}" for name, why in reasons.items()]


def sampled_note(label: str, rows: Mapping[str, Row]) -> str:
    """What a picture's value is where a method filled each hole several times; empty where it did not."""
    count = max((row.get("samples", 1) for row in rows.values()), default=1)
    if count == 1:
        return ""
    return (
        f"{label} filled each hole {count} times: a picture's score is the mean over its samples. Their spread, their "
        f"diversity and the best of {count} (oracle) are in summary.json; no score here is the best of several"
    )


def written(row: Row | None, entry: Metric, most: int, interval: bool = False) -> str:
    """A mean, with how far its interval reaches where asked for, of a metric with a target how far off it is, and over
    how many fills where that is fewer than ``most``."""
    if row is None or row["mean"] is None:
        return "–"
    text = fixed(row["mean"], entry.digits)
    if interval and row["low"] is not None and row["high"] is not None:
        text += f" ±{max(row['high'] - row['mean'], row['mean'] - row['low']):.2g}"
    if row.get("distance") is not None:
        text += f", off by {fixed(row['distance'], entry.digits)}"
    if not entry.whole and row["n"] < most:
        text += f" (n {row['n']:,})"
    return text
