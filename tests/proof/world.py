"""The run that all cases begin with, and what of a run must be the same after whatever happened to it."""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
import shutil
from pathlib import Path
from typing import Any

from tests.proof.forked import bench, forked

EVAL = (
    "eval", "telea", "mean_fill", "--data", "scenes", "--count", "3", "--size", "32", "--masks", "rect,circle",
    "--metrics", "psnr_hole,l1_hole", "--workers", "1", "--out", "runs/r",
)  # fmt: skip
REPORT = (*EVAL, "--report")


def warm() -> None:
    """Import all that the commands do, so that children need not."""
    import cv2  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import safetensors.torch  # noqa: F401
    import scipy.ndimage  # noqa: F401
    import skimage.metrics  # noqa: F401
    import torch
    import typer.main

    import bench.cli as cli

    for name in ("commands.evaluate", "comparison.compare", "gate.check", "methods.load", "stages.score"):
        importlib.import_module(f"bench.{name}")
    importlib.import_module("reports.build")

    torch.set_num_threads(1)
    # What the parser is made of stays the same: building it takes longer than most commands.
    for name in cli.commands():
        importlib.import_module(f"bench.cli.{name}")
    typer.main.get_command = functools.cache(typer.main.get_command)
    typer.main.get_command(cli.app)


def make(folder: Path) -> None:
    folder.mkdir(parents=True)
    done = forked(lambda: bench(*REPORT), folder)
    assert done.code == 0, done.err


def copy(world: Path, place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    return Path(shutil.copytree(world, place, symlinks=True))


def facts(run: Path) -> dict[str, Any]:
    """Records without their order in the file's pages, means, pixels of the samples: all but times and machine."""
    import numpy as np
    import pyarrow.parquet as pq
    from PIL import Image

    found: dict[str, Any] = {}
    for file in sorted((run / "records").rglob("*.parquet")):
        table = pq.read_table(file, partitioning=None)
        rows = json.dumps(table.to_pylist(), sort_keys=True, default=str)
        found[file.relative_to(run).as_posix()] = hashlib.sha256(rows.encode()).hexdigest()
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    found["summary"] = hashlib.sha256(json.dumps(summary["scores"], sort_keys=True).encode()).hexdigest()
    for file in sorted((run / "samples").rglob("*.png")):
        with Image.open(file) as image:
            found[file.relative_to(run).as_posix()] = hashlib.sha256(np.asarray(image).tobytes()).hexdigest()
    return found


def unlike(run: Path, expected: dict[str, Any]) -> str:
    """The first thing that differs; empty for none. In a child, so that this process starts no threads."""
    place = run.parent.parent / "facts.json"

    def tell() -> int:
        place.write_text(json.dumps(facts(run)))
        return 0

    done = forked(tell, run.parent.parent)
    if done.code != 0:
        return f"the run cannot be read: {done.err[-200:]}"
    found = json.loads(place.read_text())
    place.unlink()
    changed = [key for key in sorted({*found, *expected}) if found.get(key) != expected.get(key)]
    left = [path.name for path in run.rglob(".*")]
    return ", ".join(changed[:3] + left[:3])
