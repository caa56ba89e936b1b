"""Training batches from pictures that stay on a GPU: bit for bit those of :class:`bench.training.batches.Batches`.

The pool goes over once, as uint8. A step then sends a few numbers and its holes, one bit a pixel, which a thread
has drawn and packed while the step before ran; gathering, mirroring and unpacking happen on the device, and
nothing waits for it.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.training.batches import Batches

SHARE = 0.5
"""Of the GPU's free memory, what the pictures may take; the rest is the training's."""


def batches_for(device: str, pool: np.ndarray, batch: int, seed: int, masks: tuple[str, ...]) -> Batches:
    """The batches of a training: resident on a CUDA device that has room for the pictures, else from the host."""
    if device.startswith("cuda") and pool.nbytes <= SHARE * torch.cuda.mem_get_info(device)[0]:
        return Resident(device, pool, batch, seed, masks)
    return Batches(pool, batch, seed, masks)


class Resident(Batches):
    """Batches as tensors on ``device``: pictures uint8 (N, H, W, 3), holes bool (N, H, W)."""

    def __init__(self, device: str, pool: np.ndarray, batch: int, seed: int, masks: tuple[str, ...]) -> None:
        super().__init__(pool, batch, seed, masks)
        self.device = device
        self.pictures = torch.from_numpy(np.array(pool)).to(device)
        self.shifts = torch.arange(7, -1, -1, dtype=torch.uint8, device=device)
        self.thread = ThreadPoolExecutor(1, "holes")
        self.ahead: tuple[int, Future[Any]] | None = None

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        if self.ahead is not None and self.ahead[0] == step:
            indices, mirrored, packed = self.ahead[1].result()
        else:
            indices, mirrored, packed = self.packed(step)
        self.ahead = (step + 1, self.thread.submit(self.packed, step + 1))
        index, mirror, bits = (t.to(self.device, non_blocking=True) for t in (indices, mirrored, packed))
        images = self.pictures[index]
        images = torch.where(mirror[:, None, None, None], images.flip(2), images)
        height, width = images.shape[1:3]
        holes = (bits[:, :, None] >> self.shifts & 1).flatten(1)[:, : height * width]
        return images, holes.view(-1, height, width).bool()

    def packed(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """A step's numbers as tensors, the holes packed to bits; in memory that a GPU reads by itself."""
        indices, mirrored, holes = self.drawn(step)
        packed = np.packbits(holes.reshape(len(holes), -1), axis=1)
        tensors = (torch.from_numpy(indices), torch.from_numpy(mirrored), torch.from_numpy(packed))
        if self.device.startswith("cuda"):
            return tuple(t.pin_memory() for t in tensors)  # type: ignore[return-value]
        return tensors
