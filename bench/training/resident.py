"""Training batches from pictures that stay on a GPU: bit for bit those of :class:`bench.training.batches.Batches`.

The pool goes over once, as uint8. A step then sends a few numbers and its holes, which a thread has prepared while
the step before ran; gathering and mirroring happen on the device, and nothing waits for it. Holes that are made of
runs (rectangles, circles, ellipses) go over as runs and are filled there, all others pixel by pixel.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.masks.registry import mask
from bench.masks.spans import runs_of
from bench.training.batches import HOLE_SEED, Batches

SHARE = 0.5
"""Of the GPU's free memory, what the pictures may take; the rest is the training's."""


def fits(device: str, nbytes: int) -> bool:
    """Whether pictures of so many bytes may stay on ``device``."""
    return device.startswith("cuda") and nbytes <= SHARE * torch.cuda.mem_get_info(device)[0]


def batches_for(
    device: str, pool: np.ndarray, batch: int, seed: int, masks: tuple[str, ...], share: tuple[int, int] = (0, 1)
) -> Batches:
    """The batches of a training: resident on a CUDA device that has room for the pictures, else from the host."""
    if fits(device, pool.nbytes):
        return Resident(device, pool, batch, seed, masks, share)
    return Batches(pool, batch, seed, masks, share)


class Resident(Batches):
    """Batches as tensors on ``device``: pictures uint8 (N, H, W, 3), holes bool (N, H, W). given: as for Batches."""

    def __init__(self, device: str, *given: Any) -> None:
        super().__init__(*given)
        self.device = device
        self.pictures = torch.from_numpy(np.array(self.pool)).to(device)
        self.runs = {name: runs_of(mask.get(name)) for name in self.masks}
        self.columns = torch.arange(self.size[1], dtype=torch.int16, device=device)
        self.thread = ThreadPoolExecutor(1, "holes")
        self.ahead: tuple[int, Future[Any]] | None = None

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        ready = self.ahead is not None and self.ahead[0] == step
        sent = self.ahead[1].result() if self.ahead is not None and ready else self.sent(step)
        self.ahead = (step + 1, self.thread.submit(self.sent, step + 1))
        index, mirror, holes = (t.to(self.device, non_blocking=True) for t in sent)
        images = self.pictures[index]
        images = torch.where(mirror[:, None, None, None], images.flip(2), images)
        if holes.dtype == torch.int16:
            first, last = holes[..., None]
            holes = (self.columns >= first) & (self.columns <= last)
        return images, holes

    def sent(self, step: int) -> tuple[Tensor, ...]:
        """What goes over for a step: places in the pool (N,), which are mirrored (N,), and the holes as runs, int16
        (2, N, H), or as pixels, bool (N, H, W)."""
        samples, indices, mirrored = self.drawn(step)
        tensors = [torch.from_numpy(array) for array in (indices, mirrored, self.holes_to_send(samples))]
        # From pinned memory a GPU copies by itself.
        return tuple(t.pin_memory() if self.device.startswith("cuda") else t for t in tensors)

    def holes_to_send(self, samples: np.ndarray) -> np.ndarray:
        """What crosses to the GPU: row runs (2, N, H) where all mask types give them, else whole holes."""
        if None in self.runs.values():
            return self.holes(samples)
        runs = np.empty((2, len(samples), self.size[0]), np.int16)
        for name, chosen in self.kinds(samples):
            draw = self.runs[name]
            assert draw is not None
            runs[:, chosen] = draw(self.size, HOLE_SEED + self.seed, samples[chosen])
        return runs
