"""Who won, by how much and how sure that is; the table of all methods."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from bench.exporters.rounding import typeset
from bench.exporters.score_tables import few_fills, fills_asked, unmarked
from bench.metrics.declaration import Metric
from bench.metrics.protocol import protocol_note
from bench.statistics.scores import ALL
from bench.statistics.standing import Best, ahead
from bench.util.words import counted
from reports.numbers import Member, Numbers, Score, paired
from reports.tables import Cell, Column, Row, Table

GROUPS = {"network": "Networks", "external": "Models from outside", "reference": "References, no training"}


@dataclass(frozen=True)
class Lead:
    """The best method of a data set by a metric, and what cannot be told apart from it.

    title: of the data set. mark: who is marked as best; where nobody is, ``best`` is whose mean stands highest. ahead:
    the paired difference to ``second``, positive where the best is better.
    """

    dataset: str
    title: str
    measure: Metric
    mark: Best
    best: str
    score: Score
    tied: tuple[str, ...]
    second: str | None
    ahead: Score | None


def main_metrics(numbers: Numbers) -> list[str]:
    """The metrics of the first table: those with a rank, or where none has one, all."""
    return numbers.ranked or numbers.further


def ranked(numbers: Numbers) -> list[Member]:
    """The methods, networks first, references last, each in the order of the run."""
    order = list(GROUPS)
    return sorted(numbers.members, key=lambda m: order.index(m.kind) if m.kind in order else 1)


def leads(numbers: Numbers, dataset: str, metrics: Sequence[str]) -> dict[str, Lead]:
    """The winner of every metric by its mean over all mask types; ties are judged on paired differences."""
    standings = {}
    marks = {metric: numbers.best(dataset, metric) for metric in metrics}
    for metric in metrics:
        scored = [
            (numbers.standing(label, dataset, ALL, metric), label, score)
            for label in numbers.labels
            if (score := numbers.score(label, dataset, ALL, metric))
        ]
        if scored:
            there = [item for item in scored if item[1] not in marks[metric].unmeasured] or scored
            standings[metric] = sorted(there, key=lambda item: -item[0])
    pairs = [(m, board[0][1], other) for m, board in standings.items() for _, other, _ in board[1:]]
    single = [pair for pair in pairs if not numbers.measures[pair[0]].whole]
    blocks = [numbers.gap(best, other, dataset, metric) for metric, best, other in single]
    gaps = dict(zip(single, paired(blocks), strict=True))
    for metric, best, other in pairs:
        if numbers.measures[metric].whole:
            gaps[metric, best, other] = numbers.set_gap(best, other, dataset, metric)
    found = {}
    for metric, board in standings.items():
        mine = {other: gap for (m, _, other), gap in gaps.items() if m == metric and gap.n > 0}
        second = board[1][1] if len(board) > 1 and board[1][1] in mine else None
        tied = tuple(other for other, gap in mine.items() if math.isnan(gap.low) or gap.low <= 0)
        found[metric] = Lead(
            dataset,
            numbers.titles[dataset],
            numbers.measures[metric],
            marks[metric],
            board[0][1],
            board[0][2],
            tied,
            second,
            mine[second] if second else None,
        )
    return found


def sentence(found: Lead, several: bool, named: bool = False) -> str:
    """One clause: who leads on a data set, by how much, how sure. named: the metric has been named before it."""
    unit = f" {found.measure.unit}" if found.measure.unit else ""
    digits = found.measure.digits
    where = f"On {found.title}, " if several else ""
    value = f"{written(found.score, digits)}{unit}" + ("" if named else f" {found.measure.heading}")
    none, only = ("no", "only") if where or named else ("No", "Only")
    if not found.mark.labels and (found.mark.why or found.best in found.mark.unmeasured):
        by = "" if named else f" by {found.measure.heading}"
        return f"{where}{none} method can be called best{by}, as {found.mark.why or 'all copy the known pixels'}"
    if found.mark.unmeasured and not found.mark.labels:
        return f"{where}{only} {found.best} was measured ({value}), as the others copy the known pixels"
    noun = "value" if found.measure.whole else "mean"
    if found.second is None or found.ahead is None:
        return f"{where}{found.best} stands alone with {value}"
    if found.tied:
        return (
            f"{where}{found.best} has the best {noun} ({value}), but {listed(found.tied)} cannot be told apart from it"
        )
    gap = found.ahead
    wins = f"has the best {noun} ({value})" if named else f"wins with {value}"
    return (
        f"{where}{found.best} {wins}, {typeset(gap.mean, digits)}{unit} ahead of {found.second} "
        f"(95 % interval {typeset(gap.low, digits)} to {typeset(gap.high, digits)})"
    )


def listed(names: Sequence[str], most: int = 3) -> str:
    """``a, b and c``; beyond ``most`` names, how many more."""
    shown = [*names[:most], *([f"{len(names) - most} more"] if len(names) > most else [])]
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " and " + shown[-1]


def score_cell(score: Score | None, measure: Metric, mark: str = "", bar: float | None = None, most: int = 0) -> Cell:
    """most: fills that other means of the table are over; where this one is over fewer, it says so."""
    if score is None or math.isnan(score.mean):
        return Cell("–")
    digits = measure.digits
    known = not math.isnan(score.low)
    return Cell(
        text=written(score, digits),
        value=score.mean,
        low=score.low if known else None,
        high=score.high if known else None,
        detail=", ".join(
            [f"{typeset(score.low, digits)} to {typeset(score.high, digits)}"] * known
            + [f"n {score.n:,}"] * (not measure.whole and score.n < most)
        ),
        bar=bar,
        mark=mark,
        distance=None if math.isnan(score.distance) else score.distance,
    )


def written(score: Score, digits: int) -> str:
    """``20.13``; of a metric with a target, with what decides which is best: ``−0.40, off by 0.62``."""
    text = typeset(score.mean, digits)
    return text if math.isnan(score.distance) else f"{text}, off by {typeset(score.distance, digits)}"


def _metric_column(measure: Metric) -> Column:
    title = measure.heading + (f" [{measure.unit}]" if measure.unit else "")
    note = measure.summary + (" Approximate." if measure.approximate else "")
    if measure.direction == "nearest":
        note += f" Best is the least mean distance of the pictures from {measure.target:g}, not the mean nearest to it."
    if measure.whole:
        note += " Pooled, the mean of the mask types' values."
    return Column(measure.name, title + (" ≈" if measure.approximate else ""), measure.arrow, note)


def overall(numbers: Numbers, dataset: str, found: dict[str, Lead], metrics: Sequence[str]) -> Table:
    """All methods and the given metrics, pooled over the mask types of one data set, with speed and size."""
    columns = [_metric_column(numbers.measures[metric]) for metric in metrics]
    headed = [(numbers.measures[metric], numbers.measures[metric].heading) for metric in metrics]
    cells: dict[tuple[str, str], Cell] = {}
    single = [metric for metric, measure in numbers.measures.items() if not measure.whole]
    pooled = [numbers.score(name, dataset, ALL, metric) for name in numbers.labels for metric in single]
    most = max([*(score.n for score in pooled if score), fills_asked(numbers.run, dataset)])
    for metric in metrics:
        scores = {name: numbers.score(name, dataset, ALL, metric) for name in numbers.labels}
        lengths = [s.shown for s in scores.values() if s]
        for name, score in scores.items():
            lead = found.get(metric)
            best = lead.mark.labels if lead else frozenset()
            mark = "best" if name in best else "tied" if lead and best and name in lead.tied else ""
            measure = numbers.measures[metric]
            cells[name, metric] = score_cell(score, measure, mark, share(score, lengths), most)
    speeds = numbers.speeds
    if speeds:
        columns.append(
            Column(
                "images_per_s",
                "speed [img/s]",
                "↑",
                "Pictures per second at the best batch size, given below, in the precision that was scored.",
            )
        )
        top = max(value for value, _ in speeds.values())
        fastest = ahead({variant: value for variant, (value, _) in speeds.items()})
        for member in numbers.members:
            value, batch = speeds.get(member.variant, (0.0, 0))
            mark = "best" if member.variant in fastest else ""
            cells[member.label, "images_per_s"] = (
                Cell(grouped(value), value, bar=value / top, mark=mark, detail=f"batch {batch}") if value else Cell("–")
            )
    columns.append(Column("parameters", "parameters", "", "Trainable parameters of the network."))
    for member in numbers.members:
        count = float(member.entry.parameters)
        cells[member.label, "parameters"] = Cell(millions(count), count)
    failures = {name: count for (name, d), count in numbers.failed.items() if d == dataset}
    if failures:
        columns.append(
            Column("failed", "failed", "↓", "Fills that could not be scored; they are excluded from the means.")
        )
        for name in numbers.labels:
            cells[name, "failed"] = Cell(str(failures.get(name, 0)), float(failures.get(name, 0)))
    rows = [
        Row(
            m.label,
            [cells[m.label, c.key] for c in columns],
            GROUPS.get(m.kind, m.kind),
            m.entry.summary,
        )
        for m in ranked(numbers)
    ]
    return Table(
        f"methods-{slug(dataset)}",
        f"All methods on {numbers.titles[dataset]}, {pooled_words(numbers)}",
        columns,
        rows,
        notes=[
            *column_notes(numbers, metrics),
            *unmarked({m.measure.heading: m.mark for m in found.values()}),
            *few_fills(numbers.run, headed, numbers.pooled(dataset), most),
        ],
    )


def pooled_words(numbers: Numbers) -> str:
    """Over which holes the shown means are taken."""
    return f"{numbers.masks[0]} holes" if len(numbers.masks) == 1 else "all mask types pooled"


def warnings(numbers: Numbers) -> list[str]:
    """What stands once above all tables: under whose protocol they are, the run's notes, and why a column that a
    reader would look for is empty, where no note says so."""
    reasons: dict[str, list[str]] = {}
    for name, why in numbers.manifest.missing.items():
        if not numbers.has(name) and not any(why in note for note in numbers.manifest.notes):
            reasons.setdefault(why, []).append(name)
    foreign = protocol_note(numbers.manifest.protocol)
    return [
        *([foreign[0].upper() + foreign[1:]] if foreign else []),
        *numbers.manifest.notes,
        *(f"{', '.join(n)} {'is' if len(n) == 1 else 'are'} empty: {why}" for why, n in reasons.items()),
    ]


def column_notes(numbers: Numbers, metrics: Sequence[str]) -> list[str]:
    """Which columns are only approximate."""
    found = [numbers.measures[name] for name in metrics]
    return ["≈ " + (m.caveat if m.heading == m.name else f"{m.heading}: {m.caveat}") for m in found if m.approximate]


def share(score: Score | None, lengths: list[float]) -> float | None:
    """Length of the bar in the cell: the place between 0 (or the least) and the largest."""
    if score is None or not lengths:
        return None
    low, high = min(0.0, *lengths), max(0.0, *lengths)
    return (score.shown - low) / (high - low) if high > low else 0.0


def grouped(value: float) -> str:
    """Three significant digits, thousands set apart."""
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f}".replace(",", "\u202f")
    return f"{value:.3g}"


def millions(count: float) -> str:
    """A number of parameters as "1.25 M" or "310 k"; a dash for none."""
    if not count:
        return "–"
    part, sign = (count / 1e6, "M") if count >= 999_500 else (count / 1e3, "k")
    return f"{part:.{0 if part >= 100 else 1 if part >= 10 else 2}f} {sign}"


def slug(name: str) -> str:
    """A name for ids and files: letters, digits and dashes; what was replaced is told apart by a checksum."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")
    return plain if plain == name else f"{plain[:40].rstrip('-')}-{zlib.crc32(name.encode()):08x}".lstrip("-")


