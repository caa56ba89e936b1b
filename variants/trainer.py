"""One trainer for every variant: what differs between them is their network, objective and settings.

Batches are a pure function of the step number, so that a training that was stopped goes on with the same
pictures, and the same seed on the same machine ends in the same weights.
"""

from __future__ import annotations

import contextlib
import csv
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from variants.atomic import replacing
from variants.memory import keep_freed_memory
from variants.method import Network
from variants.session import Plan, Session, to_device

Source = Callable[[int], tuple[np.ndarray, np.ndarray]]
"""step -> (pictures uint8 (N, H, W, 3), holes bool (N, H, W)), or the same as tensors on the device."""

Validate = Callable[[nn.Module], float]
"""generator -> mean hole PSNR [dB] on validation pictures."""

SAVE_EVERY_S = 20.0
ROWS = 100
"""Rows that a history has, about: one every hundredth of the steps."""


@dataclass(frozen=True)
class Progress:
    """Where a training stands. loss: the generator's, mean since the last report."""

    name: str
    seed: int
    step: int
    steps: int
    loss: float
    images_per_s: float
    done: bool = False


def train(
    variant: Network,
    plan: Plan,
    source: Source,
    folder: Path,
    *,
    validate: Validate | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
    stopping: Callable[[], bool] = lambda: False,
) -> bool:
    """Train ``variant`` into ``folder``: generator.safetensors, state.pt, history.csv (docs/run-folder.md).

    Goes on from state.pt where the folder holds one of the same plan. ``stopping`` is asked at every step;
    when it says so, the state is saved and False returned. Returns True when the training is complete.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keep_freed_memory()
    session, history = Session(variant, plan), History(folder / "history.csv")
    state_file = folder / "state.pt"
    if state_file.is_file():
        saved = torch.load(state_file, map_location=plan.device, weights_only=True)
        if saved["plan"] == fingerprint(plan):
            session.restore(saved)
    history.keep(session.step_count)
    every = max(1, plan.steps // ROWS)
    seconds = history.seconds
    began = marked = saved_at = time.perf_counter()
    sums: dict[str, Tensor] = {}
    counted = 0
    while session.step_count < plan.steps:
        losses = session.step(*to_device(*source(session.step_count), plan.device))
        for name, value in losses.items():
            sums[name] = sums[name] + value if name in sums else value.float()
        counted += 1
        step, now = session.step_count, time.perf_counter()
        stop = stopping()
        if step % every == 0 or step == plan.steps or stop:
            means = {name: float(value) / counted for name, value in sums.items()}
            now = time.perf_counter()
            loss = sum(value for name, value in means.items() if not name.startswith("critic"))
            if not math.isfinite(loss):
                raise FloatingPointError(f"{plan.name} diverged at step {step}: its loss is {loss}")
            rate = counted * plan.batch / max(now - marked, 1e-9)
            row: dict[str, float | int | str] = {
                "step": step,
                "epoch": round(step / plan.steps_per_epoch, 3) if plan.steps_per_epoch else "",
                "seconds": round(seconds + now - began, 2),
                "images_per_s": round(rate, 1),
                "lr": session.optimiser.rate,
                **{name: round(value, 6) for name, value in means.items()},
            }
            if validate is not None and (step % (every * 10) == 0 or step == plan.steps):
                # As it is written: compiling it once more for this would take longer than a hundred validations.
                with torch.compiler.set_stance("force_eager") if plan.compile else contextlib.nullcontext():
                    row["validation_psnr_hole"] = round(validate(session.generator.eval()), 3)
                session.generator.train()
            history.add(row)
            report(Progress(plan.name, plan.seed, step, plan.steps, loss, rate))
            sums, counted, marked = {}, 0, time.perf_counter()
        if stop or now - saved_at > SAVE_EVERY_S:
            save_state(session, state_file)
            history.write()
            saved_at = now
        if stop and step < plan.steps:
            return False
    history.write()
    save_generator(session, folder / "generator.safetensors")
    save_state(session, state_file)
    report(Progress(plan.name, plan.seed, plan.steps, plan.steps, math.nan, math.nan, done=True))
    return True


def fingerprint(plan: Plan) -> dict[str, Any]:
    """What two trainings must share for one to go on from the other's state. format: of what optimisers keep."""
    return {
        "format": 2,
        **{key: getattr(plan, key) for key in ("name", "seed", "width", "steps", "batch", "precision", "threads")},
    }


def save_state(session: Session, file: Path) -> None:
    with replacing(file) as temporary:
        torch.save({**session.state(), "plan": fingerprint(session.plan)}, temporary)


def save_generator(session: Session, file: Path) -> None:
    from safetensors.torch import save_file

    state = {key: value.detach().cpu().contiguous() for key, value in session.generator.state_dict().items()}
    plan = session.plan
    facts = {"variant": plan.name, "width": plan.width, "step": session.step_count, "seed": plan.seed}
    with replacing(file) as temporary:
        # One key alone: several would be written in an order that changes from process to process.
        save_file(state, str(temporary), metadata={"training": json.dumps(facts, sort_keys=True)})


class History:
    """history.csv: kept in memory, written whole; columns are the union of the rows'."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.rows: list[dict[str, Any]] = []
        if file.is_file():
            with file.open(newline="", encoding="utf-8") as stream:
                self.rows = list(csv.DictReader(stream))

    @property
    def seconds(self) -> float:
        return float(self.rows[-1]["seconds"]) if self.rows else 0.0

    def keep(self, step: int) -> None:
        """Forget rows past the step that the training goes on from."""
        self.rows = [row for row in self.rows if int(row["step"]) <= step]

    def add(self, row: dict[str, Any]) -> None:
        self.rows.append(row)

    def write(self) -> None:
        columns = list(dict.fromkeys(key for row in self.rows for key in row))
        with replacing(self.file) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, columns)
            writer.writeheader()
            writer.writerows(self.rows)
