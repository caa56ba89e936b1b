"""``bench list``: what there is, by kind."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli import app
from bench.cli.options import Json, RunsDir
from bench.util.words import first_sentence

if TYPE_CHECKING:
    from rich.console import Console

    from bench.runs.manifest import Manifest


class Kind(StrEnum):
    """What can be listed."""

    variants = "variants"
    metrics = "metrics"
    masks = "masks"
    datasets = "datasets"
    formats = "formats"
    runs = "runs"
    profiles = "profiles"


@app.command("list")
def list_entries(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    every: Annotated[
        bool,
        typer.Option("--all", help="With metrics: also those of torchmetrics and pyiqa, by the names --metrics takes."),
    ] = False,
    runs_dir: RunsDir = None,
    json_output: Json = False,
) -> None:
    """List variants, metrics, masks, datasets, export formats, runs or profiles."""
    rows = {
        Kind.variants: variants,
        Kind.metrics: lambda: metrics(every),
        Kind.masks: masks,
        Kind.datasets: datasets,
        Kind.formats: formats,
        Kind.profiles: profiles,
        Kind.runs: lambda: runs(runs_dir),
    }[kind]()
    if json_output:
        print(json.dumps(rows))
        return
    if not rows:
        print(f"no {kind.value}")
        return
    from bench.exporters.console import terminal

    # Where all is ours there is no need to say so.
    columns = [name for name in rows[0] if name != "from" or any(row[name] != OURS for row in rows)]
    console = terminal()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPED_WIDTH
    prose = [name for name in columns if name in PROSE]
    short = sum(max(len(str(row[name])) for row in [*rows, {name: name}]) + 2 for name in columns if name not in PROSE)
    if prose and console.width - short < LEAST_PROSE * len(prose):
        print_entries(rows, columns, console)
    else:
        print_table(rows, columns, console)


def print_table(rows: list[dict[str, Any]], columns: list[str], console: Console) -> None:
    """A line an entry, or as many as its longest text takes."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(row[column])) for column in columns))
    console.print(table)


def print_entries(rows: list[dict[str, Any]], columns: list[str], console: Console) -> None:
    """Each entry in lines of its own, for a window too narrow for a table: names whole, texts wrapped below them."""
    from rich.padding import Padding
    from rich.text import Text

    for row in rows:
        facts = [str(row[name]) for name in columns if name not in ("name", *PROSE) and str(row[name])]
        console.print(Text.assemble((row["name"], "bold"), "  ", "  ".join(facts)), soft_wrap=True)
        for name in columns:
            if name in PROSE and row[name]:
                console.print(Padding(Text(row[name], style="" if name == "summary" else "dim"), (0, 0, 0, 4)))


OURS = "inpaint-bench"
PROSE = ("summary", "reference")
LEAST_PROSE = 24
"""Texts among the columns of a list, and characters a line that each must have to be read in a table."""

PIPED_WIDTH = 240
"""Columns of a list that goes to a file or another program, so that no name is broken in two."""


def summary_of(thing: Any) -> str:
    """First sentence of a thing's docstring, its summary in the list; empty without one."""
    return first_sentence(thing.__doc__)


def where(registry: Any, name: str) -> str:
    """What brought an entry: this package, or a plug-in."""
    source = registry.plugin(name)
    return OURS if source is None else source.what.removeprefix("the plug-in ")


def variants() -> list[dict[str, Any]]:
    """Rows of variants and references; the summary says so where one cannot be used here."""
    from bench.backbones.vgg16 import offer
    from variants.registry import variant

    offer()
    rows = []
    for name, entry in variant.all().items():
        rows.append(
            {
                "name": name,
                "kind": getattr(entry, "kind", "external"),
                "fills": getattr(entry, "fills", "whole"),
                "summary": getattr(entry, "summary", summary_of(entry)) + unusable(entry),
                "from": where(variant, name),
            }
        )
    order = {"network": 0, "reference": 1}
    return sorted(rows, key=lambda row: (order.get(row["kind"], 2), row["name"]))