@dataclass(frozen=True)
class Answer:
    """The answer at the top: one sentence, what else a reader must know, and the winners by name."""

    sentence: str
    more: list[str]
    winners: list[Lead]


def verdict(numbers: Numbers, found: dict[str, dict[str, Lead]]) -> Answer | None:
    """Who won by hole PSNR (or by what there is), then by LPIPS, and what the interval leaves out."""
    metrics = [m for m in main_metrics(numbers) if any(m in leads for leads in found.values())]
    if not metrics:
        return None
    several = len(found) > 1
    winners = [leads[metrics[0]] for leads in found.values() if metrics[0] in leads]
    top = "; ".join(_lower_first(sentence(w, several)) if k else sentence(w, several) for k, w in enumerate(winners))
    more = []
    perceptual = next((m for m in metrics[1:] if numbers.measures[m].group == "perceptual"), None)
    if perceptual:
        others = [leads[perceptual] for leads in found.values() if perceptual in leads]
        name = others[0].measure.heading + (", an estimate" if others[0].measure.approximate else "")
        more.append(f"By {name}: " + "; ".join(_lower_first(sentence(w, several, named=True)) for w in others) + ".")
    references = [m.label for m in numbers.members if m.kind == "reference"]
    beaten = [
        f"{w.title} ({w.best})"
        for w in winners
        if w.mark.labels and w.best in references and len(references) < len(numbers.members)
    ]
    if beaten:
        more.append(f"By its mean no network beats the best reference on {listed(beaten, 9)}.")
    counts = listed([f"{counted(len(numbers.ids(d)), 'picture')} of {numbers.titles[d]}" for d in found], 9)
    kinds = counted(len(numbers.masks), "mask type")
    more.append(f"Judged on {counts} under {kinds} ({', '.join(numbers.masks)}).")
    seeds = {
        m.variant: sum(o.variant == m.variant for o in numbers.members) for m in numbers.members if m.kind == "network"
    }
    if seeds and max(seeds.values()) == 1:
        more.append("One training seed: how much another training would change is not in the intervals.")
    return Answer(top + ".", more, winners)


def _lower_first(text: str) -> str:
    return "on " + text[3:] if text.startswith("On ") else text
