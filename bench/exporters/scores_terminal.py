"""Score tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from bench.exporters.score_tables import Row, ScoreTable, caveats, empty_columns, score_tables, written
from bench.metrics.declaration import Metric
from bench.runs.reader import Run


def print_scores(run: Run, columns: tuple[str, ...] = ()) -> None:
    """One table a data set: methods by metrics, all mask types pooled, the best of each column marked.

    columns: metrics to show; none: every one that has a rank. What does not fit the terminal goes into a table below.
    """
    from rich import box
    from rich.table import Table

    from bench.exporters.console import terminal, titled

    if run.summary is None:
        return
    console = terminal()
    # Eleven methods must fit a terminal of 80 columns without wrapping; the report has every interval.
    intervals = console.width >= 100
    tables = score_tables(run, columns)
    for scores in tables:
        there = {row["mask"] for row in run.summary["scores"] if row["dataset"] == scores.dataset}
        title = f"{scores.title}, all masks: {', '.join(mask for mask in run.manifest.masks if mask in there)}"
        texts = {
            entry.name: [written(rows.get(entry.name), entry, scores.most, intervals) for _, rows in scores.methods]
            for entry in scores.metrics
        }
        room = console.width - max(len(label) for label, _ in scores.methods)
        for part in fitting(scores, texts, room):
            table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
            table.add_column("method", no_wrap=True)
            for entry in part:
                table.add_column(head(entry), justify="right", no_wrap=True)
            for label, rows in scores.methods:
                own = [(rows.get(entry.name), entry, label in scores.best[entry.name].labels) for entry in part]
                table.add_row(label, *[cell(*each, scores.most, intervals) for each in own])
            titled(console, title, table)
            title = "the same, further metrics"
    for caveat in caveats(run, tables):
        console.print(caveat, style="dim", highlight=False)
    for reason in empty_columns(run, columns):
        console.print(reason, style="yellow", highlight=False)


def cell(row: Row | None, entry: Metric, best: bool, most: int, interval: bool) -> str:
    """A score as text for rich, green where it is the best of its column."""
    text = written(row, entry, most, interval)
    return f"[bold green]{text}[/]" if best else text


def head(entry: Metric) -> str:
    """Two lines of heading: the metric's name, and below it unit and direction."""
    return f"{entry.name}\n{entry.mark}"


def fitting(scores: ScoreTable, texts: dict[str, list[str]], room: int) -> Iterator[list[Metric]]:
    """The columns in groups that fit ``room`` characters, each one at least."""
    part: list[Metric] = []
    left = room
    for entry in scores.metrics:
        width = 2 + max(len(text) for text in [*texts[entry.name], *head(entry).split("\n")])
        if part and width > left:
            yield part
            part, left = [], room
        part.append(entry)
        left -= width
    yield part