def unusable(entry: Any) -> str:
    """What a variant lacks here, in brackets; '' where it lacks nothing."""
    why = entry().missing() if isinstance(entry, type) and hasattr(entry, "missing") else ""
    return f" ({why})" if why else ""


def metrics(every: bool = False) -> list[dict[str, Any]]:
    """Rows of metrics and set metrics; ``every`` adds what the metric libraries offer."""
    from bench.metrics.registry import metric
    from bench.set_metrics.registry import set_metric

    entries = [
        (entry, where(registry, name)) for registry in (metric, set_metric) for name, entry in registry.all().items()
    ]
    if every:
        from bench.metrics.libraries.column import columns

        entries += [(entry, name.partition(":")[0]) for name, entry in columns().items()]
    return [
        {
            "name": entry.name,
            "direction": entry.arrow,
            "unit": entry.unit,
            "region": entry.region,
            "version": entry.version,
            "summary": entry.summary,
            "reference": entry.reference,
            "from": source,
        }
        for entry, source in entries
    ]


def masks() -> list[dict[str, Any]]:
    """Rows of mask types, summaries from their docstrings."""
    from bench.masks.registry import mask

    return [
        {"name": name, "summary": summary_of(entry), "from": where(mask, name)} for name, entry in mask.all().items()
    ]


def datasets() -> list[dict[str, Any]]:
    """Rows of data sets, summaries from their docstrings."""
    from bench.datasets.registry import dataset

    return [
        {"name": name, "summary": summary_of(entry), "from": where(dataset, name)}
        for name, entry in dataset.all().items()
    ]


def formats() -> list[dict[str, Any]]:
    """Rows of export formats that write files, with their suffix."""
    from bench.exporters.registry import exporter

    return [
        {"name": name, "suffix": entry.suffix, "summary": entry.summary(), "from": where(exporter, name)}
        for name, entry in exporter.all().items()
        if entry.suffix
    ]


def profiles() -> list[dict[str, Any]]:
    """Rows of the profiles in the package, summaries from the first comment of each file."""
    from bench.profiles.profile import FOLDER, profile_names

    rows = []
    for name in profile_names():
        text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8").splitlines()
        rows.append({"name": name, "summary": text[0].lstrip("# ")})
    return rows


def runs(folder: Any) -> list[dict[str, Any]]:
    """Rows of the runs in a folder, and of those whose shards are still to be merged; a run that cannot be read is
    warned of and left out."""
    from bench.runs.reader import Run, find_runs
    from bench.runs.reader import runs_dir as find_runs_dir
    from bench.runs.shards import folder_of
    from bench.runs.standing import shards_in, standing
    from bench.runs.trained import trained
    from bench.util.progress import say

    place = find_runs_dir(folder)
    found = find_runs(place)
    rows = [run_row(run.name, standing(run), run.manifest, names(run.members()) or trained(run.path)) for run in found]
    for shards in shards_in(place):
        beside = folder_of(shards.run)
        if shards.merged:
            say(f"note: {beside} is merged into {shards.run.name} and can be deleted")
        elif shards.run.name not in {run.name for run in found}:
            rows.append(run_row(shards.run.name, str(shards), shards.manifest, names(shards.manifest.members)))
        elif Run(shards.run).manifest.finished:
            say(f"note: {beside}: {shards}; bench merge {shards.run} joins them")
    return rows


def names(members: Iterable[tuple[str, int]]) -> list[str]:
    """The variants of (variant, seed), each once."""
    return list(dict.fromkeys(variant for variant, _ in members))


def run_row(name: str, state: str, manifest: Manifest, methods: Iterable[str]) -> dict[str, Any]:
    """A row of a run. state: when it was finished, or how far it is. methods: that were scored, or else trained."""
    return {
        "name": name,
        "finished": state,
        "suite": (manifest.suite or "none")[:12],
        "data": ", ".join(manifest.titles.values()) or "none",
        "protocol": manifest.protocol,
        "methods": ", ".join(methods),
    }
