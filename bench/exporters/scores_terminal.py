"""Score tables on the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from bench.metrics.declaration import Metric, in_order
from bench.runs.reader import Run
from bench.statistics.scores import ALL, metric_facts
from bench.statistics.standing import standing


def print_scores(run: Run, columns: tuple[str, ...] = ()) -> None:
    """One table a data set: methods by metrics, all mask types pooled, the best of each column marked.

    columns: metrics to show; none: every one that has a rank. What does not fit the terminal goes into a table below.
    """
    from rich import box
    from rich.table import Table

    from bench.exporters.console import terminal

    if run.summary is None:
        return
    metrics = metric_facts(run)
    wanted = [name for name in columns or in_order(metrics) if name in metrics]
    console = terminal()
    # Eleven methods must fit a terminal of 80 columns without wrapping; the report has every interval.
    intervals = console.width >= 100
    pooled = [row for row in run.summary["scores"] if row["mask"] == ALL]
    for dataset in dict.fromkeys(row["dataset"] for row in pooled):
        rows = [row for row in pooled if row["dataset"] == dataset]
        there = dict.fromkeys(row["metric"] for row in rows if row["mean"] is not None)
        shown = [name for name in wanted if name in there] or list(there)
        title = f"{dataset}, all masks: {', '.join(run.manifest.masks)}"
        methods = [(run.label(*pair), {r["metric"]: r for r in rows if (r["variant"], r["seed"]) == pair})
                   for pair in run.members()]  # fmt: skip
        best = {name: best_of([r for r in rows if r["metric"] == name], metrics[name]) for name in shown}
        cells = {
            name: [cell(own.get(name), metrics[name], best[name], intervals) for _, own in methods] for name in shown
        }
        room = console.width - max(len(label) for label, _ in methods)
        for part in fitting(cells, metrics, room):
            table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
            table.add_column("method", no_wrap=True)
            for name in part:
                table.add_column(head(metrics[name]), justify="right", no_wrap=True)
            for place, (label, own) in enumerate(methods):
                if own:
                    table.add_row(label, *[cells[name][place] for name in part])
            console.print(table)
            title = "the same, further metrics"
    for name, why in run.manifest.missing.items():
        # Scores of whole sets want weights that few have: the run says so, and the terminal where they were asked for.
        if name in wanted and (columns or metrics[name].of == "picture"):
            console.print(f"{name} is empty: {why}", style="yellow", highlight=False)


def head(entry: Metric) -> str:
    return f"{entry.name}\n{entry.unit} {entry.arrow}".strip()


def fitting(cells: dict[str, list[str]], metrics: dict[str, Metric], room: int) -> Iterator[list[str]]:
    """The columns in groups that fit ``room`` characters, each one at least."""
    part: list[str] = []
    left = room
    for name, texts in cells.items():
        plain = [text.removeprefix("[bold green]").removesuffix("[/]") for text in texts]
        width = 2 + max(len(text) for text in [*plain, *head(metrics[name]).split("\n")])
        if part and width > left:
            yield part
            part, left = [], room
        part.append(name)
        left -= width
    yield part


def best_of(rows: list[dict[str, Any]], entry: Metric) -> float:
    """The standing that is best; NaN where there is none."""
    return max((standing(row, entry) for row in rows if row["mean"] is not None), default=math.nan)


def cell(row: dict[str, Any] | None, entry: Metric, best: float, interval: bool) -> str:
    if row is None or row["mean"] is None:
        return "–"
    text = f"{row['mean']:.{entry.digits}f}"
    if interval and row["low"] is not None and row["high"] is not None:
        text += f" ±{(row['high'] - row['low']) / 2:.2g}"
    if row.get("distance") is not None:
        text += f", off by {row['distance']:.{entry.digits}f}"
    return f"[bold green]{text}[/]" if standing(row, entry) == best else text
