"""Small charts as inline SVG: text stays text, colours come from the page's style, both themes read well.

Every function returns markup whose text is escaped. Positions are in CSS pixels at scale 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from reports.numbers import Score, fixed


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


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers (steps of 1, 2, 5) inside [low, high]."""
    span = high - low
    if not (span > 0 and math.isfinite(span)):
        return [low] if math.isfinite(low) else []
    raw = span / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = power * next(f for f in (1, 2, 5, 10) if f * power >= raw * 0.8)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 10) + 0.0 for k in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Values at decades between 10**low and 10**high; within two decades also at 2 and 5 times."""
    factors = (1,) if high - low > 2.5 else (1, 3) if high - low > 1.5 else (1, 2, 5)
    found = [f * 10.0**k for k in range(math.floor(low), math.ceil(high) + 1) for f in factors]
    step = 2 if len(factors) == 1 and high - low > 5 else 1
    return [v for v in found if low <= math.log10(v) <= high][::step]


def span_of(values: Sequence[float], pad: float = 0.06) -> tuple[float, float]:
    """The range of the finite values with a margin; (0, 1) where there are none."""
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    margin = (high - low) * pad or abs(high) * 0.1 or 1.0
    return low - margin, high + margin


def label_of(value: float) -> str:
    return f"{value:,.6g}".replace(",", "\u202f").replace("-", "−")


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
    left, right, top, bottom = 38, 8, 24, height - 30

    def up(value: float) -> float:
        return math.log10(max(value, 1e-12)) if log_y else value

    xs = x or span_of([v for line in lines for v in line.x], 0.0)
    ys = y or span_of([up(v) for line in lines for v in (*line.y, *(line.low or ()), *(line.high or ()))])
    if xs[1] <= xs[0]:
        xs = (xs[0] - 0.5, xs[0] + 0.5)

    def px(value: float) -> float:
        return left + (width - left - right) * (value - xs[0]) / (xs[1] - xs[0])

    def py(value: float) -> float:
        return bottom - (bottom - top) * (min(max(up(value), ys[0]), ys[1]) - ys[0]) / (ys[1] - ys[0])

    out = [f'<text class="title" x="0" y="13">{escape(short(title, 34))}</text>']
    for tick in log_ticks(*ys) if log_y else ticks(*ys, 3):
        at = bottom - (bottom - top) * ((up(tick) if log_y else tick) - ys[0]) / (ys[1] - ys[0])
        text = label_of(tick)
        out.append(f'<path class="tickline" d="M{left} {at:.1f}H{width - right}"/>')
        out.append(f'<text class="tick" x="{left - 5}" y="{at + 4:.1f}" text-anchor="end">{text}</text>')
    for tick in ticks(*xs, 3):
        text = f"{tick * 100:g} %" if x_percent else label_of(tick)
        out.append(f'<text class="tick" x="{px(tick):.1f}" y="{bottom + 14}" text-anchor="middle">{text}</text>')
    if x_label:
        out.append(
            f'<text class="tick" x="{width - right}" y="{height - 3}" text-anchor="end">{escape(x_label)}</text>'
        )
    for line in lines:
        good = [k for k in range(len(line.x)) if math.isfinite(line.y[k])]
        if not good:
            continue
        if line.low is not None and line.high is not None:
            band = [k for k in good if math.isfinite(line.low[k]) and math.isfinite(line.high[k])]
            edge = [f"{px(line.x[k]):.1f} {py(line.high[k]):.1f}" for k in band]
            edge += [f"{px(line.x[k]):.1f} {py(line.low[k]):.1f}" for k in reversed(band)]
            if len(band) > 1:
                out.append(f'<path class="band {line.style}" d="M{"L".join(edge)}Z"/>')
        path = "L".join(f"{px(line.x[k]):.1f} {py(line.y[k]):.1f}" for k in good)
        dash = ' stroke-dasharray="4 3"' if line.dashed else ""
        out.append(f'<path class="line {line.style}" d="M{path}"{dash}/>')
        if len(good) <= 8 and "faint" not in line.style:
            out += [
                f'<circle class="dot {line.style}" cx="{px(line.x[k]):.1f}" cy="{py(line.y[k]):.1f}" r="2.4"/>'
                for k in good
            ]
    return svg(width, height, out, alt)


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


def svg(width: float, height: float, parts: Sequence[str], alt: str) -> Markup:
    return Markup(
        f'<svg class="chart" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img" '
        f'aria-label="{escape(alt)}">{"".join(parts)}</svg>'
    )


def short(text: str, limit: int = 19) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
