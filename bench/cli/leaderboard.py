"""``bench leaderboard``: the methods of several runs in one table and one report."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli import app
from bench.cli.options import Json, Out, RunsDir, build_page, split


@app.command("leaderboard")
def leaderboard(
    runs: Annotated[list[str], typer.Argument(metavar="RUN…", help="Names or paths of runs over one suite.")],
    metrics: Annotated[
        str | None, typer.Option("--metrics", help="Metrics, comma-separated (default: those of the main tables).")
    ] = None,
    out: Out = None,
    runs_dir: RunsDir = None,
    json_output: Json = False,
) -> int:
    """Merge runs over one suite into one table and one report; methods that cannot be told apart share a place.

    bench leaderboard last_week eval-1a2b3c4d
    """
    from bench.commands.leaderboard import Request, show_leaderboard
    from bench.runs.reader import runs_dir as runs_folder

    return show_leaderboard(
        Request(
            names=tuple(runs),
            metrics=tuple(split(metrics) or ()),
            out=out,
            runs=runs_folder(runs_dir),
            build=build_page,
            json_output=json_output,
        )
    )
