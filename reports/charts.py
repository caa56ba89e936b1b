"""Small charts, many of a kind beside each other: means, lines, densities, scatters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from bench.exporters.rounding import typeset
from reports.numbers import Score
from reports.plane import Axis, Plane, log_span, short, span_of, svg


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
    top, row = 26, 19
    bottom = top + row * len(dots)
    # Upright, a row is one unit high.
    across, down = Axis(low, high, count=3), Axis(0, len(dots), at=(), turned=True)
    plane = Plane(330, bottom + 22, across, down, margins=(124, 50, top, 22))
    plane.text(0, 13, title, "title")
    plane.axes()
    if zero is not None and low < zero < high:
        plane.parts.append(f'<path class="zero" d="M{plane.px(zero):.1f} {top}V{bottom}"/>')
    for k, dot in enumerate(dots):
        middle = k + 0.5
        beside = plane.py(middle) + 4
        plane.text(0, beside, short(dot.label), "name")
        for score, style, shift in ((dot.score, dot.style, 0.0), (dot.second, f"hollow {dot.style}", 4.5)):
            if score is None or not math.isfinite(score.mean):
                continue
            at = middle + (shift - (2.5 if dot.second is not None else 0)) / row
            if math.isfinite(score.low):
                ends = f"M{plane.px(score.low):.1f} {plane.py(at):.1f}H{plane.px(score.high):.1f}"
                plane.parts.append(f'<path class="whisker {dot.style}" d="{ends}"/>')
            plane.dot(score.mean, at, style, 3.6)
        if dot.score is not None and math.isfinite(dot.score.mean):
            plane.text(plane.width, beside, typeset(dot.score.mean, digits), "value", "end")
        else:
            plane.text(plane.width, beside, "–", "tick", "end")
    return plane.markup(alt)


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
    side, margins = 280, (44, 10, 26, 36)
    low, high = span_of([*x.tolist(), *y.tolist()], 0.04)
    both = Axis(low, high)
    plane = Plane(margins[0] + side + margins[1], margins[2] + side + margins[3], both, both, margins)
    left, right, top, bottom = plane.box
    plane.text(0, 13, title, "title")
    plane.axes()
    plane.parts.append(f'<path class="zero" d="M{left} {bottom}L{right} {top}"/>')
    for which, style in ((~good, "worse"), (good, "better")):
        pairs = zip(x[which], y[which], strict=True)
        path = "".join(f"M{plane.px(a):.1f} {plane.py(b):.1f}h0" for a, b in pairs)
        if path:
            plane.parts.append(f'<path class="points {style}" d="{path}"/>')
    across, up = (short(label, 30) for label in labels)
    plane.text(right, plane.height - 4, f"{across} →", "tick", "end")
    plane.text(left + 6, top + 12, f"↑ {up}", "tick")
    return plane.markup(alt)
