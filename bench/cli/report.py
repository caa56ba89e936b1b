"""bench report: write and open the HTML report of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import app


@app.command("report")
def report(
    run: Annotated[str | None, typer.Argument(help="A run by name or path; the newest where none is named.")] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    compare: Annotated[str | None, typer.Option("--compare", help="Another run to set beside it.")] = None,
    full_resolution: Annotated[
        Path | None,
        typer.Option("--full-resolution", help="Put the chosen pictures, unchanged, in this folder."),
    ] = None,
    runs: Annotated[Path | None, typer.Option("--runs-dir", help="Where runs live (BENCH_RUNS_DIR).")] = None,
) -> None:
    """Write a run's report as one offline HTML file."""
    from bench.runs import find_run, runs_dir
    from reports.build import build_report

    folder = runs_dir(runs)
    other = find_run(compare, folder) if compare else None
    path = build_report(find_run(run, folder), full_resolution=full_resolution, compare=other)
    typer.echo(str(path))
    if open_:
        typer.launch(path.resolve().as_uri())
