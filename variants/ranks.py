"""One network trained by several processes, each on its share of every batch.

What makes that the same training as one process's, but for the order in which sums are added up:

- every rank begins with the same weights, and its gradients become the mean over all ranks before each of the two
  optimisers steps, so all ranks stay alike;
- BatchNorm takes its statistics over all ranks, gradients included (:class:`JointBatchNorm`), in the generator and in
  the local and the global critic; truth and fake are two batches, as in one process;
- a loss that is no mean over pictures divides by a number counted over all ranks (:func:`total`).

torch's DistributedDataParallel is not used: critics are called in both passes of a step, and with frozen weights in
the second, which its hooks do not foresee; and torch's SyncBatchNorm computes on GPUs alone.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


def size() -> int:
    """How many processes train together; 1 where this one is alone."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def index() -> int:
    """Which of them this is; 0 is the one that writes."""
    return dist.get_rank() if size() > 1 else 0


class _Total(torch.autograd.Function):
    """A sum over ranks, whose gradient is the sum of the ranks' gradients."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        found = value.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(found)
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _Total.apply(gradients[0])  # type: ignore[no-any-return]


def total(value: Tensor) -> Tensor:
    """The sum of ``value`` over all ranks, differentiable; ``value`` itself where there is one."""
    return value if size() == 1 else _Total.apply(value)  # type: ignore[no-any-return]


def share_gradients(weights: Iterable[Tensor]) -> None:
    """Replace every gradient by its mean over ranks, all in one message."""
    if size() == 1:
        return
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    message = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(message)
    message /= size()
    for gradient, part in zip(gradients, message.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view(gradient.shape))


def means(values: dict[str, float], device: str) -> dict[str, float]:
    """Named numbers, the same names on every rank, as their means over ranks."""
    if size() == 1:
        return values
    found = torch.tensor(list(values.values()), dtype=torch.float64, device=device)
    dist.all_reduce(found)
    return dict(zip(values, (found / size()).tolist(), strict=True))


def handed_out(state: dict[str, Any] | None, device: str) -> dict[str, Any] | None:
    """Rank 0's state on every rank, through no shared folder; what the other ranks pass is not looked at."""
    if size() == 1:
        return state
    buffer = io.BytesIO()
    if index() == 0 and state is not None:
        torch.save(state, buffer)
    length = torch.tensor([buffer.tell()], device=device)
    dist.broadcast(length, 0)
    if not int(length):
        return None
    content = torch.empty(int(length), dtype=torch.uint8, device=device)
    if index() == 0:
        content.copy_(torch.frombuffer(buffer.getbuffer(), dtype=torch.uint8))
    dist.broadcast(content, 0)
    received: dict[str, Any] = torch.load(
        io.BytesIO(content.cpu().numpy().tobytes()), map_location=device, weights_only=True
    )
    return received


class JointBatchNorm(nn.modules.batchnorm._BatchNorm):
    """BatchNorm of any number of dimensions whose statistics are those of all ranks' pictures together."""

    def _check_input_dim(self, x: Tensor) -> None:
        """Checked by the class that this one stands in for."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        over = [0, *range(2, x.dim())]
        shape = [1, -1] + [1] * (x.dim() - 2)
        wide = x.float()
        # Every rank has as many pictures, so that the mean of means is the mean.
        mean = total(wide.mean(over)) / size()
        centred = wide - mean.view(shape)
        variance = total(centred.square().mean(over)) / size()
        if self.track_running_stats and self.running_mean is not None and self.running_var is not None:
            count = x.numel() // x.shape[1] * size()
            self._remember(mean.detach(), variance.detach() * (count / max(count - 1, 1)))
        y = centred * torch.rsqrt(variance + self.eps).view(shape)
        if self.affine:
            y = y * self.weight.view(shape) + self.bias.view(shape)
        return y.to(x.dtype)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None
        with torch.no_grad():
            self.num_batches_tracked += 1
            part = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
            self.running_mean.lerp_(mean, part)
            self.running_var.lerp_(variance, part)


def join_statistics(module: nn.Module) -> nn.Module:
    """Have every BatchNorm of ``module`` look at all ranks, where there are several; weights and names stay."""
    if size() > 1:
        for part in module.modules():
            if type(part) in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d):
                part.__class__ = JointBatchNorm  # type: ignore[assignment]
    return module
