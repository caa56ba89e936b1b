"""Scores by hole area: every method's line before those of all others."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from bench.masks.areas import AREA_BINS, area_places
from bench.metrics.declaration import Metric
from reports.breakdown import spoken
from reports.charts import Line, line_panel
from reports.method_colours import styles
from reports.numbers import Numbers, Score
from reports.plane import span_of
from reports.scoreboard import ranked, score_cell, slug
from reports.tables import Cell, Column, Row, Table

FEWEST = 4
"""Pictures that a bin needs to be shown."""


@dataclass(frozen=True)
class Binned:
    """The bins of hole area that have enough pictures. middle: mean hole area of each."""

    names: list[str]
    pictures: list[int]
    middle: list[float]


def binned(numbers: Numbers, dataset: str) -> Binned | None:
    """The bins of a data set, mask types pooled; None where fewer than two are filled."""
    area = numbers.areas(dataset)
    place = area_places(area)
    held = {k: place == k for k in range(len(AREA_BINS))}
    pictures = {k: int(rows.any(1).sum()) for k, rows in held.items()}
    keep = [k for k in held if pictures[k] >= FEWEST]
    if len(keep) < 2:
        return None
    return Binned(
        [AREA_BINS[k] for k in keep], [pictures[k] for k in keep], [float(area[held[k]].mean()) for k in keep]
    )


def scores_by_area(numbers: Numbers, label: str, dataset: str, found: Binned, metric: str) -> list[Score]:
    """A method's scores bin by bin, NaN where it has none."""
    return [numbers.score(label, dataset, name, metric) or NOTHING for name in found.names]


NOTHING = Score(math.nan, math.nan, math.nan, 0)


def area_panels(numbers: Numbers, dataset: str, found: Binned, measure: Metric) -> list[Markup]:
    """One panel a method with its interval, on one scale."""
    rows = {m.label: scores_by_area(numbers, m.label, dataset, found, measure.name) for m in ranked(numbers)}
    y = span_of([v for row in rows.values() for s in row for v in (s.low, s.high, s.mean)], 0.03)
    x = span_of(found.middle, 0.04)
    style = styles(numbers)
    panels = []
    for label, row in rows.items():
        if all(math.isnan(s.mean) for s in row):
            continue
        lines = [Line("faint", found.middle, [s.mean for s in o]) for other, o in rows.items() if other != label]
        lines.append(
            Line(style[label], found.middle, [s.mean for s in row], [s.low for s in row], [s.high for s in row])
        )
        alt = f"{measure.heading} of {label} on {numbers.titles[dataset]} by hole area: " + "; ".join(
            f"{name} {spoken(s, measure.digits)}" for name, s in zip(found.names, row, strict=True)
        )
        panels.append(line_panel(label, lines, alt=alt, x=x, y=y, x_label="hole area", x_percent=True))
    return panels


def area_table(numbers: Numbers, dataset: str, found: Binned, measure: Metric) -> Table:
    """A row a method and a column a range of hole areas, each with the mean of its pictures."""

    def cells(label: str) -> list[Cell]:
        return [score_cell(score, measure) for score in scores_by_area(numbers, label, dataset, found, measure.name)]

    return Table(
        f"areas-{slug(dataset)}-{measure.name}",
        f"{measure.heading} {measure.arrow} on {numbers.titles[dataset]} by hole area",
        [
            Column(name, name, measure.arrow, f"{count} pictures")
            for name, count in zip(found.names, found.pictures, strict=True)
        ],
        [Row(m.label, cells(m.label)) for m in ranked(numbers)],
    )
