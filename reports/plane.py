"""A plane with two axes as inline SVG: text stays text, colours are classes of the page's style, so that both themes
read well. Every chart of the page stands on this.

What is drawn is escaped markup. Positions on the page are in CSS pixels at scale 1, downwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from markupsafe import Markup, escape

Box = tuple[float, float, float, float]
"""left, right, top, bottom in pixels."""


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


def span_of(values: Iterable[float], pad: float = 0.06) -> tuple[float, float]:
    """The range of the finite values with a margin; (0, 1) where there are none."""
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    margin = (high - low) * pad or abs(high) * 0.1 or 1.0
    return low - margin, high + margin


def log_span(values: Iterable[float], pad: float) -> tuple[float, float]:
    """The same on a logarithmic scale, of the values above 0; (1, 10) where there are none."""
    low, high = span_of([math.log10(v) for v in values if v > 0 and math.isfinite(v)], pad)
    return 10.0**low, 10.0**high


def label_of(value: float) -> str:
    """A number on an axis: up to six digits, thin spaces between thousands, a true minus."""
    return f"{value:,.6g}".replace(",", "\u202f").replace("-", "−")


def short(text: str, limit: int = 19) -> str:
    """A label cut to ``limit`` characters, an ellipsis included."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def svg(width: float, height: float, parts: Sequence[str], alt: str, css: str = "") -> Markup:
    """The ``<svg>`` element of these parts; ``alt`` is what a screen reader says of it."""
    return Markup(
        f'<svg class="{f"chart {css}".strip()}" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" aria-label="{escape(alt)}">{"".join(parts)}</svg>'
    )


@dataclass(frozen=True)
class Axis:
    """What is shown from ``low`` to ``high``. at: own ticks; turned: large values stand where small ones would."""

    low: float
    high: float
    label: str = ""
    log: bool = False
    at: Sequence[float] | None = None
    turned: bool = False
    percent: bool = False
    count: int = 4

    def place(self, value: float) -> float:
        """0 at the beginning, 1 at the end; what lies outside is put at its border."""
        low, high, value = (math.log10(max(v, 1e-12)) if self.log else v for v in (self.low, self.high, value))
        share = (min(max(value, low), high) - low) / (high - low) if high > low else 0.5
        return 1 - share if self.turned else share

    def ticks(self) -> list[tuple[float, str]]:
        """(value, as printed)."""
        found = self.at
        if found is None:
            found = log_ticks(math.log10(self.low), math.log10(self.high)) if self.log else []
            # A narrow logarithmic axis has no two of its own.
            found = found if len(found) > 1 else ticks(self.low, self.high, self.count)
        return [(v, f"{v * 100:g} %" if self.percent else label_of(v)) for v in found if self.low <= v <= self.high]


