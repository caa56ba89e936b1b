"""``bench weights``: the networks that LPIPS, FID and FD-DINOv2 look through: where they lie, how to get them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from bench.cli import app
from bench.cli.options import Json, WeightsDir, check_directory
from bench.util.errors import UsageError

weights_app = typer.Typer(
    help="Backbones of LPIPS, FID and FD-DINOv2: where they are searched for, how to fetch or add one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(weights_app, name="weights")


@weights_app.command("status")
def status(weights_dir: WeightsDir = None, json_output: Json = False) -> None:
    """Show where each backbone was searched for and found, its SHA-256 and its check."""
    from bench import backbones as weights

    check_directory(weights_dir, "--weights-dir")
    rows = weights.status(weights_dir)
    if json_output:
        typer.echo(json.dumps({"schema": 1, "folder": str(weights.user_folder()), "backbones": rows}, indent=1))
        return
    for row in rows:
        typer.echo(f"{row['backbone']} ({row['scores']}): {'ready' if row['usable'] else row['why']}")
        if row["file"]:
            typer.echo(f"  file    {row['file']}")
        if row["sha256"]:
            typer.echo(f"  sha256  {row['sha256']}")
        if row["check"]:
            typer.echo(f"  check   {row['check']}")
        for place in row["looked"]:
            found = ", ".join(place["files"]) or ("nothing" if place["exists"] else "no such folder")
            typer.echo(f"  looked  {place['folder']} ({place['where']}): {found}")


@weights_app.command("fetch")
def fetch(
    name: Annotated[
        str,
        typer.Argument(
            help="alexnet (LPIPS), vgg16 (the lama protocol), squeezenet1_1 (brushbench), inception (FID), dinov2 "
            "(FD-DINOv2), vgg16_oxford (a loss to train by), or a metric of another library: pyiqa:dists."
        ),
    ] = "alexnet",
    url: Annotated[str | None, typer.Option("--url", help="A mirror: URL of the folder or of the file itself.")] = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder to put it in (else BENCH_WEIGHTS_DIR, else torch's cache).")
    ] = None,
    json_output: Json = False,
) -> None:
    """Download a backbone; an interrupted download resumes."""
    from bench import backbones as weights
    from bench.util.download import download, shown
    from bench.util.progress import Reporter, say

    if ":" in name:
        fetch_outside(name, url, to, json_output)
        return
    which = weights.backbone(name)
    which.require_package()
    address, file, prefix = weights.address(which, url)
    target = (to or weights.user_folder()) / file
    if target.exists():
        say(f"{target} exists; checking it")
    else:
        say(f"fetching {address} ({which.megabytes} MB when published)")
        with Reporter("fetch") as reporter:
            download(address, target, prefix, shown(reporter, which.name))
    try:
        passed = which.check(target)[1]
    except weights.WeightsError as error:
        raise weights.WeightsError(f"{error} (delete {target} and fetch it again)") from error
    if json_output:
        found = {"schema": 1, "backbone": which.name, "file": str(target), "sha256": weights.sha256(target)}
        typer.echo(json.dumps({**found, "check": passed}, indent=1))
    else:
        typer.echo(f"{which.name}: {target} ({passed})")


def fetch_outside(name: str, url: str | None, to: Path | None, json_output: bool) -> None:
    """What a metric of another library needs, which that library fetches to its own cache."""
    from bench.metrics.libraries import column

    if url or to:
        raise UsageError(
            f"{'--url' if url else '--to'} is not supported for {name}: its library downloads to its own cache"
        )
    column.fetch(name)
    typer.echo(json.dumps({"schema": 1, "metric": name}) if json_output else f"{name}: ready")


@weights_app.command("add")
def add(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="A local .pth or .safetensors file.")],
    json_output: Json = False,
) -> None:
    """Check a file and copy it to where it is searched for; an LPIPS backbone needs only its features."""
    from bench import backbones as weights

    if not files:
        raise UsageError("name a file to add")
    added = []
    for file in files:
        which, target, passed = weights.add(file)
        added.append({"backbone": which.name, "file": str(target), "check": passed})
        if not json_output:
            typer.echo(f"{which.name}: {target} ({passed})")
    if json_output:
        typer.echo(json.dumps({"schema": 1, "added": added}, indent=1))
