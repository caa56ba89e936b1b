"""One trainer for every variant: what differs between them is their network, objective and settings.

Batches are a pure function of the step number, so that a training that was stopped goes on with the same
pictures, and the same seed on the same machine ends in the same weights. Several processes may train one network
together (:mod:`variants.ranks`): the first of them writes, and the others read nothing.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from variants import ranks, resume
from variants.atomic import replacing
from variants.checkpoint_every import Due, Every
from variants.history import History
from variants.keep_freed_memory import keep_freed_memory
from variants.method import Network
from variants.session import Plan, Session, to_device
from variants.watch import Watch, spread

Source = Callable[[int], tuple[np.ndarray, np.ndarray]]
"""step -> (pictures uint8 (N, H, W, 3), holes bool (N, H, W)), or the same as tensors on the device. Of several ranks,
each one's share of the batch."""

Validate = Callable[[nn.Module], float]
"""generator -> mean hole PSNR [dB] on validation pictures."""

ROWS = 100
"""Rows that a history has, about: one every hundredth of the steps."""


@dataclass(frozen=True)
class Progress:
    """Where a training stands. loss: the generator's, mean since the last report. row: what history.csv gets. resumed:
    it goes on from here, and no step was done yet."""

    name: str
    seed: int
    step: int
    steps: int
    loss: float
    images_per_s: float
    done: bool = False
    row: Mapping[str, Any] = field(default_factory=dict)
    resumed: bool = False


