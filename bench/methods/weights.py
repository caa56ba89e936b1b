"""Finding the weights of trained variants in run folders (see :data:`bench.methods.load.FindWeights`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.runs.manifest import Manifest
from bench.runs.reader import Run, find_runs, seed_of
from bench.util.errors import BenchError, UsageError
from variants.weights import sha256


def weights_of(run: Run) -> Any:
    """A finder of weights in one run (see bench.methods.load)."""

    def find(name: str, seed: int | None) -> tuple[Path, int]:
        file = run.checkpoint(name, seed)
        if file is None:
            wanted = name if seed is None else f"{name}@{seed}"
            raise UsageError(f"the run {run.name} holds no trained weights of {wanted}")
        return own(run, name, file)

    return find


def weights_anywhere(folder: Path) -> Any:
    """A finder of weights in the newest run of ``folder`` that holds them."""

    def find(name: str, seed: int | None) -> tuple[Path, int]:
        for run in find_runs(folder):
            file = run.checkpoint(name, seed)
            if file is not None:
                return own(run, name, file)
        wanted = name if seed is None else f"{name}@{seed}"
        raise UsageError(
            f"no trained weights of {wanted} under {folder}: run bench train {name}, or pass a file with --checkpoint"
        )

    return find


def own(run: Run, name: str, file: Path) -> tuple[Path, int]:
    """The weights and their seed. Raises BenchError where they are not those that run.json holds the digest of."""
    seed = seed_of(file.parent)
    assert seed is not None, file
    told = digest_told(run.manifest, name, seed)
    if told and sha256(file) != told:
        raise BenchError(
            f"{file} is not the file that {run.name} was made with (run.json holds another SHA-256): rerun the command "
            "that made the run to recreate it, or score the file with --checkpoint"
        )
    return file, seed


def digest_told(manifest: Manifest, name: str, seed: int) -> str:
    """The SHA-256 that run.json holds of the weights of a training; empty where it holds none."""
    told = manifest.training.get("weights", {}).get(f"{name}@{seed}")
    if told:
        return told
    same = [entry for entry in manifest.variants if (entry.name, entry.seed, entry.kind) == (name, seed, "network")]
    return same[0].weights_sha256 if same else ""
