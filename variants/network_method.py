"""A trained network as an inpainting method: normalise, pad to the multiple it needs, run, crop, denormalise."""

from __future__ import annotations

from functools import cached_property
from itertools import product
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from variants.blocks import denormalise, normalise
from variants.method import Method, Network
from variants.reach import reach
from variants.seeding import seed_call, state
from variants.weights import load_into, load_state, sha256, training_steps

CHUNK = 8
"""Pictures go through a network in chunks of exactly this many (the last is filled up), so that a picture's
fill is the same whatever the batch, the shard or the number of workers."""


WHOLE = 2 * 1024 * 1024
"""Pixels of a picture up to which it goes through a network as a whole."""

TILE = 768
"""Side of a tile's own part in pixels, a multiple of whatever a network wants: with what lies around it, a width of 64
takes about a gigabyte."""


class NetworkMethod(Method):
    """``variant`` (a :class:`Network`) with weights, ready to fill on ``device``."""

    kind = "network"
    chunk = CHUNK
    """Whoever fills one picture at a time, and compares no bits with a batch's, sets this to 1."""

    def __init__(self, name: str, variant: Network, network: nn.Module, *, seed: int = 0, device: str = "cpu") -> None:
        self.name = name
        self.seed = seed
        self.summary = variant.summary
        self.fills = variant.fills
        self.multiple = variant.multiple
        self.variant = variant
        self.device = device
        self.forks = device == "cpu"
        self.network = network.eval().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.parameters = sum(p.numel() for p in network.parameters())

    @classmethod
    def load(cls, name: str, variant: Network, file: Path, *, seed: int = 0, device: str = "cpu") -> NetworkMethod:
        """From a checkpoint; the width is read from it. Raises CheckpointError."""
        state = load_state(file)
        network = variant.network(variant.width_of(state) or 64)
        load_into(network, state, name, file)
        method = cls(name, variant, network, seed=seed, device=device)
        method.weights_sha256 = sha256(file)
        method.steps = training_steps(file)
        return method

    def forward(self, image: Tensor, hole: Tensor) -> Tensor:
        """image: float (N, 3, H, W) in [0, 1]; hole: bool (N, 1, H, W). Returns raw, same shape as image."""
        known = (~hole).to(image.dtype).expand(-1, 3, -1, -1)
        x = normalise(image) * known
        output = self.network(x, known)
        if self.fills == "hole":
            output = torch.where(hole, output, x)
        return denormalise(output.float()).clamp(0, 1)

    @torch.inference_mode()
    def fill(self, images: np.ndarray, holes: np.ndarray, ids: list[str] | None = None, mask: str = "") -> np.ndarray:
        """A network that draws random numbers gets one picture at a time, each from a seed of its own."""
        height, width = holes.shape[1:]
        names = ids or [""] * len(images)
        if height * width > WHOLE and self.reach is not None:
            raw = np.empty(images.shape, np.float32)
            for k, name in enumerate(names):
                seed_call(self.suite_seed, mask, name, self.sample)
                raw[k] = self.tiled(images[k], holes[k])
            return raw
        raw = np.empty(images.shape, np.float32)
        for start in range(0, len(images), self.chunk):
            part = slice(start, start + self.chunk)
            image = torch.from_numpy(np.ascontiguousarray(images[part])).to(self.device)
            hole = torch.from_numpy(np.ascontiguousarray(holes[part]))[:, None].to(self.device)
            count = len(image)
            if count < self.chunk:
                image = torch.cat((image, image[-1:].expand(self.chunk - count, -1, -1, -1)))
                hole = torch.cat((hole, hole[-1:].expand(self.chunk - count, -1, -1, -1)))
            x, hole = self.prepared(image, hole)
            seed_call(self.suite_seed, mask, names[start], self.sample)
            before = state() if self.chunk > 1 else None
            out = self.forward(x, hole)[:count, :, :height, :width]
            if before is not None and state() != before:
                self.chunk = 1
                return self.fill(images, holes, ids, mask)
            raw[part] = out.permute(0, 2, 3, 1).cpu().numpy()
        return raw

    def prepared(self, image: Tensor, hole: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (N, H, W, 3) and bool (N, 1, H, W) as :meth:`forward` takes them, padded to what the network needs."""
        x = image.permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=torch.channels_last)
        pad = (0, -x.shape[3] % self.multiple, 0, -x.shape[2] % self.multiple)
        if any(pad):
            x, hole = reflect(x, pad), reflect(hole.float(), pad) > 0.5
        return x, hole

    @cached_property
    def reach(self) -> int | None:
        """See :func:`variants.reach.reach`: of a narrow network of the same layers."""
        with torch.inference_mode(False):
            return reach(self.variant.network(2), self.multiple)

    def tiled(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        """One picture, tile by tile, each with as much around it as the network looks at: to rounding what the whole
        gives. Tiles without a hole are left out where known pixels are copied anyway."""
        assert self.reach is not None
        height, width = hole.shape
        around = self.reach + -self.reach % self.multiple
        raw = np.empty(image.shape, np.float32)
        for top, left in product(range(0, height, TILE), range(0, width, TILE)):
            own = slice(top, min(top + TILE, height)), slice(left, min(left + TILE, width))
            if self.fills == "hole" and not hole[own].any():
                raw[own] = image[own] / np.float32(255)
                continue
            seen = (
                slice(max(top - around, 0), min(own[0].stop + around, height)),
                slice(max(left - around, 0), min(own[1].stop + around, width)),
            )
            inside = tuple(
                slice(part.start - whole.start, part.stop - whole.start) for part, whole in zip(own, seen, strict=True)
            )
            part = torch.from_numpy(np.ascontiguousarray(image[seen])).to(self.device)[None]
            missing = torch.from_numpy(np.ascontiguousarray(hole[seen])).to(self.device)[None, None]
            # Only at the picture's own right and lower edge is there anything to be padded.
            x, missing = self.prepared(part, missing)
            raw[own] = self.forward(x, missing)[0].permute(1, 2, 0)[inside].cpu().numpy()
        return raw


def reflect(x: Tensor, pad: tuple[int, int, int, int]) -> Tensor:
    """Reflect-pad right and bottom, by replication where the picture is smaller than the padding."""
    mode = "reflect" if pad[1] < x.shape[-1] and pad[3] < x.shape[-2] else "replicate"
    return F.pad(x, pad, mode=mode)
