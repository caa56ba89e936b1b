"""``bench train``: train variants into a run folder."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli import app
from bench.cli.options import (
    CheckpointEvery,
    Data,
    Device,
    Json,
    Out,
    ProfileName,
    RunsDir,
    Sets,
    Size,
    TensorBoard,
    Wait,
    WeightsDir,
    assignments,
    check_directory,
    split,
)
from bench.util.errors import UsageError


@app.command("train")
def train(
    variants: Annotated[list[str], typer.Argument(metavar="VARIANT…", help="Variants, or VARIANT@SEED.")],
    profile: ProfileName = "quick",
    data: Data = None,
    size: Size = None,
    seeds: Annotated[str | None, typer.Option("--seeds", help="Training seeds, comma-separated.")] = None,
    sets: Sets = None,
    out: Out = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over if the run exists.")] = False,
    device: Device = None,
    weights_dir: WeightsDir = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Do not train: time a few steps of each and estimate the duration.")
    ] = False,
    seconds: Annotated[
        float | None, typer.Option("--seconds", help="With --estimate: seconds of steps per variant (default: 5).")
    ] = None,
    checkpoint_every: CheckpointEvery = None,
    tensorboard: TensorBoard = False,
    wait: Wait = False,
    json_output: Json = False,
    runs_dir: RunsDir = None,
) -> None:
    """Train variants and print the weight files; bench run continues the same run.

    With --estimate, say how long that would take: bench train baseline --profile paper --estimate

    Several processes train one network together under torchrun:

    torchrun --nproc-per-node 2 -m bench train double_dg --profile paper
    """
    from bench.commands.train import estimate_only, train_only
    from bench.profiles.profile import load_profile
    from bench.runs.reader import out_folder
    from bench.runs.reader import runs_dir as find_runs_dir

    check_directory(weights_dir, "--weights-dir")
    overrides = assignments(sets)
    if size is not None:
        overrides["size"] = size
    if seeds is not None:
        overrides["seeds"] = split(seeds)
    if estimate:
        seconds = 5.0 if seconds is None else seconds
        if not 0 < seconds < 3600:
            raise UsageError("--seconds must be between 0 and 3600")
        estimate_only(variants, load_profile(profile, overrides), data, device, seconds, json_output, weights_dir)
        return
    if json_output or seconds is not None:
        raise UsageError(f"{'--json' if json_output else '--seconds'} requires --estimate.")
    runs = find_runs_dir(runs_dir)
    train_only(
        variants,
        load_profile(profile, overrides),
        data=data,
        folder=lambda name: out_folder(out, runs, name),
        changed=bool(overrides or data),
        fresh=fresh,
        device=device,
        wait=wait,
        checkpoint_every=checkpoint_every,
        tensorboard=tensorboard,
        weights_dir=weights_dir,
    )