@dataclass
class Plane:
    """A drawing of so many pixels. margins: left, right, top, bottom, of what stands around the plane itself."""

    width: float
    height: float
    x: Axis
    y: Axis
    margins: tuple[float, float, float, float] = (58, 8, 8, 46)
    parts: list[str] = field(default_factory=list)

    @property
    def box(self) -> Box:
        """Left, right, top and bottom of the plotted area in pixels."""
        left, right, top, bottom = self.margins
        return left, self.width - right, top, self.height - bottom

    def px(self, value: float) -> float:
        """Pixel from the left of a value on the x axis."""
        left, right, _, _ = self.box
        return left + (right - left) * self.x.place(value)

    def py(self, value: float) -> float:
        """Pixel from the top of a value on the y axis."""
        _, _, top, bottom = self.box
        return bottom - (bottom - top) * self.y.place(value)

    def axes(self, upright: bool = True) -> None:
        """Ticks with their lines; upright: the horizontal axis has lines too."""
        left, right, top, bottom = self.box
        for value, words in self.y.ticks():
            at = self.py(value)
            self.parts.append(f'<path class="tickline" d="M{left:g} {at:.1f}H{right:g}"/>')
            self.text(left - 5, at + 4, words, "tick", "end")
        for value, words in self.x.ticks():
            at = self.px(value)
            if upright:
                self.parts.append(f'<path class="tickline" d="M{at:.1f} {top:g}V{bottom:g}"/>')
            self.text(at, bottom + 14, words, "tick", "middle")

    def names(self) -> None:
        """The axes' names, each along its axis."""
        left, right, top, bottom = self.box
        self.text((left + right) / 2, self.height - 8, self.x.label, "axis", "middle")
        across, middle = 13, (top + bottom) / 2
        self.parts.append(
            f'<text class="axis" transform="translate({across} {middle:.1f}) rotate(-90)" text-anchor="middle">'
            f"{escape(self.y.label)}</text>"
        )

    def text(self, x: float, y: float, words: str, css: str, anchor: str = "") -> None:
        """Write words at a point in pixels."""
        where = f' text-anchor="{anchor}"' if anchor else ""
        self.parts.append(f'<text class="{css}" x="{x:.1f}" y="{y:.1f}"{where}>{escape(words)}</text>')

    def line(self, x: Sequence[float], y: Sequence[float], css: str, dashed: bool = False) -> None:
        """Through the points that have a value."""
        there = [(a, b) for a, b in zip(x, y, strict=True) if math.isfinite(a) and math.isfinite(b)]
        if there:
            path = "L".join(f"{self.px(a):.1f} {self.py(b):.1f}" for a, b in there)
            dash = ' stroke-dasharray="4 3"' if dashed else ""
            self.parts.append(f'<path class="line {css}" d="M{path}"{dash}/>')

    def band(self, x: Sequence[float], low: Sequence[float], high: Sequence[float], css: str) -> None:
        """Shade from ``low`` to ``high`` along x; points with NaN are left out, and one alone is no band."""
        there = [p for p in zip(x, low, high, strict=True) if all(map(math.isfinite, p))]
        if len(there) > 1:
            edge = [f"{self.px(a):.1f} {self.py(h):.1f}" for a, _, h in there]
            edge += [f"{self.px(a):.1f} {self.py(b):.1f}" for a, b, _ in reversed(there)]
            self.parts.append(f'<path class="band {css}" d="M{"L".join(edge)}Z"/>')

    def whisker(self, x: float, low: float, high: float, css: str, aside: float = 0) -> None:
        """An upright interval; aside: pixels to the right, so that intervals do not hide each other."""
        if math.isfinite(low) and math.isfinite(high):
            at = self.px(x) + aside
            self.parts.append(f'<path class="whisker {css}" d="M{at:.1f} {self.py(low):.1f}V{self.py(high):.1f}"/>')

    def dot(self, x: float, y: float, css: str, radius: float = 2.4, square: bool = False) -> None:
        """Mark a point, as a square for references and else as a disc; ``radius`` is in pixels."""
        a, b = self.px(x), self.py(y)
        if square:
            self.parts.append(
                f'<rect class="dot {css}" x="{a - radius:.1f}" y="{b - radius:.1f}" '
                f'width="{2 * radius:.1f}" height="{2 * radius:.1f}"/>'
            )
        else:
            self.parts.append(f'<circle class="dot {css}" cx="{a:.1f}" cy="{b:.1f}" r="{radius:.1f}"/>')

    def markup(self, alt: str, css: str = "") -> Markup:
        """The finished figure as SVG."""
        return svg(self.width, self.height, self.parts, alt, css)


LINE = 13.0
"""Pixels from one name to the next."""


@dataclass(frozen=True)
class Name:
    """A name to be written beside a point of the page, ``radius`` pixels large."""

    words: str
    css: str
    x: float
    y: float
    radius: float = 0.0


