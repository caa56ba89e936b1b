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
from reports import svg
from reports.breakdown import spoken, styles
from reports.charts import Line, line_panel, short
from reports.numbers import Numbers, Score
from reports.scoreboard import grouped, millions, ranked, slug

WIDE, NARROW = (620, 420), (350, 400)
MARKERS = "oDs^vP*X"


@dataclass(frozen=True)
class Point:
    """A method in the plane of speed and quality."""

    label: str
    style: str
    speed: float
    quality: Score
    parameters: float
    reference: bool


def points(numbers: Numbers, dataset: str, metric: str) -> list[Point]:
    speeds, style = numbers.speeds, styles(numbers)
    found = []
    for member in ranked(numbers):
        score = numbers.score(member.label, dataset, ALL, metric)
        if score and member.variant in speeds:
            found.append(
                Point(
                    member.label,
                    style[member.label],
                    speeds[member.variant],
                    score,
                    float(member.entry.parameters),
                    member.kind == "reference",
                )
            )
    return found


def front(found: Sequence[Point], measure: Metric) -> list[Point]:
    """The Pareto front: no other method is at least as fast and as good, and one of both more; by speed."""
    kept: list[Point] = []
    for point in sorted(found, key=lambda p: (-p.speed, -float(measure.goodness(p.quality.mean)))):
        if not kept or measure.goodness(point.quality.mean) > measure.goodness(kept[-1].quality.mean):
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
        draw_quality_speed(found, best, measure, size, f"qs-{slug(dataset)}-{metric}-{css}", alt, css)
        for size, css in ((WIDE, "wide"), (NARROW, "narrow"))
    )


def draw_quality_speed(
    found: list[Point], best: list[Point], measure: Metric, size: tuple[int, int], key: str, alt: str, css: str
) -> Markup:
    fig, axes = svg.figure(*size)
    most = max((p.parameters for p in found), default=0) or 1
    axes.set_xscale("log")
    if len(best) > 1:
        x, y = [p.speed for p in best], [p.quality.mean for p in best]
        axes.plot(x, y, color=svg.SOFT, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
    for k, point in enumerate(found):
        colour = svg.colour_of(point.style)
        if not math.isnan(point.quality.low):
            axes.vlines(point.speed, point.quality.low, point.quality.high, color=colour, linewidth=1.4, zorder=2)
        axes.scatter(
            point.speed,
            point.quality.mean,
            s=dot_area(point, most),
            marker="s" if point.reference else "o",
            color=colour,
            edgecolor=svg.PAPER,
            linewidth=1.2,
            zorder=3 + k,
        )
    if measure.direction == "lower":
        axes.invert_yaxis()
    unit = f" [{measure.unit}]" if measure.unit else ""
    axes.set_ylabel(f"{measure.heading}{unit}, better upwards")
    axes.set_xlabel("images per second, faster to the right")
    axes.margins(x=0.12, y=0.1)
    axes.minorticks_off()
    decades(axes, [p.speed for p in found])
    place_labels(axes, found, {p.label for p in best}, most)
    return svg.inline(fig, key, alt, css)


def decades(axes: Any, speeds: list[float]) -> None:
    """Ticks at 1, 10, 100 … and, within two decades, at 2 and 5 of each, written out."""
    low, high = math.floor(math.log10(min(speeds))), math.ceil(math.log10(max(speeds)))
    factors = (1,) if high - low > 2 else (1, 2, 5)
    at = [f * 10.0**k for k in range(low, high + 1) for f in factors]
    limits = axes.get_xlim()
    at = [t for t in at if limits[0] <= t <= limits[1]]
    axes.set_xticks(at, [f"{t:,.6g}".replace(",", "\u202f") for t in at])


def dot_area(point: Point, most: float) -> float:
    """Square points of a dot: references are all alike, networks grow with their parameters."""
    return 46.0 if point.reference else 40 + 260 * point.parameters / most


def place_labels(axes: Any, found: list[Point], best: set[str], most: float) -> None:
    """Write every name beside its point, moved where names, dots or whiskers would be in the way."""
    box = axes.get_window_extent()
    to_pixels, to_data = axes.transData.transform, axes.transData.inverted().transform
    line = 13.5
    taken: list[Box] = []
    spots = []
    for point in found:
        x, y = to_pixels((point.speed, point.quality.mean))
        radius = math.sqrt(dot_area(point, most) / math.pi)
        taken.append((x - radius, x + radius, y - radius, y + radius))
        if not math.isnan(point.quality.low):
            ends = sorted(to_pixels((point.speed, v))[1] for v in (point.quality.low, point.quality.high))
            taken.append((x - 1, x + 1, ends[0], ends[1]))
        spots.append((y, x, radius, point))
    names: list[Box] = []
    for y, x, radius, point in sorted(spots, key=lambda s: s[0]):
        width = 6.7 * len(short(point.label))
        right = x < box.x0 + box.width * 0.62
        choices = []
        for side in (right, not right):
            for step in (0, 0.5, -0.5, 1, -1, 1.5, -1.5, 2, -2, 2.6, -2.6, 3.2, -3.2, 4, -4):
                away = radius + 5 + (4 if abs(step) >= 1 else 0)
                left = x + away if side else x - away - width
                at = y + step * line
                place = (left, left + width, at - line / 2, at + line / 2)
                bad = 30.0 * sum(overlap(place, other) for other in names)
                bad += 9.0 * sum(overlap(place, other) for other in taken)
                bad += 60.0 * (place[0] < box.x0 + 2 or place[1] > box.x1 + 8 or not box.y0 < at < box.y1)
                choices.append((bad + abs(step) * 2.5 + 1.5 * (side != right), side, away, at, place))
        _, side, away, at, place = min(choices, key=lambda c: c[0])
        names.append(place)
        colour = svg.SOFT if point.reference else svg.colour_of(point.style)
        if abs(at - y) > 0.8 * line:
            ends = to_data([(x, y + math.copysign(radius, at - y)), (x + (away - 2 if side else 2 - away), at)])
            axes.plot(ends[:, 0], ends[:, 1], color=colour, linewidth=0.8, zorder=2)
        spot = to_data((x + (away if side else -away), at))
        axes.text(
            *spot,
            short(point.label),
            ha="left" if side else "right",
            va="center",
            fontsize=11,
            fontweight="bold" if point.label in best else "normal",
            color=colour,
        )


Box = tuple[float, float, float, float]
"""left, right, bottom, top in pixels."""


def overlap(a: Box, b: Box) -> bool:
    return a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]


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
        style.setdefault(member.label, f"k{len(style) % 8}")
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
                lines.append(Line(f"k{k % 8}", history["step"].to_numpy()[thin], np.maximum(values, 1e-6)[thin]))
                last = values[np.isfinite(values)][-1]
                said.append((column, f"k{k % 8}", float(last)))
        if lines:
            alt = f"Training losses of {member.label}: " + ", ".join(f"{c} ends at {v:.3g}" for c, _, v in said)
            chart = line_panel(member.label, lines, alt=alt, log_y=True, x_label="step", size=(270, 170))
            key = Markup("").join(
                Markup('<span class="key {}">{} {}</span>').format(s, c, f"{v:.3g}") for c, s, v in said
            )
            panels.append(Markup('<div class="panel">{}<p class="keys">{}</p></div>').format(chart, key))
    return (draw_validation(validation) if validation else None), panels


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


