"""The figures with axes: quality against speed, training, throughput over batch size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from bench.metrics.declaration import Metric
from bench.statistics.scores import ALL
from reports.breakdown import spoken
from reports.charts import Line, line_panel
from reports.method_colours import hue, styles
from reports.numbers import Numbers, Score
from reports.plane import Axis, Box, Name, Plane, along, log_span, name_ends, name_points, short, span_of
from reports.scoreboard import grouped, millions, ranked

WIDE, NARROW = (620, 420), (350, 400)


@dataclass(frozen=True)
class Point:
    """A method in the plane of speed and quality."""

    label: str
    style: str
    speed: float
    quality: Score
    parameters: float
    reference: bool

    @property
    def interval(self) -> tuple[float, float]:
        """Of the mean; a distance has none."""
        known = math.isnan(self.quality.distance)
        return (self.quality.low, self.quality.high) if known else (math.nan, math.nan)

    def good(self, measure: Metric) -> float:
        """What methods are put in order by, higher is better."""
        off = self.quality.distance
        return float(measure.goodness(self.quality.mean)) if math.isnan(off) else -off


def points(numbers: Numbers, dataset: str, metric: str) -> list[Point]:
    """The methods that have both a speed and a score of this metric."""
    speeds, style = numbers.speeds, styles(numbers)
    found = []
    for member in ranked(numbers):
        score = numbers.score(member.label, dataset, ALL, metric)
        if score and member.variant in speeds:
            found.append(
                Point(
                    member.label,
                    style[member.label],
                    speeds[member.variant][0],
                    score,
                    float(member.entry.parameters),
                    member.kind == "reference",
                )
            )
    return found


def front(found: Sequence[Point], measure: Metric) -> list[Point]:
    """The Pareto front: no other method is at least as fast and as good, and one of both more; by speed."""
    good = {point: point.good(measure) for point in found}
    kept: list[Point] = []
    for point in sorted(found, key=lambda p: (-p.speed, -good[p])):
        if not kept or good[point] > good[kept[-1]]:
            kept.append(point)
    return kept[::-1]


def quality_speed(numbers: Numbers, dataset: str, metric: str) -> Markup | None:
    """Quality against speed, better upwards and to the right; a wide and a narrow drawing of it."""
    found = points(numbers, dataset, metric)
    if len(found) < 2:
        return None
    measure = numbers.measures[metric]
    best = front(found, measure)
    alt = (
        f"{measure.heading} against speed on {numbers.titles[dataset]}. "
        f"Pareto front: {', '.join(p.label for p in best)}. "
        + "; ".join(f"{p.label} {grouped(p.speed)} images/s, {spoken(p.quality, measure.digits)}" for p in found)
    )
    return Markup("").join(
        _draw_quality_speed(found, best, measure, size, alt, css) for size, css in ((WIDE, "wide"), (NARROW, "narrow"))
    )


def speed_label(css: str) -> str:
    """What the axis of speeds is called; a narrow drawing has no room for more."""
    return "images per second, best batch size" + (", faster to the right" if css == "wide" else "")


def _draw_quality_speed(
    found: list[Point], best: list[Point], measure: Metric, size: tuple[int, int], alt: str, css: str
) -> Markup:
    ends = [v for p in found for v in (p.quality.shown, *p.interval)]
    unit = f" [{measure.unit}]" if measure.unit else ""
    what = f"{measure.heading}, distance from {measure.target:g}" if measure.direction == "nearest" else measure.heading
    low, high = log_span([p.speed for p in found], 0.08)
    # Room for the names beside the fastest.
    high *= (high / low) ** (0.12 if css == "wide" else 0.3)
    plane = Plane(
        *size,
        Axis(low, high, label=speed_label(css), log=True),
        Axis(
            *span_of(ends, 0.1),
            label=f"{what}{unit}, better upwards",
            turned=measure.direction != "higher",
        ),
    )
    plane.axes()
    plane.names()
    if len(best) > 1:
        plane.line([p.speed for p in best], [p.quality.shown for p in best], "front", dashed=True)
    most = max((p.parameters for p in found), default=0) or 1
    taken: list[Box] = along([(plane.px(p.speed), plane.py(p.quality.shown)) for p in best])
    names = []
    for point in found:
        radius, (low, high) = dot_radius(point, most), point.interval
        x, y = plane.px(point.speed), plane.py(point.quality.shown)
        taken.append((x - radius, x + radius, y - radius, y + radius))
        if not math.isnan(low):
            plane.whisker(point.speed, low, high, point.style)
            tops = sorted(plane.py(v) for v in (low, high))
            taken.append((x - 1, x + 1, tops[0], tops[1]))
        plane.dot(point.speed, point.quality.shown, point.style, radius, square=point.reference)
        names.append(Name(short(point.label), point.style + " bold" * (point in best), x, y, radius))
    name_points(plane, names, taken)
    return plane.markup(alt, f"plot {css}")


def dot_radius(point: Point, most: float) -> float:
    """In pixels: references are all alike, the area of networks grows with their parameters."""
    return 3.8 if point.reference else math.sqrt((40 + 260 * point.parameters / most) / math.pi)


def size_key(numbers: Numbers) -> str:
    """What the sizes of the dots mean, in words."""
    counts = [float(m.entry.parameters) for m in numbers.members]
    most = max(counts, default=0)
    return f"The area of a dot grows with the parameters, the largest has {millions(most)}" if most else ""


# -- training ------------------------------------------------------------------------------------------


def training(numbers: Numbers) -> tuple[Markup | None, list[Markup]]:
    """Validation quality of all networks together, and a panel of losses for each."""
    style = styles(numbers)
    histories = []
    for member in trained(numbers):
        style.setdefault(member.label, hue(len(style)))
        history = numbers.run.history(member.variant, member.seed)
        if history is not None and len(history) and "step" in history:
            histories.append((member, history))
    panels = []
    validation = []
    for member, history in histories:
        name = next((c for c in history.columns if c.startswith("validation")), None)
        if name and history[name].notna().any():
            kept = history[history[name].notna()]
            validation.append((member.label, style[member.label], kept["step"].to_numpy(), kept[name].to_numpy()))
        losses = [
            c
            for c in history.columns
            if c not in ("step", "epoch", "seconds", "images_per_s", "lr") and not c.startswith("validation")
        ]
        lines, said = [], []
        for k, column in enumerate(losses):
            values = smooth(history[column].to_numpy(float))
            if np.isfinite(values).any():
                thin = slice(None, None, max(1, len(values) // 120))
                lines.append(Line(hue(k), history["step"].to_numpy()[thin], np.maximum(values, 1e-6)[thin]))
                last = values[np.isfinite(values)][-1]
                said.append((column, hue(k), float(last)))
        if lines:
            alt = f"Training losses of {member.label}: " + ", ".join(f"{c} ends at {v:.3g}" for c, _, v in said)
            chart = line_panel(member.label, lines, alt=alt, log_y=True, x_label="step", size=(270, 170))
            key = Markup("").join(
                Markup('<span class="key {}">{} {}</span>').format(s, c, f"{v:.3g}") for c, s, v in said
            )
            panels.append(Markup('<div class="panel">{}<p class="keys">{}</p></div>').format(chart, key))
    return (_draw_validation(validation) if validation else None), panels


def trained(numbers: Numbers) -> list[Any]:
    """Methods with a training history: those with records, then those still to be scored."""
    from bench.runs.manifest import VariantEntry
    from reports.numbers import Member

    known = {(m.variant, m.seed) for m in numbers.members}
    found = list(numbers.members)
    for file in sorted((numbers.run.path / "checkpoints").glob("*/seed-*/history.csv")):
        pair = (file.parent.parent.name, int(file.parent.name.removeprefix("seed-")))
        if pair not in known:
            found.append(Member(*pair, pair[0] if pair[1] == 0 else f"{pair[0]}@{pair[1]}", VariantEntry(*pair)))
    return found


def smooth(values: np.ndarray, window: int = 9) -> np.ndarray:
    """A centred running mean, so that the course shows through the noise."""
    if len(values) < 3 * window or not np.isfinite(values).all():
        return values
    padded = np.pad(values, window // 2, mode="edge")
    return np.convolve(padded, np.ones(window) / window, mode="valid")


def _draw_validation(curves: list[tuple[str, str, np.ndarray, np.ndarray]]) -> Markup:
    alt = "Hole PSNR on validation pictures over training: " + "; ".join(
        f"{label} ends at {y[-1]:.2f} dB after {int(x[-1])} steps" for label, _, x, y in curves
    )
    right = max(float(x[-1]) for _, _, x, _ in curves)
    values = span_of([float(v) for _, _, _, y in curves for v in y], 0.08)
    drawings = []
    for size, css in ((WIDE, "wide"), (NARROW, "narrow")):
        # Room for the names to the right of the last value.
        plane = Plane(
            size[0],
            330,
            Axis(0, right * (1.25 if css == "wide" else 1.8), label="step"),
            Axis(*values, label="validation hole PSNR [dB]"),
        )
        plane.axes()
        plane.names()
        for _, style, x, y in curves:
            plane.line(x.tolist(), y.tolist(), style)
        name_ends(plane, [(float(x[-1]), float(y[-1]), label, style) for label, style, x, y in curves])
        drawings.append(plane.markup(alt, f"plot {css}"))
    return Markup("").join(drawings)
