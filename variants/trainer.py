"""One trainer for every variant: what differs between them is their network, objective and settings.

Batches are a pure function of the step number, so that a training that was stopped goes on with the same
pictures, and the same seed on the same machine ends in the same weights.
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from variants.blocks import normalise
from variants.memory import keep_freed_memory
from variants.method import Network, Training
from variants.objectives import Losses, Objective, Step

Source = Callable[[int], tuple[np.ndarray, np.ndarray]]
"""step -> (pictures uint8 (N, H, W, 3), holes bool (N, H, W)), or the same as tensors on the device."""

Validate = Callable[[nn.Module], float]
"""generator -> mean hole PSNR [dB] on validation pictures."""

SAVE_EVERY_S = 20.0
ROWS = 100
"""Rows that a history has, about: one every hundredth of the steps."""


@dataclass(frozen=True)
class Plan:
    """What to train. precision: ``fp32`` or ``bf16`` (autocast). steps: generator steps in all. compile: networks
    go through ``torch.compile`` first, which takes a minute or so."""

    name: str
    seed: int
    width: int
    steps: int
    batch: int
    device: str = "cpu"
    precision: str = "fp32"
    steps_per_epoch: int = 0
    compile: bool = False


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


def best_precision(device: str) -> str:
    """``bf16`` where the hardware multiplies bfloat16 natively, else ``fp32``."""
    if device.startswith("cuda"):
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    probes = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return "bf16" if any(getattr(torch.cpu, probe, lambda: False)() for probe in probes) else "fp32"


def learning_rate(settings: Training, step: int, steps: int) -> float:
    """Factor on the learning rate: linear warm-up, then half a cosine down to zero."""
    warm = max(1, round(settings.warmup * steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


class Session:
    """A training in progress: the generator, its objective, both optimisers, and the step reached."""

    def __init__(self, variant: Network, plan: Plan) -> None:
        torch.manual_seed(plan.seed)
        self.variant, self.plan = variant, plan
        settings = variant.training
        self.generator = self._place(variant.network(plan.width))
        self.objective: Objective = self._place(variant.objective(plan.width))
        self.lr = (settings.rate(plan.width), settings.critic_lr)
        self.optimiser = torch.optim.Adam(self.generator.parameters(), lr=self.lr[0], betas=settings.betas, fused=True)
        critics = list(self.objective.parameters())
        self.critic_optimiser = (
            torch.optim.Adam(critics, lr=self.lr[1], betas=settings.betas, fused=True) if critics else None
        )
        self.step_count = 0
        if plan.compile:
            # In place, so that the names of the weights stay; loss by loss, as objectives branch on the host.
            self.generator.compile()
            for part in self.objective.children():
                part.compile()

    def _place(self, module: Any) -> Any:
        return module.to(self.plan.device, memory_format=torch.channels_last).train()

    def step(self, images: Tensor, holes: Tensor) -> Losses:
        """One step of critics and generator. images: float (N, 3, H, W) in [0, 1]; holes: float (N, 1, H, W)."""
        plan = self.plan
        factor = learning_rate(self.variant.training, self.step_count, plan.steps)
        for optimiser, lr in ((self.optimiser, self.lr[0]), (self.critic_optimiser, self.lr[1])):
            if optimiser is not None:
                for group in optimiser.param_groups:
                    group["lr"] = lr * factor
        target = normalise(images)
        # In the pictures' own layout: mixed with tensors of another, every later step falls back to slow loops.
        known = (1 - holes).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        x = target * known
        with torch.autocast(plan.device.split(":")[0], torch.bfloat16, enabled=plan.precision == "bf16"):
            output = self.generator(x, known)
            fake = output if self.variant.fills == "whole" else x + output * (1 - known)
            losses: Losses = {}
            if self.critic_optimiser is not None:
                critic = self.objective.critic_loss(Step(target, holes, output.detach(), fake.detach()))
                assert critic is not None
                self.critic_optimiser.zero_grad(set_to_none=True)
                total(critic.values()).backward()
                self.critic_optimiser.step()
                losses |= critic
                # The critics' own gradients are not wanted from the generator's pass.
                self.objective.requires_grad_(False)
            terms = self.objective.generator_loss(Step(target, holes, output, fake))
            self.optimiser.zero_grad(set_to_none=True)
            total(terms.values()).backward()
        if self.critic_optimiser is not None:
            self.objective.requires_grad_(True)
        if self.variant.training.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.generator.parameters(), self.variant.training.clip_norm)
        self.optimiser.step()
        self.step_count += 1
        return {name: value.detach() for name, value in {**terms, **losses}.items()}

    def state(self) -> dict[str, Any]:
        return {
            "step": self.step_count,
            "generator": self.generator.state_dict(),
            "objective": self.objective.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "critic_optimiser": self.critic_optimiser.state_dict() if self.critic_optimiser else None,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.step_count = state["step"]
        self.generator.load_state_dict(state["generator"])
        self.objective.load_state_dict(state["objective"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.critic_optimiser is not None:
            self.critic_optimiser.load_state_dict(state["critic_optimiser"])


def total(losses: Iterable[Tensor]) -> Tensor:
    return torch.stack([loss.float() for loss in losses]).sum()


def to_device(images: Any, holes: Any, device: str) -> tuple[Tensor, Tensor]:
    """uint8 (N, H, W, 3) and bool (N, H, W), arrays or tensors, to float (N, 3, H, W) and (N, 1, H, W)."""
    image, hole = torch.as_tensor(images).to(device, non_blocking=True), torch.as_tensor(holes)
    hole = hole.to(device, non_blocking=True)
    return image.permute(0, 3, 1, 2).float().div_(255), hole[:, None].float()


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
                "lr": session.optimiser.param_groups[0]["lr"],
                **{name: round(value, 6) for name, value in means.items()},
            }
            if validate is not None and (step % (every * 10) == 0 or step == plan.steps):
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
    """What two trainings must share for one to go on from the other's state."""
    return {key: getattr(plan, key) for key in ("name", "seed", "width", "steps", "batch", "precision")}


def save_state(session: Session, file: Path) -> None:
    temporary = file.with_name(f".{file.name}")
    torch.save({**session.state(), "plan": fingerprint(session.plan)}, temporary)
    temporary.replace(file)


def save_generator(session: Session, file: Path) -> None:
    from safetensors.torch import save_file

    state = {key: value.detach().cpu().contiguous() for key, value in session.generator.state_dict().items()}
    plan = session.plan
    facts = {"variant": plan.name, "width": plan.width, "step": session.step_count, "seed": plan.seed}
    temporary = file.with_name(f".{file.name}")
    save_file(state, str(temporary), metadata={key: str(value) for key, value in facts.items()})
    temporary.replace(file)


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
        temporary = self.file.with_name(f".{self.file.name}")
        with temporary.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, columns)
            writer.writeheader()
            writer.writerows(self.rows)
        temporary.replace(self.file)
