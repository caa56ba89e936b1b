"""Numbers and verdicts as every format writes them."""

from __future__ import annotations

import math
from typing import Any

from bench.metrics.declaration import DECIMALS as UNIT_DECIMALS
from bench.metrics.declaration import UNITLESS_DECIMALS
from bench.statistics.scores import ALL

SIGNS = {"better": "▲", "worse": "▼", "same": "=", "undecided": "?"}
DECIMALS = {"images/s": 1, "ms": 2, "MiB": 0, "%": 1, "×cal": 3}
"""Of what is no metric; metrics declare theirs (:class:`bench.metrics.declaration.Metric`)."""

STATE_WORDS = {"pass": "pass", "regression": "REGRESSION", "undecided": "undecided"}


def number(value: float | None, unit: str = "", signed: bool = False) -> str:
    """A value with the decimals that its unit deserves; a dash where there is none. Scores without a unit get one
    decimal more than their tables: what is compared here may differ in the last."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    text = f"{value:{'+' if signed else ''}.{decimals(unit)}f}"
    return text.replace("-", "", 1) if float(text) == 0 and text.startswith("-") else text


def decimals(unit: str) -> int:
    return DECIMALS[unit] if unit in DECIMALS else UNIT_DECIMALS.get(unit, UNITLESS_DECIMALS + 1)


def side_mean(row: dict[str, Any], side: str) -> str:
    """A side's mean in a row of a comparison; of a metric with a target, with the distance from it, which decides."""
    return off_by(row[f"{side}_mean"], row.get(f"{side}_distance"), row["unit"])


def off_by(mean: float, distance: float | None, unit: str) -> str:
    """
    >>> off_by(-0.4, 0.62, ""), off_by(20.125, None, "dB")
    ('-0.4000, off by 0.6200', '20.12')
    """
    text = number(mean, unit)
    return text if distance is None else f"{text}, off by {number(distance, unit)}"


def interval(row: dict[str, Any], unit: str = "", signed: bool = True) -> str:
    return f"[{number(row['low'], unit, signed)}, {number(row['high'], unit, signed)}]"


def p_value(p: float | None) -> str:
    if p is None or math.isnan(p):
        return "–"
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def quantity(value: float | None, unit: str) -> str:
    """A value with its unit behind it."""
    text = number(value, unit)
    if not unit or text in "–∞":
        return text
    return f"{text}%" if unit == "%" else f"{text} {unit}"


def headline(rows: list[dict[str, Any]], every: bool = False) -> list[str]:
    """The metrics to show: those that have a rank, in its order; all of them where none has one."""
    ranks = {row["metric"]: row["rank"] for row in rows}
    chosen = sorted((name for name, rank in ranks.items() if rank is not None), key=lambda name: ranks[name])
    return list(ranks) if every or not chosen else chosen


def hidden(rows: list[dict[str, Any]], shown: list[str]) -> int:
    return len({row["metric"] for row in rows} - set(shown))


def grouped(rows: list[dict[str, Any]], metrics: list[str]) -> list[dict[str, Any]]:
    """Rows metric by metric, the pooled one before those of single mask types; a single mask type alone is
    not told twice."""
    found = []
    for name in metrics:
        own = [row for row in rows if row["metric"] == name]
        pooled = [row for row in own if row["mask"] == ALL]
        single = [row for row in own if row["mask"] != ALL]
        found += pooled + (single if len(single) > 1 else [])
    return found


def undecided(comparison: Any, metrics: list[str]) -> list[dict[str, Any]]:
    """The undecided rows among those that tables show: of several candidates, mask types pooled."""
    several = len(comparison.sides) > 2
    shown = [row for row in comparison.rows if row["metric"] in metrics and (row["mask"] == ALL or not several)]
    return [row for row in grouped(shown, metrics) if row["verdict"] == "undecided"]


def count(pictures: int | None) -> str:
    return "no number" if pictures is None else f"{pictures:,} pictures"


def place(row: dict[str, Any]) -> str:
    """``double_dg psnr_hole [rect] on scenes``."""
    mask = "" if row["mask"] == ALL else f" [{row['mask']}]"
    return f"{row['candidate']} {row['metric']}{mask} on {row['dataset']}"


def heading(row: dict[str, Any]) -> str:
    """``psnr_hole [dB ↑]``, or an indented mask type below it."""
    return str(row["title"]) if row["mask"] == ALL else f"  {row['mask']}"
