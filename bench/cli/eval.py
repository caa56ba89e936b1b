"""``bench eval``: score methods (trained variants, references, or your own) on pictures and holes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import app
from bench.cli.options import (
    Data,
    Device,
    Export,
    Json,
    MaskPolarity,
    Masks,
    MaskThreshold,
    Out,
    RunsDir,
    Size,
    Wait,
    WeightsDir,
    Workers,
    build_page,
    check_directory,
    check_workers,
    split,
)


@app.command("eval")
def evaluate(
    methods: Annotated[
        list[str],
        typer.Argument(
            metavar="METHOD…",
            help="[NAME=]VARIANT[@SEED], torchscript:FILE, onnx:FILE, python:MODULE:FUNCTION or predictions:DIR; "
            "'onnx:FILE?hole=0&size=512' says how a model is called.",
        ),
    ],
    data: Data = None,
    masks: Masks = None,
    suite: Annotated[
        Path | None,
        typer.Option("--suite", help="A TOML file: [NAME] tables of data, masks, mask_polarity, size."),
    ] = None,
    size: Size = None,
    count: Annotated[int | None, typer.Option("--count", help="Limit on pictures per data set.")] = None,
    seed: Annotated[int | None, typer.Option("--suite-seed", help="Seed of the holes.")] = None,
    metrics: Annotated[str | None, typer.Option("--metrics", help="Metrics, comma-separated (default: all).")] = None,
    protocol: Annotated[str | None, typer.Option("--protocol", help="native, lama, mat, aot or brushbench.")] = None,
    mask_polarity: MaskPolarity = None,
    mask_threshold: MaskThreshold = None,
    force_polarity: Annotated[
        bool, typer.Option("--force-polarity", help="Score fills even if they seem made for inverted holes.")
    ] = False,
    samples: Annotated[int, typer.Option("--samples", metavar="N", help="Fills per hole of a stochastic method.")] = 1,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="Weights of the network, .safetensors or .pth (tensors only).")
    ] = None,
    save_predictions: Annotated[
        Path | None, typer.Option("--save-predictions", help="Write the filled pictures: DIR/VARIANT/MASK/ID.png.")
    ] = None,
    no_composite: Annotated[
        bool, typer.Option("--no-composite", help="Score the output as is, without restoring known pixels.")
    ] = False,
    run: Annotated[str | None, typer.Option("--run", help="The run whose weights and suite to use.")] = None,
    out: Out = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over if the run exists.")] = False,
    report: Annotated[bool, typer.Option("--report", help="Also write the HTML report.")] = False,
    workers: Workers = None,
    shard: Annotated[
        str | None, typer.Option("--shard", help="Score part I of N (3/16); bench merge joins the parts.")
    ] = None,
    device: Device = None,
    weights_dir: WeightsDir = None,
    runs_dir: RunsDir = None,
    export: Export = None,
    wait: Wait = False,
    fetch: Annotated[bool, typer.Option("--fetch", help="Download the LPIPS backbone if it is missing.")] = False,
    json_output: Json = False,
) -> None:
    """Score methods; weights come from --checkpoint, or the newest run that trained the variant.

    Without --data, --masks and --size, the suite is the run's, else the quick profile's. Pictures given with
    --data are scored at their own size unless --size is given.
    """
    from bench.commands.evaluate import Request, evaluate_methods
    from bench.runs.reader import runs_dir as find_runs_dir

    check_directory(weights_dir, "--weights-dir")
    check_workers(workers)
    evaluate_methods(
        Request(
            methods=tuple(methods),
            data=tuple(data or ()),
            masks=masks,
            size=size,
            count=count,
            seed=seed,
            metrics=tuple(split(metrics) or ()),
            protocol=protocol,
            polarity=mask_polarity,
            threshold=mask_threshold,
            suite=suite,
            force_polarity=force_polarity,
            samples=samples,
            checkpoint=checkpoint,
            save_predictions=save_predictions,
            restore_known=not no_composite,
            run=run,
            out=out,
            fresh=fresh,
            build=build_page if report else None,
            device=device,
            workers=workers,
            shard=shard,
            weights_dir=weights_dir,
            runs=find_runs_dir(runs_dir),
            json_output=json_output,
            wait=wait,
            fetch=fetch,
            export=tuple(export or ()),
        )
    )
