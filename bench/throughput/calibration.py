"""The harness's own workload: fixed fp32 convolutions, timed in between everything else of a run.

A slower or busier machine slows it as it slows the variants, so speed as a multiple of it can be compared
between runs. Never change it: the gate compares with runs of the past.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench.throughput.settings import CALIBRATION
from bench.throughput.subjects import Subject

RESOLUTION, BATCH = 64, 8


class Workload(nn.Module):
    """Called as the variants' networks are: four 3×3 convolutions of 32 channels at half the size."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(6, 32, 4, 2, 1)
        self.middle = nn.Sequential(*(nn.Conv2d(32, 32, 3, 1, 1) for _ in range(4)))
        self.last = nn.ConvTranspose2d(32, 3, 4, 2, 1)

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        return self.last(self.middle(self.first(torch.cat((x, known), dim=1)).relu()).relu())


def subject() -> Subject:
    """The workload with weights from seed 0; the caller's random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Workload().eval()
    return Subject(CALIBRATION, sum(p.numel() for p in network.parameters()), network, 2)
