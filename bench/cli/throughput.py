"""``bench throughput``: how fast methods fill, how close to the machine's limits, and at what cost in accuracy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import app
from bench.cli.options import Device, Json, Out, RunsDir, split
from bench.util.errors import UsageError


@app.command("throughput")
def throughput(
    variants: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[METHOD…]",
            help="VARIANT[@SEED], torchscript:FILE, onnx:FILE or python:MODULE:NAME (default: every variant).",
        ),
    ] = None,
    resolution: Annotated[
        str | None, typer.Option("--resolution", help="Sides in pixels, comma-separated (default: 64; a GPU: 256).")
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option("--batch", help="Batch sizes, comma-separated, or sweep: 1, 2, 4, … until out of memory."),
    ] = None,
    precision: Annotated[
        str | None, typer.Option("--precision", help="fp32, tf32, bf16, fp16 (default: the device's best).")
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            "--mode", help="eager, contiguous (not channels_last), folded (BatchNorm), compile, graphs (CUDA)."
        ),
    ] = None,
    width: Annotated[
        int | None,
        typer.Option("--width", help="Channels of networks with random weights (default: 64, the paper's)."),
    ] = None,
    run: Annotated[str | None, typer.Option("--run", help="Use the weights trained in this run.")] = None,
    checkpoint: Annotated[Path | None, typer.Option("--checkpoint", help="Use the weights in this file.")] = None,
    seconds: Annotated[float, typer.Option("--seconds", help="Total time budget, without compilation.")] = 60.0,
    threads: Annotated[int | None, typer.Option("--threads", help="CPU threads (default: the faster count).")] = None,
    out: Out = None,
    benchmark_json: Annotated[
        Path | None, typer.Option("--benchmark-json", help="Also write JSON in pytest-benchmark's format.")
    ] = None,
    device: Device = None,
    runs_dir: RunsDir = None,
    json_output: Json = False,
) -> None:
    """Time methods side by side: images per second, latency, memory, share of the machine's roofline."""
    from bench.commands.throughput import Request, time_methods
    from bench.runs.reader import out_folder
    from bench.throughput.settings import MODES, PRECISIONS, SWEEP, check_choices

    runs = _runs_dir_of(runs_dir)
    precisions, modes = split(precision), split(mode)
    request = Request(
        specs=tuple(variants or ()),
        resolutions=positive("--resolution", resolution),
        batches=SWEEP if batch == SWEEP else positive("--batch", batch),
        precisions=None if precisions is None else tuple(check_choices("precision", precisions, PRECISIONS)),
        modes=None if modes is None else tuple(check_choices("mode", modes, MODES)),
        width=checked("--width", width, 1, 1024),
        seconds=_checked_seconds(seconds),
        threads=checked("--threads", threads, 1, 1024),
        run=run,
        checkpoint=checkpoint,
        device=device,
        runs=runs,
        out=None if out is None else out_folder(out, runs, ""),
        benchmark_json=benchmark_json,
        json_output=json_output,
    )
    time_methods(request)


def _runs_dir_of(option: Path | None) -> Path:
    from bench.runs.reader import runs_dir

    return runs_dir(option)


def positive(flag: str, text: str | None) -> tuple[int, ...] | None:
    """Comma-separated whole numbers from 1 to 16384, each once; None stays None. Raises UsageError."""
    parts = split(text)
    if parts is None:
        return None
    numbers = [int(part) if part.isascii() and part.isdigit() else 0 for part in parts]
    if not numbers or any(not 1 <= number <= 16384 for number in numbers):
        raise UsageError(f"{flag} '{text}' must be whole numbers from 1 to 16384, separated by commas")
    return tuple(dict.fromkeys(numbers))


def checked(flag: str, value: int | None, low: int, high: int) -> int | None:
    """A number that lies between ``low`` and ``high``, both included; raises UsageError, naming the flag, otherwise."""
    if value is not None and not low <= value <= high:
        raise UsageError(f"{flag} {value} must be from {low} to {high}")
    return value


def _checked_seconds(value: float) -> float:
    if not 0 < value < 1e6:  # also refuses NaN
        raise UsageError(f"--seconds {value:g} must be greater than 0")
    return value
