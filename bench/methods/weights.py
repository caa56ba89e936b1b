"""Finding the weights of trained variants in run folders (see :data:`bench.methods.load.FindWeights`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.runs.reader import Run, find_runs
from bench.util.errors import UsageError


def weights_of(run: Run) -> Any:
    """A finder of weights in one run (see bench.methods.load)."""

    def find(name: str, seed: int | None) -> tuple[Path, int]:
        file = run.checkpoint(name, seed)
        if file is None:
            raise UsageError(f"the run {run.name} holds no trained weights of {name}")
        return file, int(file.parent.name.removeprefix("seed-"))

    return find


def weights_anywhere(folder: Path) -> Any:
    """A finder of weights in the newest run of ``folder`` that holds them."""

    def find(name: str, seed: int | None) -> tuple[Path, int]:
        for run in find_runs(folder):
            file = run.checkpoint(name, seed)
            if file is not None:
                return file, int(file.parent.name.removeprefix("seed-"))
        wanted = name if seed is None else f"{name}@{seed}"
        raise UsageError(
            f"no trained weights of {wanted} under {folder}: bench train {name} makes them, "
            "or give a file with --checkpoint"
        )

    return find
