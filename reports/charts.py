"""Small charts, many of a kind beside each other: means, lines, densities, scatters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from reports.numbers import Score, fixed
from reports.plane import Axis, Plane, label_of, log_span, short, span_of, svg, ticks


@dataclass(frozen=True)
class Dot:
    """A row of a dot panel: a mean with its interval, and a second, hollow one where there is one."""

    label: str
    style: str
    score: Score | None
    second: Score | None = None


@dataclass(frozen=True)
class Line:
    """A line of a line panel. low, high: the band around it."""

    style: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    dashed: bool = False


def dot_panel(
    title: str, dots: Sequence[Dot], low: float, high: float, *, alt: str, digits: int = 2, zero: float | None = None
) -> Markup:
    """Rows of means with intervals on one scale; the mean is printed at the right."""
    left, right, width, row, top = 124, 50, 330, 19, 26
    plot = width - left - right
    height = top + row * len(dots) + 22

    def x(value: float) -> float:
        return left + plot * (min(max(value, low), high) - low) / (high - low)

    out = [f'<text class="title" x="0" y="13">{escape(title)}</text>']
    bottom = top + row * len(dots)
    for tick in ticks(low, high, 3):
        out.append(f'<path class="tickline" d="M{x(tick):.1f} {top}V{bottom}"/>')
        out.append(
            f'<text class="tick" x="{x(tick):.1f}" y="{bottom + 14}" text-anchor="middle">{label_of(tick)}</text>'
        )
    if zero is not None and low < zero < high:
        out.append(f'<path class="zero" d="M{x(zero):.1f} {top}V{bottom}"/>')
    for k, dot in enumerate(dots):
        y = top + row * k + row / 2
        out.append(f'<text class="name" x="0" y="{y + 4:.1f}">{escape(short(dot.label))}</text>')
        for score, kind, shift in ((dot.score, "dot", 0.0), (dot.second, "dot hollow", 4.5)):
            if score is None or not math.isfinite(score.mean):
                continue
            at = y + shift - (2.5 if dot.second is not None else 0)
            if math.isfinite(score.low):
                out.append(f'<path class="whisker {dot.style}" d="M{x(score.low):.1f} {at:.1f}H{x(score.high):.1f}"/>')
            out.append(f'<circle class="{kind} {dot.style}" cx="{x(score.mean):.1f}" cy="{at:.1f}" r="3.6"/>')
        if dot.score is not None and math.isfinite(dot.score.mean):
            text = fixed(dot.score.mean, digits)
            out.append(f'<text class="value" x="{width}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
        else:
            out.append(f'<text class="tick" x="{width}" y="{y + 4:.1f}" text-anchor="end">–</text>')
    return svg(width, height, out, alt)


def line_panel(
    title: str,
    lines: Sequence[Line],
    *,
    alt: str,
    x: tuple[float, float] | None = None,
    y: tuple[float, float] | None = None,
    x_label: str = "",
    log_y: bool = False,
    x_percent: bool = False,
    size: tuple[int, int] = (250, 160),
) -> Markup:
    """Lines with bands on linear axes (``log_y``: decades on the vertical one)."""
    width, height = size
    xs = x or span_of([v for line in lines for v in line.x], 0.0)
    if xs[1] <= xs[0]:
        xs = (xs[0] - 0.5, xs[0] + 0.5)
    shown = [v for line in lines for v in (*line.y, *(line.low or ()), *(line.high or ()))]
    ys = y or (log_span(shown, 0.06) if log_y else span_of(shown))
    plane = Plane(
        width,
        height,
        Axis(*xs, percent=x_percent, count=3),
        Axis(*ys, log=log_y, count=3),
        margins=(38, 8, 24, 30),
    )
    plane.text(0, 13, short(title, 34), "title")
    plane.axes(upright=False)
    if x_label:
        plane.text(width - 8, height - 3, x_label, "tick", "end")
    for line in lines:
        if line.low is not None and line.high is not None:
            plane.band(line.x, line.low, line.high, line.style)
        plane.line(line.x, line.y, line.style, line.dashed)
        good = [(a, b) for a, b in zip(line.x, line.y, strict=True) if math.isfinite(b)]
        if len(good) <= 8 and line.style != "faint":
            for a, b in good:
                plane.dot(a, b, line.style)
    return plane.markup(alt)


def density_panel(
    title: str, style: str, counts: np.ndarray, *, alt: str, floor: float | None, notes: str = ""
) -> Markup:
    """Fill against truth luminance: counts (truth bins, fill bins), both from 0 to 1; darker is more."""
    side, left, top, bins = 150, 26, 24, counts.shape[0]
    step = side / bins
    width, height = left + side + 8, top + side + 30
    out = [f'<text class="title" x="0" y="13">{escape(short(title, 24))}</text>']
    out.append(f'<rect class="frame" x="{left}" y="{top}" width="{side}" height="{side}"/>')
    peak = np.log1p(counts.max() or 1)
    level = np.ceil(np.log1p(counts) / peak * 5).astype(int)
    for shade in range(1, 6):
        cells = [
            f"M{left + step * i:.1f} {top + side - step * (j + 1):.1f}h{step:.2f}v{step:.2f}h-{step:.2f}z"
            for i, j in zip(*np.nonzero(level == shade), strict=True)
        ]
        if cells:
            out.append(
                f'<path class="fill {style}" fill-opacity="{0.12 + 0.176 * (shade - 1):.2f}" d="{"".join(cells)}"/>'
            )
    out.append(f'<path class="zero" stroke-dasharray="3 3" d="M{left} {top + side}L{left + side} {top}"/>')
    if floor is not None:
        at = top + side * (1 - floor)
        out.append(f'<path class="alarm" d="M{left} {at:.1f}H{left + side}"/>')
        out.append(
            f'<text class="alarmtext" x="{left + side - 3}" y="{at + 12:.1f}" text-anchor="end">{escape(notes)}</text>'
        )
    bottom = top + side
    for value in (0, 0.5, 1):
        out.append(
            f'<text class="tick" x="{left + side * value:.0f}" y="{bottom + 13}" text-anchor="middle">{value:g}</text>'
        )
        out.append(
            f'<text class="tick" x="{left - 4}" y="{bottom - side * value + 4:.0f}" text-anchor="end">{value:g}</text>'
        )
    out.append(f'<text class="tick" x="{left + side}" y="{height - 3}" text-anchor="end">truth →, fill ↑</text>')
    return svg(width, height, out, alt)


def scatter_panel(
    title: str, x: np.ndarray, y: np.ndarray, good: np.ndarray, *, alt: str, labels: tuple[str, str]
) -> Markup:
    """Points of (reference, candidate) on one scale for both axes; ``good`` ones in the colour of better."""
    side, left, top = 280, 44, 26
    width, height = left + side + 10, top + side + 36
    low, high = span_of([*x.tolist(), *y.tolist()], 0.04)

    def place(value: float) -> float:
        return (value - low) / (high - low) * side

    out = [f'<text class="title" x="0" y="13">{escape(title)}</text>']
    for tick in ticks(low, high, 4):
        h, v = left + place(tick), top + side - place(tick)
        out.append(f'<path class="tickline" d="M{h:.1f} {top}V{top + side}M{left} {v:.1f}H{left + side}"/>')
        out.append(f'<text class="tick" x="{h:.1f}" y="{top + side + 14}" text-anchor="middle">{label_of(tick)}</text>')
        out.append(f'<text class="tick" x="{left - 5}" y="{v + 4:.1f}" text-anchor="end">{label_of(tick)}</text>')
    out.append(f'<path class="zero" d="M{left} {top + side}L{left + side} {top}"/>')
    for which, style in ((~good, "worse"), (good, "better")):
        path = "".join(
            f"M{left + place(a):.1f} {top + side - place(b):.1f}h0" for a, b in zip(x[which], y[which], strict=True)
        )
        if path:
            out.append(f'<path class="points {style}" d="{path}"/>')
    across, up = (escape(short(label, 30)) for label in labels)
    out.append(f'<text class="tick" x="{left + side}" y="{height - 4}" text-anchor="end">{across} →</text>')
    out.append(f'<text class="tick" x="{left + 6}" y="{top + 12}">↑ {up}</text>')
    return svg(width, height, out, alt)
