"""``bench train``: train variants into a run folder."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli import app
from bench.cli.options import Data, Device, Out, ProfileName, RunsDir, Sets, Size, assignments, split


@app.command("train")
def train(
    variants: Annotated[list[str], typer.Argument(metavar="VARIANT…", help="Variants, or VARIANT@SEED.")],
    profile: ProfileName = "quick",
    data: Data = None,
    size: Size = None,
    seeds: Annotated[str | None, typer.Option("--seeds", help="Training seeds, comma-separated.")] = None,
    sets: Sets = None,
    out: Out = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over where the run exists already.")] = False,
    device: Device = None,
    runs_dir: RunsDir = None,
) -> None:
    """Train variants; prints the weights' files. bench run goes on with the same run."""
    from bench.profile import load_profile
    from bench.run import train_only
    from bench.runs.reader import out_folder
    from bench.runs.reader import runs_dir as find_runs_dir

    overrides = assignments(sets)
    if size is not None:
        overrides["size"] = size
    if seeds is not None:
        overrides["seeds"] = split(seeds)
    runs = find_runs_dir(runs_dir)
    train_only(
        variants,
        load_profile(profile, overrides),
        data=data,
        folder=lambda name: out_folder(out, runs, name),
        changed=bool(overrides or data),
        fresh=fresh,
        device=device,
    )
