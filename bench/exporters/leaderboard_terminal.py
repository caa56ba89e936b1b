"""A leaderboard on the terminal: one table a data set, methods by their places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.exporters.rounding import fixed
from bench.metrics.declaration import Metric, in_order
from bench.statistics.standing import winners


def print_leaderboard(
    places: Sequence[dict[str, Any]], metrics: Mapping[str, Metric], titles: Mapping[str, str], notes: Sequence[str]
) -> None:
    """Methods in the order of the first metric; each cell is place and mean. ``=2`` is a place that several share: no
    verdict tells them apart. titles: what people call data sets."""
    from rich import box
    from rich.table import Table

    from bench.exporters.console import terminal, titled

    console = terminal()
    for dataset in dict.fromkeys(entry["dataset"] for entry in places):
        own = {entry["metric"]: entry["places"] for entry in places if entry["dataset"] == dataset}
        order = [name for name in in_order(metrics) if name in own] or list(own)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("method", no_wrap=True)
        for name in order:
            table.add_column(f"{name}\n{metrics[name].unit} {metrics[name].arrow}".strip(), justify="right")
        best = {name: winners(own[name], metrics[name]) for name in order}
        for method in ordered(own, order):
            table.add_row(method, *[cell(method, own[name], metrics[name], method in best[name]) for name in order])
        titled(console, f"{titles[dataset]}, all masks: place and mean", table)
    if any(shared(entry["places"], place["rank"]) for entry in places for place in entry["places"]):
        console.print("=N: a place that several share, as no verdict tells them apart", highlight=False)
    for note in notes:
        console.print(f"note: {note}", highlight=False, markup=False)


def ordered(own: Mapping[str, Sequence[dict[str, Any]]], order: Sequence[str]) -> list[str]:
    """All methods, as the first metric that has them places them."""
    return list(dict.fromkeys(place["side"] for name in order for place in own[name]))


def cell(method: str, places: Sequence[dict[str, Any]], metric: Metric, best: bool) -> str:
    """Place and mean of a method; "=" before a shared place, green for the best."""
    place = next((place for place in places if place["side"] == method), None)
    if place is None:
        return "–"
    mark = "=" if shared(places, place["rank"]) else ""
    text = f"{mark}{place['rank']}  {fixed(place['mean'], metric.digits)}"
    return f"[bold green]{text}[/]" if best else text


def shared(places: Sequence[dict[str, Any]], rank: int) -> bool:
    """Whether several methods hold this place."""
    return sum(place["rank"] == rank for place in places) > 1
