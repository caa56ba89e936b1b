"""One training step, and all that it changes: networks, critics, optimisers."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from variants import ranks
from variants.adam import Adam
from variants.blocks import normalise
from variants.compiling import prepare_compiling
from variants.graph import CudaTape, Replayed
from variants.method import Network, Training
from variants.objectives import Losses, Objective, Step


@dataclass(frozen=True)
class Plan:
    """What to train. precision: ``fp32`` or ``bf16`` (autocast). steps: generator steps in all. compile: networks
    go through ``torch.compile`` first, which takes a minute or so. threads: that a CPU computes with, which is the
    caller's to see to; sums differ by them in their last bits. ema: decay of the running mean of weights that is
    handed over in place of the last ones; 0: none. features: which weights of VGG16 it learns by, if any."""

    name: str
    seed: int
    width: int
    steps: int
    batch: int
    device: str = "cpu"
    precision: str = "fp32"
    steps_per_epoch: int = 0
    compile: bool = False
    threads: int = 1
    ema: float = 0.0
    features: str = ""


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
    """A training in progress: the generator, its objective, both optimisers, and the step reached.

    shown: the last step's fills, what they should be, and its holes (see :class:`variants.objectives.Step`).
    """

    def __init__(self, variant: Network, plan: Plan) -> None:
        torch.manual_seed(plan.seed)
        self.variant, self.plan = variant, plan
        settings = variant.training
        self.generator = self._place(variant.network(plan.width))
        self.objective: Objective = self._place(variant.objective(plan.width))
        self.optimiser = Adam(self.generator.parameters(), settings.rate(plan.width), settings.betas)
        critics = list(self.objective.parameters())
        self.critic_optimiser = Adam(critics, settings.critic_lr, settings.betas) if critics else None
        self.rates = [(o, o.rate) for o in (self.optimiser, self.critic_optimiser) if o is not None]
        self.step_count = 0
        self.shown: tuple[Tensor, Tensor, Tensor] | None = None
        self.mean = {key: torch.zeros_like(value) for key, value in self._averaged().items()} if plan.ema else None
        if plan.compile:
            prepare_compiling()
            # In place, so that the names of the weights stay; loss by loss, as objectives branch on the host.
            self.generator.compile()
            for part in self.objective.children():
                part.compile()
        self.compute: Callable[[Tensor, Tensor], Losses] = self._compute
        if plan.device.startswith("cuda") and self.objective.replayable and ranks.size() == 1:
            self.compute = Replayed(self._compute, CudaTape())

    def _place(self, module: Any) -> Any:
        return ranks.join_statistics(module.to(self.plan.device, memory_format=torch.channels_last).train())

    def _averaged(self) -> dict[str, Tensor]:
        """The generator's numbers that have a running mean: weights, and what BatchNorm remembers."""
        return {key: value for key, value in self.generator.state_dict().items() if value.is_floating_point()}

    @contextlib.contextmanager
    def handed_over(self) -> Iterator[nn.Module]:
        """The generator with the weights that it is handed over with: the running mean, where there is one."""
        if self.mean is None or self.step_count == 0:
            yield self.generator
            return
        # It began at zero, as Adam's means do.
        known = 1 - self.plan.ema**self.step_count
        own = self._averaged()
        kept = {key: value.clone() for key, value in own.items()}
        for key, value in own.items():
            value.copy_(self.mean[key] / known)
        try:
            yield self.generator
        finally:
            for key, value in own.items():
                value.copy_(kept[key])

    def step(self, images: Tensor, holes: Tensor) -> Losses:
        """One step of critics and generator. images: float (N, 3, H, W) in [0, 1]; holes: float (N, 1, H, W)."""
        factor = learning_rate(self.variant.training, self.step_count, self.plan.steps)
        for optimiser, rate in self.rates:
            optimiser.rate = rate * factor
        losses = self.compute(images, holes)
        self.step_count += 1
        return losses

    def _compute(self, images: Tensor, holes: Tensor) -> Losses:
        """All of a step that happens on the device."""
        plan = self.plan
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
                ranks.share_gradients(self.objective.parameters())
                self.critic_optimiser.step()
                losses |= critic
                # The critics' own gradients are not wanted from the generator's pass.
                self.objective.requires_grad_(False)
            terms = self.objective.generator_loss(Step(target, holes, output, fake))
            self.optimiser.zero_grad(set_to_none=True)
            total(terms.values()).backward()
        if self.critic_optimiser is not None:
            self.objective.requires_grad_(True)
        ranks.share_gradients(self.generator.parameters())
        if self.variant.training.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.generator.parameters(), self.variant.training.clip_norm)
        self.optimiser.step()
        if self.mean is not None:
            for key, value in self._averaged().items():
                self.mean[key].lerp_(value, 1 - plan.ema)
        self.shown = (fake.detach(), target, holes)
        return {name: value.detach() for name, value in {**terms, **losses}.items()}

    def state(self) -> dict[str, Any]:
        """All that the next step depends on, to be saved; :meth:`restore` goes on from it bit for bit."""
        return {
            "step": self.step_count,
            "generator": self.generator.state_dict(),
            "objective": self.objective.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "critic_optimiser": self.critic_optimiser.state_dict() if self.critic_optimiser else None,
            "mean": self.mean,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state` gave; network, objective and optimisers must be of the same plan."""
        self.step_count = state["step"]
        self.generator.load_state_dict(state["generator"])
        self.objective.load_state_dict(state["objective"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.critic_optimiser is not None:
            self.critic_optimiser.load_state_dict(state["critic_optimiser"])
        for key, value in (self.mean or {}).items():
            value.copy_(state["mean"][key])


def total(losses: Iterable[Tensor]) -> Tensor:
    """Sum of losses as one float32 tensor on their device, whatever precision each was computed in."""
    return torch.stack([loss.float() for loss in losses]).sum()


def to_device(images: Any, holes: Any, device: str) -> tuple[Tensor, Tensor]:
    """uint8 (N, H, W, 3) and bool (N, H, W), arrays or tensors, to float (N, 3, H, W) and (N, 1, H, W)."""
    image, hole = torch.as_tensor(images).to(device, non_blocking=True), torch.as_tensor(holes)
    hole = hole.to(device, non_blocking=True)
    return image.permute(0, 3, 1, 2).float().div_(255), hole[:, None].float()
