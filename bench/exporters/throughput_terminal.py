"""Throughput on the terminal: lines of plain text, whatever the window's width."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bench.throughput.ranking import LEAST_ROUNDS
from bench.throughput.settings import CALIBRATION

if TYPE_CHECKING:
    import pandas as pd

HEAD = ("", "method", "precision", "mode", "batch", "img/s ↑", "", "p50 ms ↓", "p90", "p99", "MiB ↓", "GFLOP/s",
        "roofline ↑", "bound by", "levels off ↓")  # fmt: skip
LEFT = (0, 1, 2, 3, 6, 13)
"""Columns that are words: set to the left, numbers to the right."""


def show(frame: pd.DataFrame) -> None:
    """One table a resolution on stdout, remarks on stderr."""
    from bench.util.progress import say

    for side, rows in frame.groupby("resolution", sort=False):
        print(f"{side} px on {', '.join(rows['device'].unique())}")
        print(aligned([HEAD, *(cells(row) for row in rows.to_dict(orient="records"))], LEFT))
        print()
        for batch, fast in rows[rows["fast"] & (rows["variant"] != CALIBRATION)].groupby("batch"):
            print(f"ranking, batch {batch}: {ranking(fast)}")
        print()
    first = frame.iloc[0]
    per_precision = frame.drop_duplicates("precision").itertuples()
    rates = [f"{row.precision} {number(1e3 * row.ceiling_tflops_per_s)} GFLOP/s" for row in per_precision]
    print(f"ceilings measured here: {', '.join(rates)}, copy {number(first['ceiling_gib_per_s'])} GiB/s")
    print("* the fastest whose pictures stay with eager fp32's (one level, 99.9 % of the pixels)")
    wide = int((~frame["settled"]).sum())
    if wide:
        say(f"{wide} of {len(frame)} medians are not known to ±1 %: time ran out (more: throughput --seconds)")
    for row in frame.to_dict(orient="records"):
        for remark in row["warnings"].split("; "):
            if remark and not remark.startswith(("time was up", "p99 refused", "not steady")):
                say(f"{row['variant']} {row['precision']} {row['mode']}: {remark}")


def ranking(rows: pd.DataFrame) -> str:
    """The methods by place; those that the rounds cannot tell apart stand together."""
    if rows["rank"].isna().any():
        return f"not known after fewer than {LEAST_ROUNDS} rounds (more: throughput --seconds)"
    places = rows.sort_values(["rank", "variant"]).groupby("rank")["variant"].apply(" = ".join)
    return ", ".join(f"{place:.0f} {names}" for place, names in places.items())


def cells(row: dict[str, Any]) -> list[str]:
    """One measured row as text, a cell a column; "–" where the roofline is unknown."""
    low, high, value = row["images_per_s_low"], row["images_per_s_high"], row["images_per_s"]
    share, difference = row["roofline_share"], row["max_difference"]
    return [
        "*" if row["fast"] and row["variant"] != CALIBRATION else "",
        row["variant"],
        row["precision"],
        row["mode"],
        str(row["batch"]),
        number(value),
        "" if math.isnan(low) else f"±{50 * (high - low) / value:.1f} %",
        *(number(row[f"latency_ms_{p}"]) for p in ("p50", "p90", "p99")),
        number(row["peak_memory_mib"]),
        number(1e3 * row["tflops_per_s"]),
        "–" if math.isnan(share) else f"{share:.0%}",
        row["bound"] or "–",
        "–" if math.isnan(difference) else f"≤ {difference:.0f}, mean {row['mean_difference']:.2g}",
    ]


def aligned(lines: list[Any], left: tuple[int, ...]) -> str:
    """Columns set apart by two blanks; those of words, ``left``, begin alike, the others end alike."""
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    return "\n".join(
        "  ".join(t.ljust(w) if k in left else t.rjust(w) for k, (t, w) in enumerate(zip(line, widths, strict=True)))
        .rstrip()
        for line in lines
    )  # fmt: skip


def number(value: float) -> str:
    """Three significant digits, a dash for what was not measured."""
    if math.isnan(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
