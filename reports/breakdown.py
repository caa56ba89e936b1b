"""Scores by mask type and by hole area: dot panels, heat maps, lines."""

from __future__ import annotations

import math

import numpy as np
from markupsafe import Markup

from reports.charts import Dot, Line, dot_panel, line_panel, span_of
from reports.numbers import ALL, Numbers, Score, fixed, scores_of
from reports.scoreboard import ranked, slug
from reports.tables import Cell, Column, Row, Table

SHOWN = ("psnr_hole", "lpips", "lpips_student", "ssim_hole", "colour_shift")
EDGES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 1.0)
"""Bins of hole area, share of the picture."""
FEWEST = 4
"""Pictures that a bin needs to be drawn."""
SHADES = 10


def shown(numbers: Numbers) -> list[str]:
    """The metrics that are broken down; the approximate one only where the true one is missing."""
    names = [name for name in SHOWN if name in numbers.measures and numbers.has(name)]
    return [name for name in names if not (name == "lpips_student" and "lpips" in names)]


def styles(numbers: Numbers) -> dict[str, str]:
    """A hue for every network, a grey for every reference; the seeds of a variant share theirs."""
    hues: dict[str, str] = {}
    greys: dict[str, str] = {}
    for member in numbers.members:
        if member.kind == "reference":
            greys.setdefault(member.variant, f"r{len(greys) % 4}")
        else:
            hues.setdefault(member.variant, f"k{len(hues) % 8}")
    return {m.label: (hues | greys)[m.variant] for m in numbers.members}


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
            alt = f"{measure.title} on {dataset} under {mask} holes: " + "; ".join(
                f"{d.label} {spoken(d.score, measure.digits)}" for d in dots
            )
            panels.append(dot_panel(mask, dots, low, high, alt=alt, digits=measure.digits))
    return panels


def spoken(score: Score | None, digits: int) -> str:
    if score is None or math.isnan(score.mean):
        return "no value"
    if math.isnan(score.low):
        return fixed(score.mean, digits)
    return f"{fixed(score.mean, digits)} ({fixed(score.low, digits)} to {fixed(score.high, digits)})"


def heat_map(numbers: Numbers, dataset: str, metric: str) -> Table:
    """Method by mask type: the deeper the colour, the better."""
    measure = numbers.measures[metric]
    names = [m for m in (*numbers.masks, ALL) if any(numbers.score(n, dataset, m, metric) for n in numbers.labels)]
    found = {(n, m): numbers.score(n, dataset, m, metric) for n in numbers.labels for m in names}
    good = {key: float(measure.goodness(s.mean)) for key, s in found.items() if s}
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
                    fixed(score.mean, measure.digits),
                    score.mean,
                    None if math.isnan(score.low) else score.low,
                    None if math.isnan(score.high) else score.high,
                    heat=round(place * SHADES),
                )
            )
        rows.append(Row(member.label, cells))
    return Table(
        f"masks-{slug(dataset)}-{metric}",
        f"{measure.title} {measure.arrow} on {dataset} by mask type",
        [Column(mask, "all" if mask == ALL else mask, measure.arrow) for mask in names],
        rows,
    )


def area_panels(numbers: Numbers, dataset: str, metric: str) -> tuple[list[Markup], Table | None]:
    """One panel a method: its line over hole area before those of all others, with intervals."""
    from bench.statistics import intervals

    measure = numbers.measures[metric]
    members = ranked(numbers)
    area = numbers.areas(dataset)
    bins = len(EDGES) - 1
    place = np.clip(np.digitize(area, EDGES) - 1, 0, bins - 1)
    place[~np.isfinite(area)] = -1
    many = np.array([(np.any(place == k, axis=1)).sum() for k in range(bins)])
    keep = [k for k in range(bins) if many[k] >= FEWEST]
    if len(keep) < 2:
        return [], None
    pictures = len(area)
    sums = np.zeros((pictures, len(members) * len(keep)))
    counts = np.zeros_like(sums)
    for m, member in enumerate(members):
        values = numbers.block(member.label, dataset, metric)
        there = np.isfinite(values)
        for c, k in enumerate(keep):
            inside = there & (place == k)
            sums[:, m * len(keep) + c] = np.where(inside, values, 0.0).sum(1)
            counts[:, m * len(keep) + c] = inside.sum(1)
    scores = scores_of(intervals(sums, counts))
    by_member = {m.label: scores[i * len(keep) : (i + 1) * len(keep)] for i, m in enumerate(members)}
    middle = [float(np.nanmean(area[place == k])) for k in keep]
    ends = [v for row in by_member.values() for s in row for v in (s.low, s.high, s.mean)]
    y, x = span_of(ends, 0.03), span_of(middle, 0.04)
    style = styles(numbers)
    panels = []
    for member in members:
        row = by_member[member.label]
        if all(math.isnan(s.mean) for s in row):
            continue
        others = [
            Line("faint", middle, [s.mean for s in by_member[o.label]]) for o in members if o.label != member.label
        ]
        own = Line(style[member.label], middle, [s.mean for s in row], [s.low for s in row], [s.high for s in row])
        alt = f"{measure.title} of {member.label} on {dataset} by hole area: " + "; ".join(
            f"{name_of(k)} {spoken(s, measure.digits)}" for k, s in zip(keep, row, strict=True)
        )
        panels.append(line_panel(member.label, [*others, own], alt=alt, x=x, y=y, x_label="hole area", x_percent=True))
    table = Table(
        f"areas-{slug(dataset)}-{metric}",
        f"{measure.title} {measure.arrow} on {dataset} by hole area",
        [Column(name_of(k), name_of(k), measure.arrow, f"{many[k]} pictures") for k in keep],
        [
            Row(
                m.label,
                [
                    Cell("–")
                    if math.isnan(s.mean)
                    else Cell(
                        fixed(s.mean, measure.digits),
                        s.mean,
                        None if math.isnan(s.low) else s.low,
                        None if math.isnan(s.high) else s.high,
                        ""
                        if math.isnan(s.low)
                        else f"{fixed(s.low, measure.digits)} to {fixed(s.high, measure.digits)}",
                    )
                    for s in by_member[m.label]
                ],
            )
            for m in members
        ],
    )
    return panels, table


def name_of(k: int) -> str:
    return f"{EDGES[k] * 100:g}–{EDGES[k + 1] * 100:g} %"
