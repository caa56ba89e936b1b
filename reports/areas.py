"""Scores by hole area: every method's line before those of all others."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from bench.masks.areas import AREA_BINS, area_places
from bench.metrics.declaration import Metric
from reports.breakdown import spoken, styles
from reports.charts import Line, line_panel, span_of
from reports.numbers import Numbers, Score, interval_scores
from reports.scoreboard import ranked, score_cell, slug
from reports.tables import Cell, Column, Row, Table

FEWEST = 4
"""Pictures that a bin needs to be shown."""


@dataclass(frozen=True)
class Binned:
    """Scores of the bins that have enough pictures. middle: mean hole area of each; scores: by (method, metric)."""

    names: list[str]
    pictures: list[int]
    middle: list[float]
    scores: dict[tuple[str, str], list[Score]]


def binned(numbers: Numbers, dataset: str, metrics: list[str]) -> Binned | None:
    """Scores by hole area, mask types pooled, pictures drawn whole; None where fewer than two bins are filled."""
    from bench.statistics.intervals import merged

    area = numbers.areas(dataset)
    bins, place = len(AREA_BINS), area_places(area)
    known = place >= 0
    cell = (np.arange(len(area))[:, None] * bins + place)[known]
    held = np.bincount(cell, minlength=area.shape[0] * bins).reshape(-1, bins)
    pictures = (held > 0).sum(0)
    keep = np.flatnonzero(pictures >= FEWEST)
    if len(keep) < 2:
        return None
    asked = [(label, metric) for label in numbers.labels for metric in metrics]
    sums, counts = [], []
    for label, metric in asked:
        values = numbers.block(label, dataset, metric)[known]
        there = np.isfinite(values)
        both = [
            np.bincount(cell, weights=w, minlength=held.size).reshape(held.shape)[:, keep]
            for w in (np.where(there, values, 0.0), there.astype(float))
        ]
        # Merged here already, as the interval would, so that not all of a large run is held at once.
        small = merged(0, *both)
        sums.append(small[0])
        counts.append(small[1])
    scores = interval_scores(np.concatenate(sums, axis=1), np.concatenate(counts, axis=1))
    size = len(keep)
    return Binned(
        [AREA_BINS[k] for k in keep],
        [int(pictures[k]) for k in keep],
        [float(area[known][place[known] == k].mean()) for k in keep],
        {key: scores[i * size : (i + 1) * size] for i, key in enumerate(asked)},
    )


def area_panels(numbers: Numbers, dataset: str, found: Binned, measure: Metric) -> list[Markup]:
    """One panel a method with its interval, on one scale."""
    rows = {m.label: found.scores[m.label, measure.name] for m in ranked(numbers)}
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
    def cells(label: str) -> list[Cell]:
        return [score_cell(score, measure) for score in found.scores[label, measure.name]]

    return Table(
        f"areas-{slug(dataset)}-{measure.name}",
        f"{measure.heading} {measure.arrow} on {numbers.titles[dataset]} by hole area",
        [
            Column(name, name, measure.arrow, f"{count} pictures")
            for name, count in zip(found.names, found.pictures, strict=True)
        ],
        [Row(m.label, cells(m.label)) for m in ranked(numbers)],
    )
