"""The ways of running a network faster: BatchNorm folding, torch.compile, CUDA graphs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from variants.compiling import prepare_compiling

if TYPE_CHECKING:
    from bench.throughput.settings import Setting


def foldable(network: nn.Module) -> bool:
    """Whether :func:`fold` finds anything to fold."""
    before, after = (sum(isinstance(m, nn.BatchNorm2d) for m in n.modules()) for n in (network, fold(network)))
    return after < before


def fold(network: nn.Module) -> nn.Module:
    """A copy with every BatchNorm that follows a convolution folded into its weights: the same function, less work.

    Looks at neighbours in ``nn.Sequential``, which is how the variants' blocks are built.
    """
    folded = copy.deepcopy(network).eval()
    for block in [m for m in folded.modules() if isinstance(m, nn.Sequential)]:
        for i in range(len(block) - 1):
            conv, norm = block[i], block[i + 1]
            if isinstance(conv, nn.Conv2d | nn.ConvTranspose2d) and isinstance(norm, nn.BatchNorm2d):
                transposed = isinstance(conv, nn.ConvTranspose2d)
                assert norm.running_mean is not None and norm.running_var is not None
                conv.weight, conv.bias = fuse_conv_bn_weights(
                    conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias,
                    transpose=transposed,
                )  # fmt: skip
                block[i + 1] = nn.Identity()
    return folded


def compiled(fill: nn.Module) -> Callable[..., Any]:
    """torch.compile for fixed shapes. The first call compiles, in this process: no workers are left behind."""
    import logging

    import torch._inductor.config

    prepare_compiling()
    torch._inductor.config.compile_threads = 1
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # "no CUDA runtime": we know
    return torch.compile(fill, dynamic=False)


def graphed(fill: nn.Module, setting: Setting) -> Callable[[Tensor, Tensor], Tensor]:
    """One CUDA graph of a whole fill. Fresh inputs are copied into the graph's own before each replay."""
    side, n = setting.resolution, setting.batch
    images = torch.zeros(n, side, side, 3, dtype=torch.uint8, device=setting.device)
    holes = torch.zeros(n, side, side, dtype=torch.bool, device=setting.device)
    stream = torch.cuda.Stream(setting.device)
    stream.wait_stream(torch.cuda.current_stream(setting.device))
    with torch.cuda.stream(stream), torch.inference_mode():
        for _ in range(3):
            fill(images, holes)
    torch.cuda.current_stream(setting.device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph), torch.inference_mode():
        filled = fill(images, holes)

    def replay(new_images: Tensor, new_holes: Tensor) -> Tensor:
        images.copy_(new_images, non_blocking=True)
        holes.copy_(new_holes, non_blocking=True)
        graph.replay()
        return filled

    return replay