def name_ends(plane: Plane, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Names (x, y, words, style) at the right ends of lines, pushed apart where they would meet."""
    bottom = plane.box[3]
    spots = sorted(((plane.py(y), plane.px(x), words, css) for x, y, words, css in ends), key=lambda s: s[0])
    at = [y for y, *_ in spots]
    for k in range(1, len(at)):
        at[k] = max(at[k], at[k - 1] + LINE)
    for k in range(len(at) - 1, -1, -1):
        at[k] = min(at[k], bottom - 2 if k == len(at) - 1 else at[k + 1] - LINE)
    for y, (_, x, words, css) in zip(at, spots, strict=True):
        plane.text(x + 6, y + 4, short(words, 24), f"mark bold {css}")


def name_points(plane: Plane, names: Sequence[Name], taken: Sequence[Box]) -> None:
    """Write every name beside its point, moved where names, dots or whiskers (taken) would be in the way."""
    places = {k: choices(plane, name)[0] for k, name in enumerate(names)}
    # Each in turn moves to where the others leave it room, until all stay.
    for _ in range(8):
        before = dict(places)
        for k, name in enumerate(names):
            others = [place for j, place in places.items() if j != k]
            places[k] = min(choices(plane, name), key=lambda place: trouble(place, others, taken))
        if places == before:
            break
    for k, name in enumerate(names):
        place = places[k]
        if place.leader:
            plane.parts.append(
                f'<path class="leader {name.css}" d="M{place.leader[0]:.1f} {place.leader[1]:.1f}'
                f'L{place.leader[2]:.1f} {place.leader[3]:.1f}"/>'
            )
        left, right, top, bottom = place.box
        x, anchor = (left, "start") if place.rightwards else (right, "end")
        plane.text(x, (top + bottom) / 2 + 4, name.words, f"mark {name.css}", anchor)


@dataclass(frozen=True)
class Place:
    """Where a name may stand. leader: a line from its point, x and y of both ends; cost: how far from the point."""

    box: Box
    rightwards: bool
    leader: tuple[float, float, float, float] | None
    cost: float


def choices(plane: Plane, name: Name) -> list[Place]:
    """The places for a name, the nearest first."""
    left, right, top, bottom = plane.box
    width = 6.7 * len(name.words) * (1.07 if "bold" in name.css else 1)
    preferred = name.x + width < right - 10
    found = []
    for side in (preferred, not preferred):
        for step in range(-16, 17):
            at = name.y + step / 2 * LINE
            far = abs(step) >= 2
            away = name.radius + (9 if far else 5)
            start = name.x + away if side else name.x - away - width
            box = (start, start + width, at - LINE / 2, at + LINE / 2)
            outside = start < left + 2 or start + width > right + 8 or not top + 4 < at < bottom - 4
            edge = name.y + math.copysign(name.radius, step)
            leader = (name.x, edge, start - 2 if side else start + width + 2, at) if far else None
            cost = 1.5 * abs(step) + 2 * (side != preferred) + 500 * outside
            found.append(Place(box, side, leader, cost))
    return sorted(found, key=lambda place: place.cost)


def trouble(place: Place, others: Sequence[Place], taken: Sequence[Box]) -> float:
    """How bad a place is: a name on a name is worst."""
    bad = place.cost
    for other in others:
        bad += 200 * overlap(place.box, other.box)
        bad += 40 * (crosses(place.leader, other.box) + crosses(other.leader, place.box))
    return bad + 9 * sum(overlap(place.box, box) for box in taken)


def crosses(line: tuple[float, float, float, float] | None, box: Box) -> bool:
    """Whether a line goes through a box, tried at a dozen of its points."""
    if line is None:
        return False
    x0, y0, x1, y1 = line
    points = [(x0 + (x1 - x0) * k / 12, y0 + (y1 - y0) * k / 12) for k in range(13)]
    return any(box[0] < x < box[1] and box[2] < y < box[3] for x, y in points)


def along(points: Sequence[tuple[float, float]]) -> list[Box]:
    """A line through points, in pixels, as boxes that names keep away from.

    >>> len(along([(0.0, 0.0), (8.0, 0.0)]))
    3
    """
    found = []
    for (x0, y0), (x1, y1) in pairwise(points):
        steps = max(1, round(math.hypot(x1 - x0, y1 - y0) / 4))
        for k in range(steps + 1):
            x, y = x0 + (x1 - x0) * k / steps, y0 + (y1 - y0) * k / steps
            found.append((x - 1, x + 1, y - 1, y + 1))
    return found


def overlap(a: Box, b: Box) -> bool:
    """Whether two boxes (left, right, top, bottom) share an area; touching edges do not count."""
    return a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]
