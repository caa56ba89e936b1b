"""``bench probe``: find out how a model from outside wants its picture and mask."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli import app
from bench.cli.options import Device, Json


@app.command("probe")
def probe(
    spec: Annotated[
        str, typer.Argument(metavar="SPEC", help="torchscript:FILE, onnx:FILE or python:MODULE:FUNCTION, with keys.")
    ],
    size: Annotated[int | None, typer.Option("--size", min=16, help="Side of the pictures it is tried on.")] = None,
    device: Device = None,
    json_output: Json = False,
) -> None:
    """Find the SPEC of a model: which values, which mask, which inputs it was made for.

    The ways that run are tried on drawn scenes whose holes are known, and listed best first. What you say in
    the SPEC is kept.
    """
    from bench.commands.probe import probe_spec

    probe_spec(spec, device, size, json_output)
