"""A profile and a training of it that are small enough for tests."""

from __future__ import annotations

from pathlib import Path

from bench.profiles.profile import load_profile
from bench.training.schedule import (
    Job,
)


def profile(**changes):
    return load_profile("tiny", {"width": 4, "batch": 16, **changes})


def job(name: str = "baseline", seed: int = 0, steps: int = 10, device: str = "cpu", **changes) -> Job:
    nowhere = Path("nowhere")
    given = {"folder": nowhere, "pool": nowhere, "validation": nowhere, "profile": profile()}
    return Job(name=name, seed=seed, steps=steps, device=device, **{**given, **changes})
