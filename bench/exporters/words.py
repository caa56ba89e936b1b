"""Verdicts, and which rows of a comparison are shown, as every format has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.statistics.scores import ALL

SIGNS = {"better": "▲", "worse": "▼", "same": "=", "undecided": "?"}
STATE_WORDS = {"pass": "pass", "regression": "REGRESSION", "undecided": "undecided"}


def headline(rows: list[dict[str, Any]], every: bool = False) -> list[str]:
    """The metrics to show: those that have a rank, in its order; all of them where none has one."""
    ranks = {row["metric"]: row["rank"] for row in rows}
    chosen = sorted((name for name, rank in ranks.items() if rank is not None), key=lambda name: ranks[name])
    return list(ranks) if every or not chosen else chosen


def hidden(rows: list[dict[str, Any]], shown: list[str]) -> int:
    """Number of metrics that a short table leaves out."""
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
    """Number of pictures in words; "no number" where a noise floor cannot say how many are needed."""
    return "no number" if pictures is None else f"{pictures:,} pictures"


def place(row: dict[str, Any], titles: Mapping[str, str]) -> str:
    """``double_dg psnr_hole [rect] on scenes``. titles: what people call data sets."""
    mask = "" if row["mask"] == ALL else f" [{row['mask']}]"
    return f"{row['candidate']} {row['metric']}{mask} on {titles[row['dataset']]}"


def heading(row: dict[str, Any]) -> str:
    """``psnr_hole [dB ↑]``, or an indented mask type below it."""
    return str(row["title"]) if row["mask"] == ALL else f"  {row['mask']}"
