"""``bench run``: train what is missing, evaluate, measure speed, write the report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import app
from bench.cli.options import (
    CheckpointEvery,
    Data,
    Device,
    Export,
    Json,
    Masks,
    Out,
    ProfileName,
    RunsDir,
    Sets,
    Size,
    TensorBoard,
    Wait,
    WeightsDir,
    Workers,
    assignments,
    build_page,
    check_directory,
    check_workers,
    split,
)


@app.command("run")
def run(
    profile: ProfileName = "quick",
    data: Data = None,
    size: Size = None,
    masks: Masks = None,
    variants: Annotated[str | None, typer.Option("--variants", help="Variants, comma-separated.")] = None,
    seeds: Annotated[str | None, typer.Option("--seeds", help="Training seeds, comma-separated.")] = None,
    sets: Sets = None,
    out: Out = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over if the run exists.")] = False,
    no_throughput: Annotated[bool, typer.Option("--no-throughput", help="Do not measure speed.")] = False,
    open_report: Annotated[bool, typer.Option("--open", help="Open the report in a browser.")] = False,
    workers: Workers = None,
    device: Device = None,
    weights_dir: WeightsDir = None,
    runs_dir: RunsDir = None,
    export: Export = None,
    checkpoint_every: CheckpointEvery = None,
    tensorboard: TensorBoard = False,
    launcher: Annotated[
        str | None, typer.Option("--launcher", help="ray: train and score over a Ray cluster (docs/scale.md).")
    ] = None,
    wait: Wait = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Download nothing (else the LPIPS backbone, once; also BENCH_OFFLINE=1).")
    ] = False,
    dry: Annotated[
        bool,
        typer.Option("--dry-run", help="Only print what would be trained and scored, and the time and disk needed."),
    ] = False,
    json_output: Json = False,
) -> None:
    """Train what is missing, evaluate, measure throughput, write the report.

    Rerun the same command to resume after an interruption. With --data folder:DIR, most of the folder's
    pictures are for training; the rest are scored.
    """
    from bench.commands.run import run_profile
    from bench.runs.reader import out_folder
    from bench.runs.reader import runs_dir as find_runs_dir

    check_directory(weights_dir, "--weights-dir")
    check_workers(workers)
    from bench.profiles.profile import load_profile

    overrides = assignments(sets)
    if size is not None:
        overrides["size"] = size
    for key, value in (("masks", masks), ("variants", variants), ("seeds", seeds)):
        if value is not None:
            overrides[key] = split(value)
    chosen = load_profile(profile, overrides)
    runs = find_runs_dir(runs_dir)
    changed = bool(overrides or data)

    def folder(name: str) -> Path:
        return out_folder(out, runs, name)

    if dry:
        from bench.commands.dry_run import dry_run

        dry_run(
            chosen, data=data, folder=folder, changed=changed, fresh=fresh, device=device, weights_dir=weights_dir,
            json_output=json_output,
        )  # fmt: skip
        return
    run_profile(
        chosen,
        data=data,
        folder=folder,
        changed=changed,
        fresh=fresh,
        wait=wait,
        offline=offline,
        checkpoint_every=checkpoint_every,
        tensorboard=tensorboard,
        launcher=launcher,
        throughput=not no_throughput,
        open_report=open_report,
        device=device,
        workers=workers,
        weights_dir=weights_dir,
        json_output=json_output,
        export=tuple(export or ()),
        build=build_page,
    )
