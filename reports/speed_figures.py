"""Throughput drawn: the curves over batch size, and how near the machine's ceilings each method comes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from bench.throughput.settings import CALIBRATION
from reports.figures import NARROW, WIDE
from reports.method_colours import styles
from reports.numbers import Numbers
from reports.plane import Axis, Plane, log_span, name_ends
from reports.scoreboard import grouped

if TYPE_CHECKING:
    import pandas as pd

MARGINS = (72, 8, 8, 46)


def settings(numbers: Numbers, needed: set[str]) -> list[tuple[str, Any]]:
    """(title, rows) for every device, precision, mode and side; without the calibration workload."""
    frame = numbers.run.throughput()
    if frame is None or not {"variant", *needed} <= set(frame.columns):
        return []
    frame = frame[frame["variant"] != CALIBRATION]
    where = [c for c in ("device", "precision", "mode", "resolution") if c in frame.columns]
    groups = frame.groupby(where, sort=False) if where else [((), frame)]
    return [
        (", ".join(f"{v} px" if c == "resolution" else str(v) for c, v in zip(where, key, strict=True)), rows)
        for key, rows in groups
    ]


def hues(numbers: Numbers) -> dict[str, str]:
    """The style of each variant's curve, the same as in the other figures."""
    return {numbers.by_label[label].variant: style for label, style in styles(numbers).items()}


def batch_curves(numbers: Numbers) -> list[tuple[str, Markup]]:
    """Images per second over batch size: one figure for each setting in which two batches were timed."""
    style = hues(numbers)
    found: list[tuple[str, Markup]] = []
    for title, rows in settings(numbers, {"batch", "images_per_s"}):
        curves = []
        for variant, mine in rows[rows["images_per_s"].notna()].groupby("variant", sort=False):
            mine = mine.sort_values("images_per_s").drop_duplicates("batch", keep="last").sort_values("batch")
            if len(mine) > 1:
                curves.append(Curve(str(variant), style.get(str(variant), "r0"), mine))
        if curves:
            found.append((title, _draw_batches(curves, title)))
    return found


@dataclass(frozen=True)
class Curve:
    """A method's rows at one setting, one a batch size, the sizes rising."""

    variant: str
    style: str
    rows: pd.DataFrame

    @property
    def x(self) -> list[float]:
        """Batch sizes."""
        return list(self.rows["batch"])

    @property
    def y(self) -> list[float]:
        """Images per second."""
        return list(self.rows["images_per_s"])

    @property
    def intervals(self) -> list[tuple[float, float, float]]:
        """(batch, low, high) where the median's interval is known."""
        ends = ["images_per_s_low", "images_per_s_high"]
        if not set(ends) <= set(self.rows.columns):
            return []
        return list(self.rows[["batch", *ends]].dropna().itertuples(index=False, name=None))


def _draw_batches(curves: list[Curve], title: str) -> Markup:
    alt = f"Images per second by batch size, {title}: " + "; ".join(
        f"{c.variant} from {grouped(c.y[0])} at {c.x[0]:g} to {grouped(c.y[-1])} at {c.x[-1]:g}" for c in curves
    )
    drawings = []
    batches = sorted({b for curve in curves for b in curve.x})
    rates = [v for c in curves for v in (*c.y, *(end for _, *ends in c.intervals for end in ends))]
    for size, css in ((WIDE, "wide"), (NARROW, "narrow")):
        # Room for the names to the right of the last batch size.
        last = batches[-1] * (batches[-1] / batches[0]) ** (0.28 if css == "wide" else 0.8)
        plane = Plane(
            size[0],
            380,
            Axis(batches[0] / 1.1, last, label="batch size", log=True, at=batches),
            Axis(*log_span(rates, 0.06), label="images per second", log=True),
            margins=MARGINS,
        )
        plane.axes()
        plane.names()
        for k, curve in enumerate(curves):
            plane.line(curve.x, curve.y, curve.style)
            for batch, value in zip(curve.x, curve.y, strict=True):
                plane.dot(batch, value, curve.style)
            for batch, low, high in curve.intervals:
                plane.whisker(batch, low, high, curve.style, aside=k - len(curves) / 2)
        name_ends(plane, [(curve.x[-1], curve.y[-1], curve.variant, curve.style) for curve in curves])
        drawings.append(plane.markup(alt, f"plot {css}"))
    return Markup("").join(drawings)


