"""``bench demo``: a local web page on which one paints a hole and sees it filled."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli import app
from bench.cli.options import Device, RunsDir, WeightsDir, check_directory


@app.command("demo")
def demo(
    methods: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SPEC…]",
            help="Methods as for bench eval (default: the best of the newest run, and telea).",
        ),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on; 0.0.0.0: all interfaces.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Port (default: a free one).")] = None,
    share: Annotated[bool, typer.Option("--share", help="Also create a public link through Gradio's servers.")] = False,
    size: Annotated[
        int | None,
        typer.Option("--size", min=16, max=1024, help="Side in pixels to fill holes at (default: as trained)."),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
    device: Device = None,
    weights_dir: WeightsDir = None,
    runs_dir: RunsDir = None,
) -> None:
    """Open a page where you paint a hole and every method fills it.

    bench demo double_dg telea
    bench demo torchscript:big-lama.pt --size 512
    """
    from bench.demo.command import serve
    from bench.runs.reader import runs_dir as find_runs_dir

    check_directory(weights_dir, "--weights-dir")
    page = serve(
        methods or [], find_runs_dir(runs_dir), size=size, device=device, weights_dir=weights_dir,
        host=host, port=port, share=share, browser=not no_browser,
    )  # fmt: skip
    typer.echo(page.address)
    typer.echo("Ctrl-C ends it.", err=True)
    page.wait()
