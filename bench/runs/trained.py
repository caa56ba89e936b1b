"""Where the trainings of a run lie in its folder."""

from __future__ import annotations

from pathlib import Path

WEIGHTS = "generator.safetensors"


def training_folder(run: Path, variant: str, seed: int) -> Path:
    """The folder of one training: its weights, its last state, its history."""
    return run / "checkpoints" / variant / f"seed-{seed}"


def weights_file(run: Path, variant: str, seed: int) -> Path:
    """The finished weights of one training; not there before it ends."""
    return training_folder(run, variant, seed) / WEIGHTS
