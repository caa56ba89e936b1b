"""``bench merge``: join the shards of an evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import app
from bench.cli.options import Export, Json, RunsDir, Wait, build_page


@app.command("merge")
def merge(
    run: Annotated[Path, typer.Argument(help="The run whose shards lie in RUN.shards, by name or path.")],
    report: Annotated[bool, typer.Option("--report", help="Also write the HTML report.")] = False,
    runs_dir: RunsDir = None,
    export: Export = None,
    wait: Wait = False,
    json_output: Json = False,
) -> None:
    """Join what bench eval --shard I/N scored into one run; the last shard does it by itself.

    Rows that are missing, double or unlike are refused by name.
    """
    from bench.commands.merge import merge_run
    from bench.runs.reader import out_folder
    from bench.runs.reader import runs_dir as find_runs_dir
    from bench.runs.shards import folder_of

    place = run if folder_of(run).is_dir() else out_folder(run, find_runs_dir(runs_dir), run.name)
    merge_run(
        place, build=build_page if report else None, json_output=json_output, export=tuple(export or ()), wait=wait
    )
