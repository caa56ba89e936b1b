"""Who won, by how much and how sure that is; the tables of all methods."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reports.numbers import Measure, Numbers, Score, interval
from reports.tables import Cell, Column, Row, Table

MAIN = (
    "psnr_hole",
    "lpips",
    "lpips_student",
    "ssim_hole",
    "l1_hole",
    "colour_shift",
    "sharpness",
    "seam",
    "psnr",
    "ssim",
)
GROUPS = {"network": "Networks", "external": "Models from outside", "reference": "References, no training"}


@dataclass(frozen=True)
class Lead:
    """The best method of a data set by a metric, and what cannot be told apart from it."""

    dataset: str
    measure: Measure
    best: str
    score: Score
    tied: tuple[str, ...]
    second: str | None
    ahead: Score | None


def main_metrics(numbers: Numbers) -> list[str]:
    return [name for name in MAIN if name in numbers.measures and numbers.has(name)]


def lead(numbers: Numbers, dataset: str, metric: str) -> Lead | None:
    """The winner by the mean over all mask types; ties are judged on paired differences."""
    measure = numbers.measures[metric]
    scored = [
        (float(measure.goodness(score.mean)), label, score)
        for label in numbers.labels
        if (score := numbers.score(label, dataset, "all", metric))
    ]
    if not scored:
        return None
    scored.sort(key=lambda item: -item[0])
    _, best, score = scored[0]
    tied, ahead, second = [], None, None
    for _, other, _ in scored[1:]:
        gap = interval(
            measure.goodness(numbers.pooled(best, dataset, metric))
            - measure.goodness(numbers.pooled(other, dataset, metric))
        )
        if second is None:
            second, ahead = other, gap
        if math.isnan(gap.low) or gap.low <= 0:
            tied.append(other)
    return Lead(dataset, measure, best, score, tuple(tied), second, ahead)


def sentence(found: Lead, several: bool) -> str:
    """One clause: who leads, by how much, how sure."""
    unit = f" {found.measure.unit}" if found.measure.unit else ""
    digits = found.measure.digits
    where = f"On {found.dataset}, " if several else ""
    value = f"{found.score.mean:.{digits}f}{unit} {found.measure.title}"
    if found.second is None or found.ahead is None:
        return f"{where}{found.best} stands alone with {value}"
    if found.tied:
        others = ", ".join(found.tied[:3]) + (
            f" and {len(found.tied) - 3} more" if len(found.tied) > 3 else ""
        )
        return f"{where}{found.best} has the best mean ({value}), but {others} cannot be told apart from it"
    gap = found.ahead
    return (
        f"{where}{found.best} wins with {value}, {gap.mean:.{digits}f}{unit} ahead of {found.second} "
        f"(95 % interval {gap.low:.{digits}f} to {gap.high:.{digits}f}, {gap.n} pictures)"
    )


def cell(score: Score | None, measure: Measure, mark: str = "", bar: float | None = None) -> Cell:
    if score is None:
        return Cell("–", None)
    digits = measure.digits
    known = not math.isnan(score.low)
    return Cell(
        text=f"{score.mean:.{digits}f}",
        value=score.mean,
        low=score.low if known else None,
        high=score.high if known else None,
        detail=f"{score.low:.{digits}f} to {score.high:.{digits}f}" if known else "",
        bar=bar,
        mark=mark,
    )


def overall(numbers: Numbers, dataset: str) -> Table:
    """All methods, all main metrics, pooled over the mask types of one data set."""
    columns, filled = [], {}
    speeds = speed(numbers)
    for metric in main_metrics(numbers):
        m = numbers.measures[metric]
        columns.append(Column(metric, m.title + (f" [{m.unit}]" if m.unit else ""), m.arrow, m.summary))
        found = lead(numbers, dataset, metric)
        scores = {n: numbers.score(n, dataset, "all", metric) for n in numbers.labels}
        means = [s.mean for s in scores.values() if s]
        for name, score in scores.items():
            mark = ""
            if found and name == found.best:
                mark = "best"
            elif found and name in found.tied:
                mark = "tied"
            filled[name, metric] = cell(score, m, mark, share(score, means))
    if speeds:
        columns.append(
            Column("images_per_s", "speed [img/s]", "↑", "pictures a second on the device at hand")
        )
        top = max(speeds.values())
        for name in numbers.labels:
            value = speeds.get(numbers.by_label[name].variant)
            filled[name, "images_per_s"] = (
                Cell(grouped(value), value, bar=value / top, mark="best" if value == top else "")
                if value
                else Cell("–")
            )
    columns.append(Column("parameters", "parameters", "", "trainable numbers of the network"))
    for name in numbers.labels:
        count = numbers.by_label[name].entry.get("parameters") or 0
        filled[name, "parameters"] = Cell(millions(count), float(count))
    rows = [
        Row(
            m.label,
            [filled[m.label, c.key] for c in columns],
            GROUPS.get(m.kind, m.kind),
            str(m.entry.get("summary") or ""),
        )
        for m in sorted(numbers.members, key=lambda m: list(GROUPS).index(m.kind) if m.kind in GROUPS else 9)
    ]
    return Table(f"methods-{dataset}", f"All methods on {dataset}, all mask types pooled", columns, rows)


def share(score: Score | None, means: list[float]) -> float | None:
    """Length of the bar in the cell: the mean's place between 0 (or the least) and the largest."""
    if score is None or not means:
        return None
    low, high = min(0.0, *means), max(means)
    return (score.mean - low) / (high - low) if high > low else 1.0


def speed(numbers: Numbers) -> dict[str, float]:
    """Best measured pictures per second of every variant."""
    frame = numbers.run.throughput()
    if frame is None or "images_per_s" not in frame:
        return {}
    return {str(k): float(v) for k, v in frame.groupby("variant")["images_per_s"].max().items() if v == v}


def grouped(value: float) -> str:
    return f"{value:,.0f}".replace(",", "\u202f") if value >= 100 else f"{value:.3g}"


def millions(count: float) -> str:
    if not count:
        return "–"
    return f"{count / 1e6:.2f} M" if count >= 1e5 else f"{count / 1e3:.0f} k"
