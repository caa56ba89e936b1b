"""LPIPS of many pictures with many fills each in one pass of whole pictures: for devices that are not filled by one.

A truth's features are computed once however many fills it has. Nothing is read back from the device.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bench.backbones.lpips_network import Stack, distance_map, normalise, unit
from bench.metrics.box import Box
from bench.metrics.lpips_patch import tap_weights
from bench.util.tf32 import matmul_precision


def scores(stack: Stack, truths: Tensor, holes: Tensor, filled: Tensor, owner: Tensor) -> Tensor:
    """LPIPS of each fill, and its map's mean over the hole, float64 (2, K).

    truths uint8 (P, H, W, 3); holes bool (P, H, W); filled uint8 (K, H, W, 3); owner int64 (K,). NaN where the
    pictures are too small for the stack, and over an empty hole; exactly 0 for an exact fill.

    >>> from bench.backbones.lpips_network import Step
    >>> bright = Stack((Step(1, 1, 0, torch.ones(1, 3, 1, 1), tap=True),), (torch.ones(1),))  # 0 of black, else 1
    >>> black, hole = torch.zeros(1, 1, 2, 3, dtype=torch.uint8), torch.tensor([[[False, True]]])
    >>> fills = torch.cat([torch.where(hole[..., None], 255, black), black])
    >>> scores(bright, black, hole, fills, torch.tensor([0, 0])).tolist()  # one wrong pixel of two; none
    [[0.5, 0.0], [1.0, 0.0]]
    """
    found = torch.zeros(2, len(filled), dtype=torch.float64, device=filled.device)
    if not stack.fits(*holes.shape[1:]):
        return found.fill_(torch.nan)
    share = holes.double()
    share /= share.sum((1, 2), keepdim=True)
    size = holes.shape[1:]
    everywhere = tap_weights(stack, share, size, Box.whole(*size))
    with matmul_precision("fp32"):
        taps = stack.taps(_levels(stack, torch.cat([truths, filled])))
        for features, head, weights in zip(taps, stack.heads, everywhere, strict=True):
            units = unit(features)
            distances = distance_map(units[: len(truths)][owner], units[len(truths) :], head).double()
            found[0] += distances.mean((1, 2))
            found[1] += (distances * weights[owner]).sum((1, 2))
    exact = (filled == truths[owner]).flatten(1).all(1)
    # Of two batches of unlike size a device need not compute the same bits.
    return torch.where(exact & ~found.isnan(), 0.0, found)


def _levels(stack: Stack, pictures: Tensor) -> Tensor:
    """uint8 (N, H, W, 3) as the backbone takes it: (N, 3, H, W), normalised."""
    return normalise(pictures.permute(0, 3, 1, 2)).to(stack.heads[0].dtype)
