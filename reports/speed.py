"""Throughput: the table, the curves over batch size, and how near the machine's ceilings each method comes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from markupsafe import Markup

from reports import svg
from reports.breakdown import styles
from reports.figures import NARROW, WIDE, label_ends
from reports.numbers import Numbers
from reports.scoreboard import grouped
from reports.tables import Cell, Column, Row, Table

CALIBRATION = "calibration"
"""The fixed workload that is timed beside the methods; it is in the table, not in the figures."""
HEADS: dict[str, tuple[str, str, bool]] = {
    "device": ("device", "", False),
    "precision": ("precision", "", False),
    "mode": ("mode", "", False),
    "resolution": ("side [px]", "", True),
    "batch": ("batch", "", True),
    "images_per_s": ("speed [img/s]", "↑", True),
    "latency_ms_p50": ("latency p50 [ms]", "↓", True),
    "latency_ms_p90": ("latency p90 [ms]", "↓", True),
    "latency_ms_p99": ("latency p99 [ms]", "↓", True),
    "peak_memory_mib": ("peak memory [MiB]", "↓", True),
    "gflops_per_image": ("GFLOP per image", "", True),
    "tflops_per_s": ("TFLOP/s", "↑", True),
    "roofline_share": ("of the roofline", "↑", True),
    "bound": ("bound by", "", False),
    "energy_j_per_image": ("energy [J per image]", "↓", True),
    "max_difference": ("largest difference to eager fp32 [levels]", "↓", True),
    "throttled_samples": ("throttled samples dropped", "↓", True),
}


def throughput_table(numbers: Numbers) -> Table | None:
    """Every setting that was timed; intervals where the measurement has them."""
    frame = numbers.run.throughput()
    if frame is None or not len(frame):
        return None
    shown = [
        c for c in HEADS if c in frame.columns and frame[c].notna().any() and not (frame[c].astype(str) == "").all()
    ]
    if "throttled_samples" in shown and not (frame["throttled_samples"] > 0).any():
        shown.remove("throttled_samples")
    columns = [Column(c, HEADS[c][0], HEADS[c][1], numeric=HEADS[c][2]) for c in shown]
    rows = [Row(str(line.get("variant", "")), [cell(line, c) for c in shown]) for _, line in frame.iterrows()]
    return Table("throughput", "Throughput", columns, rows)


def warnings_table(numbers: Numbers) -> Table | None:
    """What the measurement warns of, each sentence once with the settings that it is about."""
    frame = numbers.run.throughput()
    if frame is None or not {"variant", "warnings"} <= set(frame.columns):
        return None
    about: dict[str, list[str]] = {}
    for _, line in frame.iterrows():
        where = ", ".join(str(line[c]) for c in ("variant", "precision", "mode") if c in frame.columns)
        batch = f", batch {line['batch']:g}" if "batch" in frame.columns else ""
        text = line["warnings"]
        for sentence in text if isinstance(text, list | np.ndarray) else str(text or "").split("; "):
            if sentence and sentence != "nan":
                about.setdefault(str(sentence), []).append(where + batch)
    if not about:
        return None
    rows = [Row(sentence, [Cell("; ".join(places))]) for sentence, places in about.items()]
    columns = [Column("about", "about", numeric=False)]
    return Table("throughput-warnings", "Warnings of the measurement", columns, rows, "warning", sortable=False)


def cell(line: Any, column: str) -> Cell:
    value = line[column]
    if value is None or value != value or value == "":
        return Cell("–")
    if not HEADS[column][2]:
        return Cell(str(value), str(value))
    number = float(value)
    if column == "roofline_share":
        return Cell(f"{number * 100:.0f} %", number)
    if column in ("resolution", "batch", "throttled_samples"):
        return Cell(f"{number:.0f}", number)
    low, high = (number_of(line.get(f"{column}_{end}")) for end in ("low", "high"))
    known = low is not None and high is not None
    text = grouped(number) if column == "images_per_s" else f"{number:.3g}"
    return Cell(text, number, low, high, f"{low:.3g} to {high:.3g}" if known else "")


def number_of(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


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
    return {numbers.by_label[label].variant: style for label, style in styles(numbers).items()}


def batch_curves(numbers: Numbers) -> list[tuple[str, Markup]]:
    """Images per second over batch size: one figure for each setting in which two batches were timed."""
    style = hues(numbers)
    found: list[tuple[str, Markup]] = []
    for title, rows in settings(numbers, {"batch", "images_per_s"}):
        curves = []
        for variant, mine in rows[rows["images_per_s"].notna()].groupby("variant", sort=False):
            mine = mine.groupby("batch", as_index=False)["images_per_s"].max().sort_values("batch")
            x, y = mine["batch"].tolist(), mine["images_per_s"].tolist()
            if len(mine) > 1:
                curves.append((str(variant), style.get(str(variant), "r0"), x, y))
        if curves:
            found.append((title, draw_batches(curves, title, len(found))))
    return found


def draw_batches(curves: list[tuple[str, str, list[float], list[float]]], title: str, number: int) -> Markup:
    alt = f"Images per second by batch size, {title}: " + "; ".join(
        f"{v} from {grouped(y[0])} at {x[0]:g} to {grouped(y[-1])} at {x[-1]:g}" for v, _, x, y in curves
    )
    drawings = []
    batches = sorted({b for _, _, x, _ in curves for b in x})
    for size, css in ((WIDE, "wide"), (NARROW, "narrow")):
        fig, axes = svg.figure(size[0], 380, left=72)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        for _, style, x, y in curves:
            axes.plot(x, y, color=svg.colour_of(style), linewidth=1.6, marker="o", markersize=4)
        axes.set_xticks(batches, [f"{b:g}" for b in batches])
        plain_decades(axes)
        axes.set_xlabel("batch size")
        axes.set_ylabel("images per second")
        axes.set_xlim(batches[0] / 1.1, batches[-1] * (batches[-1] / batches[0]) ** (0.28 if css == "wide" else 0.6))
        label_ends(axes, [(y[-1], x[-1], variant, style) for variant, style, x, y in curves])
        drawings.append(svg.inline(fig, f"batch{number}-{css}", alt, css))
    return Markup("").join(drawings)


def plain_decades(axes: Any) -> None:
    """Ticks of a logarithmic vertical axis written out, at 1, 2 and 5 where it is short."""
    axes.autoscale_view()
    low, high = axes.get_ylim()
    span = math.log10(high / low)
    factors = (1,) if span > 2 else (1, 2, 5)
    at = [f * 10.0**k for k in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1) for f in factors]
    at = [t for t in at if low <= t <= high]
    axes.set_yticks(at, [grouped(t) for t in at])
    axes.minorticks_off()
    axes.set_ylim(low, high)


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
        found.append((title, draw_roofline(spots, peak, bandwidth * 2**30 / 1e12, title, len(found))))
    return found


def draw_roofline(
    spots: list[tuple[str, str, float, float, float]], peak: float, tib_per_s: float, title: str, number: int
) -> Markup:
    """tib_per_s: terabytes a second that the machine copies; the roof is its product with the intensity."""
    alt = f"Roofline, {title}, peak {peak:.3g} TFLOP/s: " + "; ".join(
        f"{name} {reached:.3g} TFLOP/s at {intensity:.3g} FLOP per byte"
        + (f", {share:.0%} of the roof" if share == share else "")
        for name, _, intensity, reached, share in spots
    )
    ridge = peak / tib_per_s
    low = min(ridge, *(s[2] for s in spots)) / 3
    high = max(ridge, *(s[2] for s in spots)) * 4
    drawings = []
    for size, css in ((WIDE, "wide"), (NARROW, "narrow")):
        fig, axes = svg.figure(size[0], 380, left=72)
        axes.set_xscale("log")
        axes.set_yscale("log")
        x = np.geomspace(low, high, 80)
        axes.plot(x, np.minimum(peak, x * tib_per_s), color=svg.SOFT, linewidth=1.6)
        for _, style, intensity, reached, _ in spots:
            colour = svg.colour_of(style)
            axes.plot([intensity, intensity], [reached, min(peak, intensity * tib_per_s)], color=colour, linewidth=0.8)
            axes.plot(intensity, reached, marker="o", markersize=7, color=colour, markeredgecolor=svg.PAPER)
        axes.set_xlim(low, high)
        plain_decades(axes)
        across = [10.0**k for k in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
        across = [t for t in across if low <= t <= high]
        axes.set_xticks(across, [f"{t:g}" for t in across])
        axes.minorticks_off()
        axes.set_xlabel("FLOP per byte moved")
        axes.set_ylabel("TFLOP/s")
        label_ends(axes, [(reached, intensity, name, style) for name, style, intensity, reached, _ in spots])
        drawings.append(svg.inline(fig, f"roof{number}-{css}", alt, css))
    return Markup("").join(drawings)
