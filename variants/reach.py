"""How far a network looks: what a tile needs around it to be filled as within the whole picture."""

from __future__ import annotations

import copy

import torch
from torch import nn

STRIP = 1024
"""Pixels of the strip that is tried. Whoever looks half as far is taken to look at the whole picture."""


def reach(network: nn.Module, multiple: int) -> int | None:
    """Pixels beyond a block, aligned to ``multiple`` and that wide, which its values depend on, on any side; None for
    a network that looks at the whole picture (attention, norms over the picture, a mean over it).

    Found by the gradient of a copy whose weights are all positive, so that nothing cancels and no ReLU is off.
    """
    positive = copy.deepcopy(network).cpu().double().eval()
    with torch.no_grad():
        for weight in positive.parameters():
            weight.copy_(weight.abs() + 1e-3)
        for module in positive.modules():
            mean = getattr(module, "running_mean", None)
            if mean is not None:
                mean.zero_()
                module.get_buffer("running_var").fill_(1)
    found = 0
    for tall in (False, True):
        size = (STRIP, 2 * multiple) if tall else (2 * multiple, STRIP)
        x = torch.ones(1, 3, *size, dtype=torch.float64, requires_grad=True)
        known = torch.full((1, 3, *size), 0.5, dtype=torch.float64)
        with torch.enable_grad():
            y = positive(x, known)
            start = STRIP // 2 // multiple * multiple
            block = y.narrow(2 if tall else 3, start, multiple)
            (gradient,) = torch.autograd.grad(block.sum(), x)
        seen = torch.nonzero(gradient.abs().sum(dim=(0, 1, 3 if tall else 2))).flatten()
        if not len(seen):
            return None
        beyond = max(start - int(seen[0]), int(seen[-1]) - (start + multiple - 1), 0)
        if beyond >= STRIP // 4:
            return None
        found = max(found, beyond)
    return found
