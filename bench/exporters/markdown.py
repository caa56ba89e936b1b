"""The exporter that writes Markdown."""

from __future__ import annotations

from typing import Any

from bench.comparison.compare import Comparison
from bench.exporters import rounding, words
from bench.exporters.registry import Exporter, exporter
from bench.exporters.score_tables import caveats, empty_columns, score_tables, written
from bench.exporters.terminal import explained, legend, verdict
from bench.gate.verdict import Check
from bench.runs.reader import Run
from bench.statistics.scores import ALL


@exporter("markdown")
class Markdown(Exporter):
    """Comparisons and checks as Markdown, for a pull request."""

    suffix = ".md"

    def comparison(self, comparison: Comparison, every: bool = False) -> str:
        return comparison_markdown(comparison, every)

    def check(self, check: Check, strict: bool = False) -> str:
        return check_markdown(check, strict)

    def scores(self, run: Run) -> str:
        return scores_markdown(run)


ICONS = {"pass": "✅", "regression": "❌", "undecided": "❔"}


def comparison_markdown(comparison: Comparison, every: bool = False) -> str:
    """A table a candidate and data set over all holes, mask types folded away, and the ranking below."""
    reference = comparison.sides[0]
    rows = comparison.rows
    metrics = words.headline(rows, every)
    parts: list[str] = []
    for side in comparison.sides[1:]:
        for dataset in dict.fromkeys(row["dataset"] for row in rows):
            own = [row for row in rows if row["candidate"] == side.label and row["dataset"] == dataset]
            if not own:
                continue
            parts.append(f"### `{side.label}` against `{reference.label}` on {escape(comparison.titles[dataset])}")
            pooled = [row for row in own if row["mask"] == ALL]
            parts.append(_difference_table(words.grouped(pooled, metrics)))
            single = [row for row in words.grouped(own, metrics) if row["mask"] != ALL]
            if single:
                parts.append(
                    f"<details><summary>By {comparison.axis}</summary>\n\n{_difference_table(single)}\n\n</details>"
                )
    if comparison.ranking:
        parts += ["### Ranking", _ranking_table(comparison, metrics)]
    parts += ["\n".join(f"- {escape(note)}" for note in comparison.notes)] if comparison.notes else []
    return "\n\n".join([*parts, legend(comparison, bool(words.undecided(comparison, metrics)))]) + "\n"


def _difference_table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| metric | holes | reference | candidate | gain | interval | win/tie/loss | p (Holm) | verdict |",
        "| :-- | :-- | --: | --: | --: | :-: | --: | --: | :-- |",
    ]
    for row in rows:
        cells = [
            escape(row["title"]),
            escape(row["mask"]),
            rounding.side_mean(row, "reference"),
            rounding.side_mean(row, "candidate"),
            rounding.cell(row, "difference", signed=True),
            rounding.interval(row, row["unit"]),
            f"{row['wins']}/{row['ties']}/{row['losses']}",
            escape(rounding.p_value(row["p_holm"])),
            judged(row),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def judged(row: dict[str, Any]) -> str:
    """``▲ better``; of an undecided row, how many pictures would decide it, were the difference as seen."""
    text = f"{words.SIGNS[row['verdict']]} {row['verdict']}"
    return text if row["verdict"] != "undecided" else f"{text} ({words.count(row['pictures_to_decide'])} would decide)"


def _ranking_table(comparison: Comparison, metrics: list[str]) -> str:
    lines = ["| metric | data | places (mean) |", "| :-- | :-- | :-- |"]
    shown = {row["metric"]: (row["unit"], row["decimals"]) for row in comparison.rows}
    for entry in comparison.ranking:
        if entry["metric"] in metrics:
            places = ", ".join(
                f"{place['rank']}. `{place['side']}` "
                f"({rounding.off_by(place['mean'], place.get('distance'), *shown[entry['metric']])})"
                for place in entry["places"]
            )
            lines.append(f"| {escape(entry['title'])} | {escape(comparison.titles[entry['dataset']])} | {places} |")
    return "\n".join(lines)


def check_markdown(check: Check, strict: bool = False) -> str:
    """The state first, then what failed, then every line."""
    parts = [f"### {ICONS[check.state]} {escape(verdict(check, strict))}"]
    parts += [
        f"- {ICONS[line.state]} {escape(explained(line))}"
        for line in check.lines
        if line.state == "regression" or (line.state == "undecided" and strict)
    ]
    lines = [
        "| | rule | variant | data | mask | measured | interval | allowed |",
        "| :-: | :-- | :-- | :-- | :-- | --: | :-: | --: |",
    ]
    for line in check.lines:
        ends = {"low": line.reading.low, "high": line.reading.high}
        cells = [
            ICONS[line.state],
            f"`{line.rule.text}`",
            f"`{line.target.candidate.label}`",
            escape(line.target.title),
            escape(line.target.mask),
            rounding.number(line.reading.measured, line.unit),
            rounding.interval(ends, line.unit, signed=False),
            rounding.quantity(line.rule.amount, line.unit),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    table = "\n".join(lines)
    if len(check.lines) > 12:
        table = f"<details><summary>All {len(check.lines)} lines</summary>\n\n{table}\n\n</details>"
    notes = "\n".join(f"- {escape(note)}" for note in check.notes)
    return "\n\n".join([*parts, table, *([notes] if notes else [])]) + "\n"


def scores_markdown(run: Run) -> str:
    """One table a data set, mask types pooled: methods by the metrics that have a rank, the best in bold."""
    parts = []
    columns = tuple(run.manifest.profile.get("metrics", ()))
    tables = score_tables(run, columns)
    for scores in tables:
        lines = [
            f"| method | {' | '.join(escape(entry.title) for entry in scores.metrics)} |",
            f"| :-- |{' --: |' * len(scores.metrics)}",
        ]
        for label, rows in scores.methods:
            texts = {entry.name: written(rows.get(entry.name), entry, scores.most) for entry in scores.metrics}
            cells = [f"**{text}**" if label in scores.best[name].labels else text for name, text in texts.items()]
            lines.append(f"| `{label}` | {' | '.join(cells)} |")
        parts.append(f"### {escape(scores.title)}\n\n" + "\n".join(lines))
    parts += [escape(line) for line in [*caveats(run, tables), *empty_columns(run, columns)]]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Text that Markdown and HTML leave as it is."""
    for sign in "\\`*_|<>[]":
        text = text.replace(sign, f"&#{ord(sign)};" if sign in "<>|" else f"\\{sign}")
    return text
