"""Comparisons and checks as tables in a terminal of 80 columns or more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.comparison.compare import Comparison
from bench.exporters import rounding, words
from bench.exporters.console import terminal, titled
from bench.gate.lines import Line
from bench.gate.verdict import Check
from bench.statistics.scores import ALL

COLOURS = {"better": "green", "worse": "red", "same": "dim", "undecided": "yellow"}
STATE_COLOURS = {"pass": "green", "regression": "bold red", "undecided": "yellow"}
WIDE = 105
"""From this many columns on, a table has room for counts, effect size and p."""


def print_comparison(comparison: Comparison, every: bool = False, console: Console | None = None) -> None:
    """Differences with their intervals; for more than two sides also the ranking and the matrix; then the notes."""
    console = console or terminal()
    rows = comparison.rows
    titles = comparison.titles
    metrics = words.headline(rows, every)
    masks = [mask for mask in dict.fromkeys(row["mask"] for row in rows) if mask != ALL]
    runs = ", ".join(dict.fromkeys(side.run.name for side in comparison.sides))
    images: dict[str, int] = {}
    for row in rows:
        images[row["dataset"]] = max(row["images"], images.get(row["dataset"], 0))
    counts = ", ".join(f"{count:,} images of {titles[name]}" for name, count in images.items())
    console.print(Text(f"{runs}: {counts}, by {comparison.axis}: {', '.join(masks)}", style="dim"))
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        there = [row for row in rows if row["dataset"] == dataset]
        if len(comparison.sides) == 2:
            title = f"{comparison.sides[1].label} against {comparison.sides[0].label} on {titles[dataset]}"
            titled(console, title, two_sides(words.grouped(there, metrics), console.width))
        else:
            title = f"Against {comparison.sides[0].label} on {titles[dataset]}, mask types pooled"
            titled(console, title, many_sides(there, metrics, console.width))
            print_ranking(comparison, dataset, metrics, console)
            pooled = next(row for row in there if row["metric"] == metrics[0])
            title = f"{pooled['title']}: gain of the row over the column"
            titled(console, title, matrix(comparison, dataset, metrics[0], console.width))
    wanted = words.undecided(comparison, metrics)
    if wanted:
        titled(console, "How many pictures would decide it?", pictures_table(wanted, titles))
    console.print(Text(legend(comparison, bool(wanted)), style="dim"))
    hidden = words.hidden(rows, metrics)
    if hidden:
        more = f"{hidden} more metric{'s' if hidden > 1 else ''}"
        console.print(Text(f"{more}: --metrics NAME,… or --metrics all, or --json.", style="dim"))
    for note in comparison.notes:
        console.print(Text(f"· {note}"))


COUNTED = (
    " Pictures that would decide, in at least 80 of 100 repetitions: were the difference as seen, and were it as large "
    "as the tolerance."
)


def legend(comparison: Comparison, counted: bool) -> str:
    """How to read the table: sign of the gain, what the interval is of, what each verdict needs."""
    options = comparison.options
    return (
        f"Gain: + is better, whatever the metric's direction; {options.level:.0%} interval from {options.resamples:,} "
        "resamples of whole images. Better, worse: interval excludes zero, Holm's p over the metric's rows below 0.05; "
        "same: interval within the metric's tolerance." + (COUNTED if counted else "")
    )


def plain_table() -> Table:
    """A rich table without frame, close enough set for 80 columns."""
    return Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )


def _difference_columns(table: Table, means: list[str], width: int) -> None:
    table.add_column("", overflow="fold")
    for name in [*means, "gain", "interval"]:
        table.add_column(name, justify="right", no_wrap=True)
    if width >= WIDE:
        for name in ("win/tie/loss", "effect", "p (Holm)"):
            table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)


def _difference_cells(row: dict[str, Any], width: int) -> list[Text]:
    said = row["verdict"]
    cells = [Text(rounding.cell(row, "difference", signed=True)), Text(rounding.interval(row, row["unit"]))]
    if width >= WIDE:
        cells.append(Text(f"{row['wins']}/{row['ties']}/{row['losses']}"))
        cells.append(Text(rounding.number(row["effect_size"], "dB", signed=True)))
        cells.append(Text(rounding.p_value(row["p_holm"])))
    return [*cells, Text(f"{words.SIGNS[said]} {said}", style=COLOURS[said])]


def two_sides(rows: list[dict[str, Any]], width: int) -> Table:
    """Metric by metric, the mask types below it."""
    table = plain_table()
    _difference_columns(table, ["base", "new"], width)
    for row in rows:
        means = [Text(rounding.side_mean(row, side)) for side in ("reference", "candidate")]
        style = "" if row["mask"] == ALL else "dim"
        table.add_row(Text(words.heading(row)), *means, *_difference_cells(row, width), style=style)
    return table


def many_sides(rows: list[dict[str, Any]], metrics: list[str], width: int) -> Table:
    """Metric by metric, the reference's mean and below it every candidate, mask types pooled."""
    table = plain_table()
    _difference_columns(table, ["mean"], width)
    for metric in metrics:
        own = [row for row in rows if row["metric"] == metric and row["mask"] == ALL]
        if not own:
            continue
        first = own[0]
        blank = [""] * (len(table.columns) - 2)
        table.add_row(Text(first["title"], style="bold"), rounding.side_mean(first, "reference"), *blank)
        for row in own:
            mean = Text(rounding.side_mean(row, "candidate"))
            table.add_row(Text(f"  {row['candidate']}"), mean, *_difference_cells(row, width))
    return table


