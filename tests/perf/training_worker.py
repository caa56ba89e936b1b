"""One training in a process of its own, step by step on demand: ours, or the loop that a notebook would write.

    python training_worker.py ours|notebook VARIANT SIDE [THREADS]

Each line on stdin is a number of steps; the answer is a line with the processor seconds that they took.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from bench.training.batches import Batches
from variants.blocks import Critic
from variants.keep_freed_memory import keep_freed_memory
from variants.registry import variant
from variants.session import Plan, Session, best_precision, to_device

BATCH, WIDTH, POOL = 16, 16, 256
"""The quick profile's batch and width."""


def pictures(side: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (POOL, side, side, 3), dtype=np.uint8)


def ours(name: str, side: int) -> Callable[[], Any]:
    """A step as ``bench train`` makes it."""
    torch.set_flush_denormal(True)
    keep_freed_memory()
    session = Session(variant.get(name)(), Plan(name, 0, WIDTH, 100_000, BATCH, "cpu", best_precision("cpu")))
    source = Batches(pictures(side), BATCH, 0, ("rect",))
    return lambda: session.step(*to_device(*source(session.step_count), "cpu"))


class Pictures(Dataset):
    """Pictures with a random rectangular hole each, as tensors: what a notebook's data set looks like."""

    def __init__(self, pool: np.ndarray) -> None:
        self.pool = pool
        self.mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
        self.std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)

    def __len__(self) -> int:
        return len(self.pool)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        image = torch.from_numpy(self.pool[index]).permute(2, 0, 1).float() / 255
        if np.random.rand() < 0.5:
            image = image.flip(2)
        side = image.shape[1]
        height, width = np.random.randint(side // 8, side // 2 + 1, 2)
        top, left = np.random.randint(side - height + 1), np.random.randint(side - width + 1)
        hole = torch.zeros(1, side, side)
        hole[:, top : top + height, left : left + width] = 1
        return (image - self.mean) / self.std, hole


class Notebook:
    """The plain loop, for a variant with or without a critic: fp32, eager, a DataLoader, ``.item()`` every step."""

    def __init__(self, name: str, side: int, *, width: int = WIDTH, batch: int = BATCH, device: str = "cpu") -> None:
        entry = variant.get(name)()
        self.fills, self.device = entry.fills, device
        self.model = entry.network(width).to(device)
        self.critic = Critic(width).to(device) if name != "baseline" else None
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=2e-3, betas=(0.5, 0.999))
        if self.critic is not None:
            self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.mse, self.bce = nn.MSELoss(), nn.BCEWithLogitsLoss()
        self.loader = DataLoader(Pictures(pictures(side)), batch_size=batch, shuffle=True, drop_last=True)
        self.batches = self.endless()
        self.losses: list[float] = []

    def endless(self) -> Iterator[Any]:
        while True:
            yield from self.loader

    def step(self) -> None:
        self.learn(*(tensor.to(self.device) for tensor in next(self.batches)))

    def learn(self, image: torch.Tensor, hole: torch.Tensor) -> None:
        known = (1 - hole).repeat(1, 3, 1, 1)
        output = self.model(image * known, known)
        fake = output if self.fills == "whole" else image * known + output * (1 - known)
        loss = self.mse(fake, image) + self.mse(fake * hole, image * hole)
        if self.critic is not None:
            real, false = (full(len(image), 1, device=self.device) for full in (torch.ones, torch.zeros))
            self.critic_optimizer.zero_grad()
            verdict = self.bce(self.critic(image), real) + self.bce(self.critic(fake.detach()), false)
            verdict.backward()
            self.critic_optimizer.step()
            self.losses.append(verdict.item())
            loss = loss + 0.005 * self.bce(self.critic(fake), real)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.losses.append(loss.item())


def main(kind: str, name: str, side: str, threads: str = "") -> None:
    if threads:
        torch.set_num_threads(int(threads))
    step = ours(name, int(side)) if kind == "ours" else Notebook(name, int(side)).step
    for line in sys.stdin:
        began = time.process_time()
        for _ in range(int(line)):
            step()
        print(time.process_time() - began, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
