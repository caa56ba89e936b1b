"""Which pictures and holes each step of a training sees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bench.masks.registry import draw
from bench.util.draws import bits, uniforms

HOLE_SEED = 7_000_003
"""Training holes come from seeds of their own (this plus the training seed): those scored are never drawn."""


class Batches:
    """step -> (pictures, holes): a pure function of (seed, step), so that a training can be taken up anywhere.

    Pictures are visited in a new order each epoch and mirrored half the time; each sample's mask type and hole
    are drawn by its running number. share: (k, n), the k-th of n equal parts of every batch, for processes that train
    together.
    """

    def __init__(
        self, pool: np.ndarray, batch: int, seed: int, masks: tuple[str, ...], share: tuple[int, int] = (0, 1)
    ) -> None:
        self.pool, self.batch, self.seed, self.masks = pool, batch, seed, masks
        part, parts = share
        if batch % parts:
            raise ValueError(f"a batch of {batch} has no {parts} equal parts")
        self.own = slice(part * (batch // parts), (part + 1) * (batch // parts))
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))

    def order(self, epoch: int) -> np.ndarray:
        """Indices of all pictures in this epoch's order, drawn from (seed, epoch) alone; the last epoch's is kept."""
        if self._order[0] != epoch:
            keys = uniforms(self.seed, f"training order {epoch}", np.arange(len(self.pool)), 1)[:, 0]
            self._order = (epoch, np.argsort(keys, kind="stable"))
        return self._order[1]

    def __call__(self, step: int) -> tuple[Any, Any]:
        samples, indices, mirrored = self.drawn(step)
        images = np.stack([self.pool[i] for i in indices])
        images[mirrored] = images[mirrored, :, ::-1]
        return images, self.holes(samples)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the pictures in pixels."""
        return self.pool.shape[1], self.pool.shape[2]

    def drawn(self, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A step's running numbers, their places in the pool, and which of them are mirrored."""
        samples = np.arange(step * self.batch, (step + 1) * self.batch)[self.own]
        epochs, places = np.divmod(samples, len(self.pool))
        indices = np.array([self.order(int(e))[p] for e, p in zip(epochs, places, strict=True)])
        return samples, indices, bits(self.seed, "training sample", samples, 2)[:, 0] & np.uint64(1) == 1

    def holes(self, samples: np.ndarray) -> np.ndarray:
        """The holes of samples by their running numbers, bool (N, H, W)."""
        holes = np.empty((len(samples), *self.size), bool)
        for name, chosen in self.kinds(samples):
            holes[chosen] = draw(name, self.size, HOLE_SEED + self.seed, samples[chosen])
        return holes

    def kinds(self, samples: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        """Each mask type that is drawn, and for which of the samples, bool (N,)."""
        random = bits(self.seed, "training sample", samples, 2)[:, 1]
        kinds = (random >> np.uint64(32)) % np.uint64(len(self.masks))
        for kind, name in enumerate(self.masks):
            if (kinds == kind).any():
                yield name, kinds == kind
