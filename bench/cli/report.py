"""``bench report``: write, watch, export and open the HTML report of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import app
from bench.cli.options import RunsDir


@app.command("report")
def report(
    run: Annotated[str | None, typer.Argument(help="Name or path of a run (default: newest).")] = None,
    open_report: Annotated[bool, typer.Option("--open", help="Open the report in a browser.")] = False,
    compare: Annotated[
        str | None, typer.Option("--compare", metavar="RUN", help="Another run to compare with, picture by picture.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep updating the report during the run; the page reloads itself.")
    ] = False,
    every: Annotated[float, typer.Option("--every", min=1, help="Seconds between updates with --watch.")] = 5,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="DIR", help="Also write every table here as CSV and Markdown."),
    ] = None,
    full_resolution: Annotated[
        Path | None,
        typer.Option("--full-resolution", metavar="DIR", help="Save the shown pictures here unchanged and link them."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to write the page (default: report.html in the run)."),
    ] = None,
    runs_dir: RunsDir = None,
) -> None:
    """Write a run's report: one HTML file that works offline."""
    from bench.runs.lock import sweep_free
    from bench.runs.reader import find_run
    from bench.runs.reader import runs_dir as runs_folder
    from bench.util.errors import UsageError

    for path, flag in ((export, "--export"), (full_resolution, "--full-resolution")):
        if path is not None and path.exists() and not path.is_dir():
            raise UsageError(f"{flag} {path} is a file, not a folder: name another")
    if out is not None and out.is_dir():
        raise UsageError(f"--out {out} is a folder: name a file in it, e.g. {out / 'report.html'}")
    folder = runs_folder(runs_dir)
    chosen = find_run(run, folder)
    other = find_run(compare, folder) if compare else None
    target = out or chosen.path / "report.html"
    sweep_free(chosen.path)

    from reports.build import gather, write_page
    from reports.exports import export_tables
    from reports.live import watch_run

    if watch:
        watch_run(chosen.path, target, every, compare=other, opened=show if open_report else None)
    page = gather(chosen, compare=other, full_resolution=full_resolution, beside=target.parent)
    write_page(page, target)
    if export is not None:
        export_tables(page.tables, export, f"{chosen.name}, inpaint-bench report", page.notes)
    typer.echo(str(target))
    if open_report and not watch:
        show(target)


def show(page: Path) -> None:
    """Open the page in a browser; without one, say so."""
    import sys
    import webbrowser

    if not webbrowser.open(page.resolve().as_uri()):
        print(f"no browser can be opened here: open {page.resolve()} by hand", file=sys.stderr)