def pictures_table(rows: list[dict[str, Any]], titles: Mapping[str, str]) -> Table:
    """Of undecided rows: pictures there are, and pictures wanted."""
    table = plain_table()
    table.add_column("undecided", overflow="fold")
    for name in ("now", "as seen", "to show the tolerance"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        tolerance = rounding.quantity(row["tolerance"], row["unit"])
        table.add_row(
            Text(words.place(row, titles)),
            Text(f"{row['images']:,}"),
            Text(words.count(row["pictures_to_decide"])),
            Text(f"{words.count(row['pictures_for_tolerance'])} (±{tolerance})"),
        )
    return table


def print_ranking(comparison: Comparison, dataset: str, metrics: list[str], console: Console) -> None:
    """Places per metric; sides that the data cannot tell apart share one."""
    entries = [e for e in comparison.ranking if e["dataset"] == dataset and e["metric"] in metrics]
    entries.sort(key=lambda entry: metrics.index(entry["metric"]))
    longest = max(len(side.label) for side in comparison.sides)
    room = max(1, (console.width - longest) // 14)
    for start in range(0, len(entries), room):
        part = entries[start : start + room]
        table = plain_table()
        table.add_column("", no_wrap=True)
        for entry in part:
            table.add_column(Text(entry["title"].replace(" [", "\n[")), justify="right", max_width=13)
        for side in [place["side"] for place in entries[0]["places"]]:
            table.add_row(Text(side), *[ranked(entry, side, comparison) for entry in part])
        titled(console, "Ranking: place and mean, ties sharing a place", table)


def ranked(entry: dict[str, Any], side: str, comparison: Comparison) -> Text:
    """Place and mean of one side in a ranking; a dash where it has none."""
    row = next(row for row in comparison.rows if row["metric"] == entry["metric"])
    place = next((place for place in entry["places"] if place["side"] == side), None)
    if place is None:
        return Text("–")
    mean = rounding.off_by(place["mean"], place.get("distance"), row["unit"], row["decimals"])
    return Text(f"{place['rank']}  {mean:>7}")


def matrix(comparison: Comparison, dataset: str, metric: str, width: int) -> Table:
    """Every side against every other in one metric; columns numbered, and signs alone, where room is short."""
    rows = [row for row in comparison.matrix if (row["metric"], row["dataset"]) == (metric, dataset)]
    gains: dict[tuple[str, str], Text] = {}
    for row in rows:
        said = row["verdict"]
        turned = {"better": "worse", "worse": "better"}.get(said, said)
        gains[row["candidate"], row["reference"]] = gain(row, 1, said)
        gains[row["reference"], row["candidate"]] = gain(row, -1, turned)
    labels = [side.label for side in comparison.sides]
    cell = max((len(text) for text in gains.values()), default=1)
    longest = max(map(len, labels)) + 3
    numbered = longest + sum(max(cell, len(label)) + 2 for label in labels) > width
    bare = longest + (cell + 2) * len(labels) > width
    table = plain_table()
    table.add_column("", no_wrap=True)
    for place, label in enumerate(labels, start=1):
        table.add_column(str(place) if numbered else label, justify="right", no_wrap=True)
    for place, label in enumerate(labels, start=1):
        cells = [gains.get((label, other), Text("")) for other in labels]
        name = f"{place:>2} {label}" if numbered else label
        table.add_row(Text(name), *([text[-1:] for text in cells] if bare else cells))
    return table


def gain(row: dict[str, Any], sign: int, said: str) -> Text:
    """A difference signed so that + is better, with the verdict's sign and colour."""
    value = rounding.number(sign * row["difference"], row["unit"], True, row["decimals"])
    return Text(f"{value} {words.SIGNS[said]}", style=COLOURS[said])


def print_check(check: Check, strict: bool = False, console: Console | None = None) -> None:
    """The lines of a check, the failing ones explained, the state last."""
    console = console or terminal()
    table = plain_table()
    table.add_column("", overflow="fold")
    for name in ("measured", "interval", "allowed"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for rule in dict.fromkeys(line.rule for line in check.lines):
        table.add_row(Text(rule.text, style="bold"))
        for line in check.lines:
            if line.rule == rule:
                table.add_row(*_check_cells(line))
    console.print(table)
    for line in check.lines:
        if line.state == "regression" or (line.state == "undecided" and strict):
            console.print(Text(f"{words.STATE_WORDS[line.state]} {explained(line)}", style=STATE_COLOURS[line.state]))
    for note in check.notes:
        console.print(Text(f"· {note}"))
    console.print(Text(interval_legend(check), style="dim"))
    console.print(Text(verdict(check, strict), style=STATE_COLOURS[check.state]))


def _check_cells(line: Line) -> list[Text]:
    target, unit = line.target, line.unit
    several = f" {target.title}" if target.dataset and len(target.candidate.scores) > 1 else ""
    mask = "" if target.mask == ALL else f" [{target.mask}]"
    ends = {"low": line.reading.low, "high": line.reading.high}
    return [
        Text(f"  {target.candidate.label}{several}{mask}"),
        Text(rounding.number(line.reading.measured, unit)),
        Text(rounding.interval(ends, unit, signed=False)),
        Text(rounding.quantity(line.rule.amount, unit)),
        Text(words.STATE_WORDS[line.state], style=STATE_COLOURS[line.state]),
    ]


def interval_legend(check: Check) -> str:
    """What the intervals of a check are, and how often an unchanged model fails it."""
    widest = max(line.level for line in check.lines)
    wider = f", up to {100 * widest:.4g} % where the tolerance lies within the noise" if widest > 0.9501 else ""
    return (
        f"Intervals: 95 %{wider}; a check in which nothing changed raises a false alarm at most once in 100. "
        "Measured, of a rule with ':': how much worse than the reference."
    )


def explained(line: Line) -> str:
    """Rule, measured, allowed, interval and where to look, in a sentence."""
    rule, reading, unit = line.rule, line.reading, line.unit
    who = f"{line.target.candidate.label} on {line.target.title or 'speed'} [{line.target.mask}]"
    measured, allowed = rounding.quantity(reading.measured, unit), rounding.quantity(rule.amount, unit)
    ends = f"[{rounding.number(reading.low, unit)}, {rounding.number(reading.high, unit)}]"
    if rule.kind == "drop":
        said = f"{rule.metric} is {measured} {ends} worse than the reference, {allowed} is allowed"
    else:
        said = f"{rule.metric} is {measured} {ends}, the {rule.kind} is {allowed}"
    why = f" ({line.why})" if line.why else ""
    return f"{who}: {said}{why}; rule '{rule.text}' ({rule.where}); look at {line.look}"


def verdict(check: Check, strict: bool) -> str:
    """The last line: run, state, and how many lines are in each state."""
    counts = {state: sum(line.state == state for line in check.lines) for state in words.STATE_WORDS}
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    against = f" against {check.against}" if check.against else ""
    failed = " (--strict: undecided fails)" if strict and check.state == "undecided" else ""
    partial = "; partial, see the notes" if check.partial else ""
    return f"{check.run}{against}: {check.state}{failed} ({told}){partial}"
