"""``bench noise``: how far scores move when nothing was changed."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli import app
from bench.cli.options import Json, RunsDir
from bench.util.errors import Exit, IncomparableError, UsageError


@app.command("noise")
def noise_command(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]…", help="A run with several training seeds, or repeated runs."),
    ] = None,
    repeat: Annotated[
        int, typer.Option("--repeat", min=0, help="First make this many A/A runs of --profile, each with its own seed.")
    ] = 0,
    profile: Annotated[str, typer.Option("--profile", help="Profile for --repeat.")] = "tiny",
    redrawn: Annotated[
        bool, typer.Option("--redrawn", help="The runs have different suite seeds; measure that noise too.")
    ] = False,
    masks: Annotated[bool, typer.Option("--by-mask", help="Also show each mask type.")] = False,
    json_output: Json = False,
    runs_dir: RunsDir = None,
) -> int:
    """Measure the noise floor with A/A runs and suggest gate tolerances.

    bench run --profile quick --seeds 0,1,2 && bench noise
    bench noise first second third
    bench noise --repeat 3 --profile tiny
    """
    import json

    from bench.exporters.noise_terminal import print_noise
    from bench.gate.noise import measure_noise
    from bench.runs.reader import find_run
    from bench.runs.reader import runs_dir as runs_folder

    folder = runs_folder(runs_dir)
    names = list(runs or [])
    if repeat:
        from bench.gate.noise_runs import repeat_runs

        names += repeat_runs(profile, repeat, folder)
    found = [find_run(name, folder) for name in names] or [find_run(None, folder)]
    twice = [run.name for k, run in enumerate(found) if run.path.resolve() in {r.path.resolve() for r in found[:k]}]
    if twice:
        raise UsageError(f"{twice[0]} is named twice: noise is measured between independent runs")
    floor = measure_noise(found, redrawn)
    if not floor.known:
        raise IncomparableError(
            f"{found[0].name} holds one training of each variant, and noise is what differs between trainings: name "
            "more runs of the same, train several seeds (bench run --seeds 0,1,2), or let --repeat 3 make A/A runs"
        )
    if json_output:
        print(json.dumps(floor.as_json()))
    else:
        print_noise(floor, masks)
    return Exit.OK