def draw_validation(curves: list[tuple[str, str, np.ndarray, np.ndarray]]) -> Markup:
    alt = "Hole PSNR on validation pictures over training: " + "; ".join(
        f"{label} ends at {y[-1]:.2f} dB after {int(x[-1])} steps" for label, _, x, y in curves
    )
    drawings = []
    for size, css in ((WIDE, "wide"), (NARROW, "narrow")):
        fig, axes = svg.figure(size[0], 330)
        ends = []
        for label, style, x, y in curves:
            axes.plot(x, y, color=svg.colour_of(style), linewidth=1.8)
            ends.append((float(y[-1]), float(x[-1]), label, style))
        axes.set_xlabel("step")
        axes.set_ylabel("validation hole PSNR [dB]")
        right = max(float(x[-1]) for _, _, x, _ in curves)
        axes.set_xlim(0, right * (1.25 if css == "wide" else 1.8))
        axes.margins(y=0.08)
        axes.autoscale_view()
        label_ends(axes, ends)
        drawings.append(svg.inline(fig, f"val-{css}", alt, css))
    return Markup("").join(drawings)


def label_ends(axes: Any, ends: list[tuple[float, float, str, str]]) -> None:
    """Names at the ends of lines, pushed apart where they would meet."""
    line = 13.0
    spots = [[*axes.transData.transform((x, y))[::-1], label, style] for y, x, label, style in sorted(ends)]
    for k in range(1, len(spots)):
        spots[k][0] = max(spots[k][0], spots[k - 1][0] + line)
    over = spots[-1][0] - axes.get_window_extent().y1 if spots else 0
    for k in range(len(spots) - 1, -1, -1):
        if over > 0:
            limit = axes.get_window_extent().y1 if k == len(spots) - 1 else spots[k + 1][0] - line
            spots[k][0] = min(spots[k][0], limit)
    for y, x, label, style in spots:
        place = axes.transData.inverted().transform((x + 6, y))
        colour = svg.colour_of(style) if style.startswith("k") else svg.SOFT
        axes.text(*place, short(label, 24), va="center", fontsize=11, color=colour, fontweight="bold")
