"""Networks that paint while they learn: their fills, from garbage to smooth, are what the student will meet.

Each painter is one of the variants at a small width, trained step by step on the student's own batches and
begun anew after a random number of steps, so that every stage of learning is met.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from variants.blocks import denormalise, normalise
from variants.objectives import Step
from variants.registry import Registry, variant

NAMES = ("baseline", "basic_gan", "gan_new_loss", "gan_res_mask", "double_dg", "double_dg_linear")


class Painter:
    """One variant in training. Fills pictures uint8 (N, S, S, 3) and learns from them."""

    def __init__(self, rng: np.random.Generator, names: tuple[str, ...] = NAMES) -> None:
        self.rng = rng
        self.names = names
        self.renew()

    def renew(self) -> None:
        """Begin anew: a random variant, width, learning rate and number of steps to live."""
        registry: Registry = variant
        self.entry = registry.get(self.names[self.rng.integers(len(self.names))])()
        width = int(self.rng.choice([8, 12, 16]))
        torch.manual_seed(int(self.rng.integers(2**31)))
        self.network = self.entry.network(width).to(memory_format=torch.channels_last)
        self.objective = self.entry.objective(width)
        rate = self.entry.training.lr * float(np.exp(self.rng.uniform(-1, 0.3)))
        self.optimiser = torch.optim.Adam(self.network.parameters(), rate, betas=(0.5, 0.999))
        critics = list(self.objective.parameters())
        self.critics = torch.optim.Adam(critics, self.entry.training.critic_lr, betas=(0.5, 0.999)) if critics else None
        self.left = int(np.exp(self.rng.uniform(np.log(20), np.log(1200))))

    def paint(self, truths: np.ndarray, holes: np.ndarray, learn: bool = True) -> np.ndarray:
        """raw in levels, float32 (N, S, S, 3), before compositing."""
        target = normalise(torch.from_numpy(truths.transpose(0, 3, 1, 2).copy()).float() / 255)
        hole = torch.from_numpy(holes[:, None]).float()
        known = (1 - hole).expand(-1, 3, -1, -1)
        with torch.enable_grad(), torch.autocast("cpu", torch.bfloat16):
            output = self.network(target * known, known)
        output = output.float()
        if learn:
            self._learn(target, hole, output)
        raw = denormalise(output.detach()) * 255
        return raw.permute(0, 2, 3, 1).numpy()

    def _learn(self, target: Tensor, hole: Tensor, output: Tensor) -> None:
        fake = output if self.entry.fills == "whole" else target * (1 - hole) + output * hole
        if self.critics is not None:
            losses = self.objective.critic_loss(Step(target, hole, output.detach(), fake.detach()))
            self.critics.zero_grad(set_to_none=True)
            sum(losses.values()).backward()
            self.critics.step()
        loss = sum(self.objective.generator_loss(Step(target, hole, output, fake)).values())
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.left -= 1
        if self.left <= 0 or not torch.isfinite(loss):
            self.renew()
