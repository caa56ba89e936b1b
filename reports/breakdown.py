"""Scores by mask type: dot panels and heat maps."""

from __future__ import annotations

import math

from markupsafe import Markup

from bench.exporters.rounding import typeset
from bench.statistics.scores import ALL
from reports.charts import Dot, dot_panel
from reports.method_colours import styles
from reports.numbers import Numbers, Score
from reports.plane import span_of
from reports.scoreboard import ranked, slug, written
from reports.tables import Cell, Column, Row, Table

SHADES = 10


def shown(numbers: Numbers) -> list[str]:
    """The metrics that are broken down: those with a rank."""
    return numbers.ranked


def mask_panels(numbers: Numbers, dataset: str, metric: str) -> list[Markup]:
    """One panel a mask type, all on one scale."""
    measure = numbers.measures[metric]
    style = styles(numbers)
    ends = []
    for label in numbers.labels:
        for mask in numbers.masks:
            score = numbers.score(label, dataset, mask, metric)
            ends += [score.low, score.high, score.mean] if score else []
    low, high = span_of(ends, 0.04)
    panels = []
    for mask in numbers.masks:
        dots = [Dot(m.label, style[m.label], numbers.score(m.label, dataset, mask, metric)) for m in ranked(numbers)]
        if any(dot.score for dot in dots):
            alt = f"{measure.heading} on {numbers.titles[dataset]} under {mask} holes: " + "; ".join(
                f"{d.label} {spoken(d.score, measure.digits)}" for d in dots
            )
            panels.append(dot_panel(mask, dots, low, high, alt=alt, digits=measure.digits))
    return panels


def spoken(score: Score | None, digits: int) -> str:
    """A score in words for screen readers, with its interval where it has one."""
    if score is None or math.isnan(score.mean):
        return "no value"
    if math.isnan(score.low):
        return typeset(score.mean, digits)
    return f"{typeset(score.mean, digits)} ({typeset(score.low, digits)} to {typeset(score.high, digits)})"


def heat_map(numbers: Numbers, dataset: str, metric: str) -> Table:
    """Method by mask type: the deeper the colour, the better."""
    measure = numbers.measures[metric]
    several = [ALL] if len(numbers.masks) > 1 else []
    names = [m for m in (*numbers.masks, *several) if any(numbers.score(n, dataset, m, metric) for n in numbers.labels)]
    found = {(n, m): numbers.score(n, dataset, m, metric) for n in numbers.labels for m in names}
    good = {(n, m): numbers.standing(n, dataset, m, metric) for (n, m), s in found.items() if s}
    low, high = (min(good.values()), max(good.values())) if good else (0.0, 1.0)
    rows = []
    for member in ranked(numbers):
        cells = []
        for mask in names:
            score = found[member.label, mask]
            if score is None:
                cells.append(Cell("–"))
                continue
            place = (good[member.label, mask] - low) / (high - low) if high > low else 0.5
            cells.append(
                Cell(
                    written(score, measure.digits),
                    score.mean,
                    None if math.isnan(score.low) else score.low,
                    None if math.isnan(score.high) else score.high,
                    heat=round(place * SHADES),
                    distance=None if math.isnan(score.distance) else score.distance,
                )
            )
        rows.append(Row(member.label, cells))
    return Table(
        f"masks-{slug(dataset)}-{metric}",
        f"{measure.heading} {measure.arrow} on {numbers.titles[dataset]} by mask type",
        [Column(mask, "all" if mask == ALL else mask, measure.arrow) for mask in names],
        rows,
    )
