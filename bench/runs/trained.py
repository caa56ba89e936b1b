"""Where the trainings of a run lie in its folder."""

from __future__ import annotations

from pathlib import Path

WEIGHTS = "generator.safetensors"

DIVERGED = "diverged.json"
"""The file that says why a training came to nothing: it would again, so it is not begun a second time."""


def training_folder(run: Path, variant: str, seed: int) -> Path:
    """The folder of one training: its weights, its last state, its history."""
    return run / "checkpoints" / variant / f"seed-{seed}"


def weights_file(run: Path, variant: str, seed: int) -> Path:
    """The finished weights of one training; not there before it ends."""
    return training_folder(run, variant, seed) / WEIGHTS


def trained(run: Path) -> list[str]:
    """Variants whose finished weights lie in a run folder, by name."""
    return sorted({file.parent.parent.name for file in (run / "checkpoints").glob(f"*/seed-*/{WEIGHTS}")})
