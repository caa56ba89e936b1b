"""Throughput in tables: every setting that was timed, what was left out, and what the measurement warns of."""

from __future__ import annotations

import re
from typing import Any

from bench.throughput.settings import CALIBRATION
from reports.numbers import Numbers
from reports.scoreboard import grouped
from reports.tables import Cell, Column, Row, Table

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
    "mean_difference": ("mean difference [levels]", "↓", True),
    "within_one_level": ("pixels within one level", "↑", True),
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
    notes = ["● the fastest way of running a method at that batch size whose pictures stay with eager fp32's."]
    return Table("throughput", "Throughput", columns, rows, notes=notes if "fast" in frame.columns else [])


def ceilings(numbers: Numbers) -> str:
    """What the machine reaches at most, as measured in the same run; empty where it was not."""
    frame = numbers.run.throughput()
    if frame is None or not {"precision", "ceiling_tflops_per_s", "ceiling_gib_per_s"} <= set(frame.columns):
        return ""
    known = frame.dropna(subset=["ceiling_tflops_per_s", "ceiling_gib_per_s"]).drop_duplicates("precision")
    rates = [f"{row.precision} {row.ceiling_tflops_per_s:.3g} TFLOP/s" for row in known.itertuples()]
    return f"{', '.join(rates)}, copying {known['ceiling_gib_per_s'].iloc[0]:.3g} GiB/s" if rates else ""


NUMBER = re.compile(r"(\d+(?:\.\d+)?)")
FEW = 6
"""Settings that are named one by one."""


def warnings_table(numbers: Numbers) -> Table | None:
    """What the measurement warns of: sentences that differ in their numbers alone as one, with the settings."""
    frame = numbers.run.throughput()
    if frame is None or not {"variant", "warnings"} <= set(frame.columns):
        return None
    kinds: dict[tuple[str, ...], list[tuple[list[str], str]]] = {}
    several = {c for c in ("device", "resolution") if c in frame.columns and frame[c].nunique() > 1}
    for line in frame.to_dict(orient="records"):
        for sentence in str(line["warnings"] or "").split("; "):
            if sentence and sentence != "nan":
                parts = NUMBER.split(sentence)
                kinds.setdefault(tuple(parts[::2]), []).append((parts[1::2], place(line, several)))
    if not kinds:
        return None
    rows = []
    for words, found in kinds.items():
        where = list(dict.fromkeys(name for _, name in found))
        text = "; ".join(where) if len(where) <= FEW else f"{len(where)} of {len(frame)} rows"
        rows.append(Row(merged(words, [values for values, _ in found]), [Cell(text)]))
    columns = [Column("about", "about", numeric=False)]
    notes = ["The column warnings of throughput.parquet has them row by row."]
    return Table("throughput-warnings", "Measurement warnings", columns, rows, "warning", notes, sortable=False)


def place(line: dict[str, Any], several: set[str]) -> str:
    """A row's setting in words; its device and side only where rows differ in them."""
    shown = [c for c in ("variant", "device", "precision", "mode") if c in line and (c != "device" or c in several)]
    words = [str(line[c]) for c in shown]
    side = [f"{line['resolution']} px"] if "resolution" in several else []
    batch = [f"batch {line['batch']:g}"] if "batch" in line else []
    return ", ".join([*words, *side, *batch])


def merged(words: tuple[str, ...], values: list[list[str]]) -> str:
    """One sentence for several that differ in their numbers: where they do, the smallest and the largest."""
    text = words[0]
    for k, word in enumerate(words[1:]):
        numbers = sorted({line[k] for line in values}, key=float)
        text += (numbers[0] if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}") + word
    return text


def cell(line: Any, column: str) -> Cell:
    """One value of the throughput table, written as its column is; a dash where it is missing."""
    value = line[column]
    if value is None or value != value or value == "":
        return Cell("–")
    if not HEADS[column][2]:
        return Cell(str(value), str(value))
    number = float(value)
    if column == "roofline_share":
        return Cell(f"{number * 100:.0f} %", number)
    if column == "within_one_level":
        return Cell(f"{number * 100:.2f} %", number)
    if column in ("resolution", "batch", "throttled_samples"):
        return Cell(f"{number:.0f}", number)
    low, high = (number_of(line.get(f"{column}_{end}")) for end in ("low", "high"))
    detail = f"{grouped(low)} to {grouped(high)}" if low is not None and high is not None else ""
    mark = "best" if column == "images_per_s" and line.get("fast") and line["variant"] != CALIBRATION else ""
    return Cell(grouped(number), number, low, high, detail, mark=mark)


def number_of(value: Any) -> float | None:
    """A value as float; None where it is missing or NaN."""
    return None if value is None or value != value else float(value)
