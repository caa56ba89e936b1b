"""How far a run that is still going on has come, from what its folder holds."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.runs.reader import Run


@dataclass(frozen=True)
class Step:
    """A piece of the work: ``done`` of ``total``."""

    name: str
    done: int
    total: int
    note: str = ""

    @property
    def share(self) -> float:
        """Share that is done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


@dataclass(frozen=True)
class Progress:
    """What a run has done and has still to do."""

    steps: list[Step]
    idle_s: float
    """Seconds since a file of the run last changed."""


def progress(run: Run) -> Progress:
    """Training steps of every network and scored (method, data set, mask type) combinations."""
    manifest, profile = run.manifest, run.manifest.profile
    steps = []
    for file in sorted((run.path / "checkpoints").glob("*/seed-*/history.csv")):
        name, seed = file.parent.parent.name, file.parent.name.removeprefix("seed-")
        done = _last_step(run, name, int(seed))
        if (file.parent / "generator.safetensors").is_file():
            steps.append(Step(f"training {name}", 1, 1, f"{done} steps"))
        else:
            total = int(profile.get("steps") or 0)
            steps.append(
                Step(f"training {name}", done, total, f"{done} steps" if not total else f"step {done} of {total}")
            )
    variants = list(profile.get("variants") or [entry.name for entry in manifest.variants])
    total = len(variants) * max(1, len(profile.get("seeds") or [0])) * len(manifest.datasets) * len(manifest.masks)
    done = len(run.record_files())
    if total:
        steps.append(Step("scoring", done, max(total, done), f"{done} of {max(total, done)} combinations"))
    steps.append(Step("speed", int(run.throughput() is not None), 1))
    steps.append(Step("pictures", int((run.path / "samples" / "index.json").is_file()), 1))
    return Progress(steps, idle(run))


def _last_step(run: Run, variant: str, seed: int) -> int:
    history = run.history(variant, seed)
    return int(history["step"].max()) if history is not None and len(history) and "step" in history else 0


def idle(run: Run) -> float:
    """Seconds since a file of the run last changed; the report itself does not count."""
    newest = max(
        (f.stat().st_mtime for f in run.path.rglob("*") if f.is_file() and f.name != "report.html"), default=time.time()
    )
    return max(0.0, time.time() - newest)
