"""Colour: signed shift per channel before and after correction, and how dark a method can paint."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from bench.exporters.rounding import typeset
from bench.statistics.scores import ALL
from reports.breakdown import spoken
from reports.charts import Dot, density_panel, dot_panel
from reports.method_colours import styles
from reports.numbers import Numbers
from reports.plane import span_of
from reports.scoreboard import ranked, score_cell, slug
from reports.tables import Column, Row, Table

CHANNELS = {"r": "red", "g": "green", "b": "blue"}
BINS = 30
DARKER_SHARE = 0.10
"""Share of the truth that must be darker than a method's darkest fill for its floor to be flagged."""
STEP, PILE = 4, 0.08
"""Share of the fill that must lie within so many levels above its darkest for it to be a floor."""


@dataclass(frozen=True)
class Floor:
    """A method that never paints darker than ``luma`` (0 to 1) though ``share`` of the truth is darker."""

    label: str
    luma: float
    share: float


def shift_panels(numbers: Numbers, dataset: str) -> list[Markup]:
    """One panel a channel; solid: as filled, hollow: after colour correction."""
    names = [f"colour_shift_{c}{tail}" for c in CHANNELS for tail in ("", "_corrected")]
    ends = [0.0]
    for label in numbers.labels:
        for name in names:
            s = numbers.score(label, dataset, ALL, name)
            ends += [s.mean, s.low, s.high] if s else []
    low, high = span_of(ends, 0.04)
    style = styles(numbers)
    panels = []
    for channel, title in CHANNELS.items():
        before, after = f"colour_shift_{channel}", f"colour_shift_{channel}_corrected"
        if not numbers.has(before):
            continue
        dots = [
            Dot(
                m.label,
                style[m.label],
                numbers.score(m.label, dataset, ALL, before),
                numbers.score(m.label, dataset, ALL, after),
            )
            for m in ranked(numbers)
        ]
        alt = f"Signed {title} shift on {numbers.titles[dataset]}, 8-bit levels: " + "; ".join(
            f"{d.label} {spoken(d.score, 1)}" + (f", corrected {spoken(d.second, 1)}" if d.second else "") for d in dots
        )
        panels.append(dot_panel(f"{title} [levels]", dots, low, high, alt=alt, digits=1, zero=0.0))
    return panels


def shift_table(numbers: Numbers, dataset: str) -> Table | None:
    """The same numbers, with ΔE00 and the share of the error that one constant offset explains."""
    of_colour = [name for name, m in numbers.measures.items() if m.group == "colour" and numbers.has(name)]
    names = sorted(of_colour, key=lambda name: bool(numbers.measures[name].channel))
    if not names:
        return None
    columns = []
    for name in names:
        m = numbers.measures[name]
        title = f"{m.channel}, corrected" if m.channel and m.corrects else m.channel or m.heading
        columns.append(Column(name, title + (f" [{m.unit}]" if m.unit else ""), m.arrow, m.summary))
    rows = [
        Row(
            m.label,
            [score_cell(numbers.score(m.label, dataset, ALL, n), numbers.measures[n]) for n in names],
        )
        for m in ranked(numbers)
    ]
    return Table(f"colour-{slug(dataset)}", f"Colour shift in the hole on {numbers.titles[dataset]}", columns, rows)


def floor_of(label: str, counts: np.ndarray) -> Floor | None:
    """The floor of a method from its counts (truth level, fill level), (256, 256); None where it has none.

    A floor: hardly any fill (under 0.5 % of the pixels) is darker, the fills pile up right above it, and much
    of the truth is darker. A blurred or a noisy method has a darkest fill too, but no pile.
    """
    total = counts.sum()
    if not total:
        return None
    fill, truth = counts.sum(0).cumsum() / total, counts.sum(1).cumsum() / total
    darkest = int(np.searchsorted(fill, 0.005))
    share = float(truth[darkest - 1]) if darkest else 0.0
    piled = float(fill[min(darkest + STEP, 255)]) >= PILE
    return Floor(label, darkest / 255, share) if piled and share >= DARKER_SHARE else None


def luminance_panels(numbers: Numbers, counts: dict[str, np.ndarray]) -> tuple[list[Markup], list[Floor]]:
    """A density of fill against truth luma for every method, and the networks that have a floor."""
    style = styles(numbers)
    panels, floors = [], []
    edges = np.linspace(0, 256, BINS + 1).astype(int)[:-1]
    for member in ranked(numbers):
        if member.label not in counts:
            continue
        fine = counts[member.label]
        floor = floor_of(member.label, fine) if member.kind != "reference" else None
        if floor:
            floors.append(floor)
        coarse = np.add.reduceat(np.add.reduceat(fine, edges, 0), edges, 1)
        alt = f"Fill against truth luma of {member.label}: " + (
            f"nothing is painted darker than {floor.luma:.2f}, while {floor.share:.0%} of the truth is darker"
            if floor
            else f"correlation {correlation(fine):.2f}"
        )
        panels.append(
            density_panel(
                member.label,
                style[member.label],
                coarse,
                alt=alt,
                floor=floor.luma if floor else None,
                notes=f"floor {typeset(floor.luma, 2)}" if floor else "",
            )
        )
    return panels, floors


def correlation(counts: np.ndarray) -> float:
    """Pearson's r of a 256 x 256 table of counts, true level by painted level; 0 where one of them is constant."""
    level = np.arange(256)
    total = counts.sum() or 1
    x, y = (counts.sum(1) * level).sum() / total, (counts.sum(0) * level).sum() / total
    xy = (counts * np.outer(level - x, level - y)).sum()
    spread = math.sqrt((counts.sum(1) * (level - x) ** 2).sum() * (counts.sum(0) * (level - y) ** 2).sum())
    return float(xy / spread) if spread else 0.0
