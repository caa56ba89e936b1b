"""Score tables on the terminal."""

from __future__ import annotations

import math
from typing import Any

from bench.runs.reader import Run

COLUMNS = ("psnr_hole", "ssim_hole", "lpips", "lpips_student", "l1_hole", "colour_shift", "fid")
"""What the terminal shows; the records and the report hold every metric."""


def print_scores(run: Run, columns: tuple[str, ...] = COLUMNS) -> None:
    """One table a data set: methods by metrics, all mask types pooled, the best of each column marked."""
    from rich import box
    from rich.table import Table

    from bench.exporters.console import terminal
    from bench.metrics.registry import ARROWS

    summary, manifest = run.summary, run.manifest
    if summary is None:
        return
    metrics = manifest["metrics"]
    console = terminal()
    # Eleven methods must fit a terminal of 80 columns without wrapping; the report has every interval.
    intervals = console.width >= 100
    for dataset in dict.fromkeys(row["dataset"] for row in summary["scores"]):
        rows = [r for r in summary["scores"] if r["dataset"] == dataset and r["mask"] == "all"]
        there = dict.fromkeys(r["metric"] for r in rows if r["mean"] is not None)
        shown = [c for c in columns if c in there] or list(there)
        title = f"{dataset}, all masks: {', '.join(manifest['masks'])}"
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("method", no_wrap=True)
        for name in shown:
            unit = metrics[name]["unit"]
            table.add_column(
                f"{name}\n{unit} {ARROWS[metrics[name]['direction']]}".strip(), justify="right", no_wrap=True
            )
        best = {name: best_of([r for r in rows if r["metric"] == name], metrics[name]) for name in shown}
        for variant, seed in run.members():
            own = {r["metric"]: r for r in rows if (r["variant"], r["seed"]) == (variant, seed)}
            if own:
                cells = [cell(own.get(name), best[name], intervals) for name in shown]
                table.add_row(run.label(variant, seed), *cells)
        console.print(table)
    for name, why in manifest["missing"].items():
        if name in columns:
            console.print(f"{name} is empty: {why}", style="yellow", highlight=False)


def best_of(rows: list[dict[str, Any]], metric: dict[str, Any]) -> float:
    means = [row["mean"] for row in rows if row["mean"] is not None]
    if not means:
        return math.nan
    if metric["direction"] == "higher":
        return max(means)
    if metric["direction"] == "lower":
        return min(means)
    return min(means, key=lambda mean: abs(mean - metric["target"]))


def cell(row: dict[str, Any] | None, best: float, interval: bool) -> str:
    if row is None or row["mean"] is None:
        return "–"
    text = f"{row['mean']:.3f}" if abs(row["mean"]) < 10 else f"{row['mean']:.2f}"
    if interval and row["low"] is not None and row["high"] is not None:
        text += f" ±{(row['high'] - row['low']) / 2:.2g}"
    return f"[bold green]{text}[/]" if row["mean"] == best else text