def rooflines(numbers: Numbers) -> list[tuple[str, Markup]]:
    """Where every method stands under the machine's own ceilings: one figure a device and precision."""
    needed = {"gflops_per_image", "mib_moved_per_image", "tflops_per_s", "ceiling_tflops_per_s", "ceiling_gib_per_s"}
    found: list[tuple[str, Markup]] = []
    style = hues(numbers)
    for title, rows in settings(numbers, needed):
        rows = rows.dropna(subset=list(needed))
        rows = rows[(rows["gflops_per_image"] > 0) & (rows["tflops_per_s"] > 0) & (rows["mib_moved_per_image"] > 0)]
        if rows.empty:
            continue
        best = rows.sort_values("tflops_per_s").groupby("variant", sort=False).tail(1)
        spots = [
            (
                str(line["variant"]),
                style.get(str(line["variant"]), "r0"),
                line["gflops_per_image"] * 1e9 / (line["mib_moved_per_image"] * 2**20),
                line["tflops_per_s"],
                float(line.get("roofline_share", math.nan)),
            )
            for _, line in best.iterrows()
        ]
        peak, bandwidth = float(rows["ceiling_tflops_per_s"].max()), float(rows["ceiling_gib_per_s"].max())
        found.append((title, draw_roofline(spots, peak, bandwidth * 2**30 / 1e12, title)))
    return found


def draw_roofline(
    spots: list[tuple[str, str, float, float, float]], peak: float, tib_per_s: float, title: str
) -> Markup:
    """tib_per_s: terabytes a second that the machine copies; the roof is its product with the intensity."""
    alt = f"Roofline, {title}, peak {peak:.3g} TFLOP/s: " + "; ".join(
        f"{name} {reached:.3g} TFLOP/s at {intensity:.3g} FLOP per byte"
        + (f", {share:.0%} of the roof" if share == share else "")
        for name, _, intensity, reached, share in spots
    )
    ridge = peak / tib_per_s
    low = min(ridge, *(s[2] for s in spots)) / 3
    last = max(s[2] for s in spots)
    drawings = []
    for size, css in ((WIDE, "wide"), (NARROW, "narrow")):
        # Room for the names to the right of the last dot.
        high = max(2 * ridge, last * (last / low) ** (0.6 if css == "wide" else 1.5))
        roof = [min(peak, intensity * tib_per_s) for _, _, intensity, _, _ in spots]
        bottom = min(low * tib_per_s, *(s[3] for s in spots))
        plane = Plane(
            size[0],
            380,
            Axis(low, high, label="FLOP per byte moved", log=True),
            Axis(*log_span([bottom, peak, *(s[3] for s in spots)], 0.06), label="TFLOP/s", log=True),
            margins=MARGINS,
        )
        plane.axes()
        plane.names()
        plane.line([low, ridge, high], [low * tib_per_s, peak, peak], "roof")
        for (_, style, intensity, reached, _), top in zip(spots, roof, strict=True):
            plane.line([intensity, intensity], [reached, top], f"{style} thin")
            plane.dot(intensity, reached, style, 3.5)
        name_ends(
            plane,
            [
                (intensity, reached, f"{share * 100:.0f} % {name}" if share == share else name, style)
                for name, style, intensity, reached, share in spots
            ],
        )
        drawings.append(plane.markup(alt, f"plot {css}"))
    return Markup("").join(drawings)
