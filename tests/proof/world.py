"""The run that all cases begin with, and what of a run must be the same after whatever happened to it."""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
import pkgutil
import shutil
from collections.abc import Callable
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
    import pydantic  # noqa: F401
    import safetensors.torch  # noqa: F401
    import scipy.ndimage  # noqa: F401
    import skimage.metrics  # noqa: F401
    import torch
    import torch._dynamo  # what optimisers import
    import typer.main

    import bench
    import reports
    import variants

    for house in (bench, reports, variants):
        for module in pkgutil.walk_packages(house.__path__, f"{house.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    torch.set_num_threads(1)
    # What the parser is made of stays the same: building it takes longer than most commands.
    typer.main.get_command = functools.cache(typer.main.get_command)
    typer.main.get_command(bench.cli.app)


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
    if (run / "summary.json").exists():
        summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
        found["summary"] = hashlib.sha256(json.dumps(summary["scores"], sort_keys=True).encode()).hexdigest()
    found["left"] = [path.name for path in run.rglob(".*")]
    for file in sorted((run / "samples").rglob("*.png")):
        with Image.open(file) as image:
            found[file.relative_to(run).as_posix()] = hashlib.sha256(np.asarray(image).tobytes()).hexdigest()
    return found


def unlike(run: Path, expected: dict[str, Any]) -> str:
    """The first things that differ from a run's facts; empty for none."""
    return differing(told(run.parent.parent, lambda: facts(run)), expected)


def facts_in(folder: Path) -> dict[str, Any]:
    """What of a working directory is the same whenever the same commands were given: of runs the facts and tensors, of
    other files their bytes."""
    return told(folder, lambda: {**facts_of_runs(folder), **bytes_of_others(folder)})


def facts_of_runs(folder: Path) -> dict[str, Any]:
    import torch
    from safetensors.torch import load_file

    found: dict[str, Any] = {}
    for file in sorted(folder.glob("runs/*/run.json")):
        run = file.parent
        found |= {f"{run.name} {key}": value for key, value in facts(run).items()}
        for weights in sorted(run.rglob("generator.safetensors")):
            content = hashlib.sha256()
            for name, tensor in sorted(load_file(weights).items()):
                content.update(f"{name} {tensor.shape} {tensor.dtype}".encode())
                content.update(tensor.reshape(-1).view(torch.uint8).numpy())
            found[f"{run.name} {weights.relative_to(run)}"] = content.hexdigest()
            steps = [line.split(",")[0] for line in (weights.parent / "history.csv").read_text().splitlines()]
            found[f"{run.name} steps of the history"] = steps
        # The last state of a training that ended is no result: nobody reads it any more.
        names = (path for path in run.rglob("*") if path.is_file() and path.name != "state.pt")
        there = {path.relative_to(run).as_posix() for path in names}
        found[f"{run.name} files"] = sorted(there)
    return found


def bytes_of_others(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "runs" not in path.relative_to(folder).parts
    }


def told(folder: Path, tell: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What ``tell`` finds in a child, so that this process starts no threads."""
    place = folder.with_name(f"{folder.name}.json")

    def write() -> int:
        place.write_text(json.dumps(tell()))
        return 0

    done = forked(write, folder)
    if done.code != 0:
        return {"cannot be read": done.err[-200:]}
    found: dict[str, Any] = json.loads(place.read_text())
    place.unlink()
    return found


def differing(found: dict[str, Any], expected: dict[str, Any]) -> str:
    """The first things that differ; empty for none."""
    if "cannot be read" in found:
        return f"what is there cannot be read: {found['cannot be read']}"
    keys = [key for key in sorted({*found, *expected}) if found.get(key) != expected.get(key)]
    return ", ".join(f"{key} {here}" if (here := found.get(key)) and len(str(here)) < 200 else key for key in keys[:3])
