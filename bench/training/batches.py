"""Which pictures and holes each step of a training sees."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.draws import bits, uniforms
from bench.masks.registry import draw

HOLE_SEED = 7_000_003
"""Training holes come from seeds of their own (this plus the training seed): those scored are never drawn."""


class Batches:
    """step -> (pictures, holes): a pure function of (seed, step), so that a training can be taken up anywhere.

    Pictures are visited in a new order each epoch and mirrored half the time; each sample's mask type and hole
    are drawn by its running number.
    """

    def __init__(self, pool: np.ndarray, batch: int, seed: int, masks: tuple[str, ...]) -> None:
        self.pool, self.batch, self.seed, self.masks = pool, batch, seed, masks
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))

    def order(self, epoch: int) -> np.ndarray:
        if self._order[0] != epoch:
            keys = uniforms(self.seed, f"training order {epoch}", np.arange(len(self.pool)), 1)[:, 0]
            self._order = (epoch, np.argsort(keys, kind="stable"))
        return self._order[1]

    def __call__(self, step: int) -> tuple[Any, Any]:
        indices, mirrored, holes = self.drawn(step)
        images = np.stack([self.pool[i] for i in indices])
        images[mirrored] = images[mirrored, :, ::-1]
        return images, holes

    def drawn(self, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What a step is made of: places in the pool, which of them are mirrored, and the holes."""
        samples = np.arange(step * self.batch, (step + 1) * self.batch)
        epochs, places = np.divmod(samples, len(self.pool))
        indices = np.array([self.order(int(e))[p] for e, p in zip(epochs, places, strict=True)])
        random = bits(self.seed, "training sample", samples, 2)
        mirrored = random[:, 0] & np.uint64(1) == 1
        kinds = (random[:, 1] >> np.uint64(32)) % np.uint64(len(self.masks))
        size = self.pool.shape[1:3]
        holes = np.empty((self.batch, *size), bool)
        for kind, name in enumerate(self.masks):
            chosen = kinds == kind
            if chosen.any():
                holes[chosen] = draw(name, size, HOLE_SEED + self.seed, samples[chosen])
        return indices, mirrored, holes
