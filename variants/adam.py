"""Adam, over weights in the order in which they lie in memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


class Adam(torch.optim.Adam):
    """torch's fused Adam for weights of any layout.

    On the CPU it copies every gradient that is not contiguous, and where a gradient's layout differs from its
    weight's it updates the wrong elements (seen with torch 2.15). So it is handed views that are contiguous: a
    channels-last weight as (out, height, width, in).
    """

    def __init__(self, weights: Iterable[Tensor], lr: float, betas: tuple[float, float]) -> None:
        self.weights = list(weights)
        # A CUDA graph takes its rate from memory; on the CPU a plain number is quicker.
        cuda = self.weights[0].is_cuda
        rate: Any = torch.tensor(lr, device=self.weights[0].device) if cuda else lr
        views = [as_seen(weight.detach(), weight) for weight in self.weights]
        super().__init__(views, lr=rate, betas=betas, fused=True, capturable=cuda)
        # torch would warn of steps that no graph records; the first few always are such.
        self._warned_capturable_if_run_uncaptured = True

    @property
    def rate(self) -> float:
        """Learning rate of the last step, one for all weights."""
        return float(self.param_groups[0]["lr"])

    @rate.setter
    def rate(self, value: float) -> None:
        for group in self.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(value)
            else:
                group["lr"] = value

    def step(self, closure: Any = None) -> Any:
        for view, weight in zip(self.param_groups[0]["params"], self.weights, strict=True):
            view.grad = None if weight.grad is None else as_seen(weight.grad, weight).contiguous()
        return super().step(closure)

    def zero_grad(self, set_to_none: bool = True) -> None:
        for tensor in (*self.weights, *self.param_groups[0]["params"]):
            tensor.grad = None


def as_seen(tensor: Tensor, weight: Tensor) -> Tensor:
    """``tensor``, of the weight's shape, as (O, H, W, I) where the weight is a channels-last (O, I, H, W)."""
    if weight.dim() == 4 and weight.is_contiguous(memory_format=torch.channels_last):
        return tensor.permute(0, 2, 3, 1)
    return tensor