def train(
    variant: Network,
    plan: Plan,
    source: Source,
    folder: Path,
    *,
    validate: Validate | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
    stopping: Callable[[], bool] = lambda: False,
    every: Every = Every(),
    tell: Callable[[str], None] = lambda sentence: None,
) -> bool:
    """Train ``variant`` into ``folder``: generator.safetensors, state.pt, history.csv (docs/run-folder.md).

    Goes on from the newest state in the folder that is whole and of the same plan; ``tell`` gets a sentence for each
    that is not. ``every``: how often one is kept. ``stopping`` is asked at every step; when it says so, the state is
    saved and False returned. Returns True when the training is complete. Raises Diverged where it came to nothing.
    """
    keep_freed_memory()
    leads = ranks.index() == 0
    session, sums, rows = begin(variant, plan, folder, tell)
    history, watch, due = History(folder / "history.csv", rows), Watch(plan.name), Due(every)
    history.keep(session.step_count)
    if session.step_count:
        report(Progress(plan.name, plan.seed, session.step_count, plan.steps, math.nan, math.nan, resumed=True))
    interval = max(1, plan.steps // ROWS)
    sums.marked = time.perf_counter()
    while session.step_count < plan.steps:
        sums.add(session.step(*to_device(*source(session.step_count), plan.device)))
        step = session.step_count
        stop = leads and stopping()
        if step % interval == 0 or step == plan.steps:
            means = ranks.means(sums.means(), plan.device)
            sums.clock()
            look(watch, session, means)
            loss = sum(value for name, value in means.items() if not name.startswith("critic"))
            row: dict[str, float | int | str] = {
                "step": step,
                "epoch": round(step / plan.steps_per_epoch, 3) if plan.steps_per_epoch else "",
                "seconds": round(sums.seconds, 2),
                "images_per_s": round(sums.count * plan.batch / max(sums.seconds - sums.before_s, 1e-9), 1),
                "lr": session.optimiser.rate,
                **{name: round(value, 6) for name, value in means.items()},
            }
            if validate is not None and leads and (step % (interval * 10) == 0 or step == plan.steps):
                row["validation_psnr_hole"] = round(validated(session, validate), 3)
            history.add(row)
            report(Progress(plan.name, plan.seed, step, plan.steps, loss, float(row["images_per_s"]), row=row))
            sums.clock()
            sums.restart()
        if leads and (due.stepped() or stop) and step < plan.steps:
            sums.clock()
            _save_state(session, sums, history, folder)
            history.write()
        if stop and step < plan.steps:
            return False
    if leads:
        history.write()
        _save_state(session, sums, history, folder)
        resume.forget_before(folder)
        # Last: where it is, all of the training is.
        save_generator(session, folder / "generator.safetensors")
    report(Progress(plan.name, plan.seed, plan.steps, plan.steps, math.nan, math.nan, done=True))
    return True


class Sums:
    """Losses since the last row of the history, and seconds of the whole training: a training that was stopped has
    the history of one that was not."""

    def __init__(self) -> None:
        self.losses: dict[str, Tensor] = {}
        self.count = 0
        self.seconds = self.before_s = 0.0
        self.marked = time.perf_counter()

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Add one step's losses, kept on the device: nothing waits for a GPU here."""
        for name, value in losses.items():
            self.losses[name] = self.losses[name] + value if name in self.losses else value.float()
        self.count += 1

    def means(self) -> dict[str, float]:
        """Mean of each loss over the steps since the last row."""
        return {name: float(value) / self.count for name, value in self.losses.items()}

    def clock(self) -> None:
        """Add the time since the last call."""
        now = time.perf_counter()
        self.seconds += now - self.marked
        self.marked = now

    def restart(self) -> None:
        """Begin the next row: losses from zero, its speed from now on."""
        self.losses, self.count, self.before_s = {}, 0, self.seconds

    def as_dict(self) -> dict[str, Any]:
        """What a saved state holds of it."""
        return {"losses": self.losses, "count": self.count, "seconds": self.seconds, "before_s": self.before_s}

    def restore(self, saved: Mapping[str, Any], device: str) -> None:
        """Take over what :meth:`as_dict` gave, with the losses on ``device``."""
        self.losses = {name: value.to(device) for name, value in saved["losses"].items()}
        self.count, self.seconds, self.before_s = saved["count"], saved["seconds"], saved["before_s"]


def begin(
    variant: Network, plan: Plan, folder: Path, tell: Callable[[str], None]
) -> tuple[Session, Sums, list[dict[str, Any]] | None]:
    """A training as it begins, or as the newest usable state in ``folder`` left it, and the rows of its history; the
    same on every rank."""
    saved: dict[str, Any] | None = None
    if ranks.index() == 0:
        folder.mkdir(parents=True, exist_ok=True)
        saved = resume.found(folder, fingerprint(plan), lambda given: Session(variant, plan).restore(given), tell)
    saved = ranks.handed_out(saved, plan.device)
    session, sums = Session(variant, plan), Sums()
    if saved is not None:
        session.restore(saved)
        sums.restore(saved["sums"], plan.device)
    return session, sums, [] if saved is None else saved.get("history")


def look(watch: Watch, session: Session, losses: Mapping[str, float]) -> None:
    """Raises Diverged where the training has come to nothing, on every rank alike."""
    assert session.shown is not None
    fills, truth, holes = session.shown
    spreads = ranks.means({"fills": spread(fills, holes), "truth": spread(truth, holes)}, session.plan.device)
    watch.look(session.step_count, losses, spreads["fills"], spreads["truth"])


def validated(session: Session, validate: Validate) -> float:
    """The validation score of the weights that would be handed over now."""
    # As it is written: compiling it once more for this would take longer than a hundred validations.
    eager = torch.compiler.set_stance("force_eager") if session.plan.compile else contextlib.nullcontext()
    with eager, session.handed_over() as generator:
        score = validate(generator.eval())
    session.generator.train()
    return score


def fingerprint(plan: Plan) -> dict[str, Any]:
    """What two trainings must share for one to go on from the other's state. format: of what a state holds."""
    keys = ("name", "seed", "width", "steps", "batch", "precision", "threads", "ema", "features")
    return {"format": 3, **{key: getattr(plan, key) for key in keys}}


def _save_state(session: Session, sums: Sums, history: History, folder: Path) -> None:
    own = {"sums": sums.as_dict(), "history": history.rows, "plan": fingerprint(session.plan)}
    resume.save({**session.state(), **own}, folder)


def save_generator(session: Session, file: Path) -> None:
    """Write the generator's weights as safetensors, with variant, width, step and seed as metadata."""
    from safetensors.torch import save_file

    with session.handed_over() as generator:
        weights = {key: value.detach().cpu().contiguous().clone() for key, value in generator.state_dict().items()}
    plan = session.plan
    facts = {"variant": plan.name, "width": plan.width, "step": session.step_count, "seed": plan.seed}
    with replacing(file) as temporary:
        # One key alone: several would be written in an order that changes from process to process.
        save_file(weights, str(temporary), metadata={"training": json.dumps(facts, sort_keys=True)})
