"""The floating-point operations of the paper's whole training programme, and the least time they take.

``python -m bench.throughput.paper_programme`` prints the table of docs/throughput.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.throughput.cost import Count
from variants.registry import variant
from variants.session import Plan, Session

PICTURES, SIDE, WIDTH = 41_000, 256, 64
SIX = ("baseline", "basic_gan", "gan_new_loss", "gan_res_mask", "gan_res_whole", "double_dg")
RATE = 790e12
"""bf16 operations a second that large matrix products reach on an H200-class GPU (its data sheet says 989)."""
BANDWIDTH = 4.8e12
"""Bytes a second of its memory, by the data sheet."""
COUNTED_SIDE, COUNTED = 64, 2
"""Counted on so small a batch and scaled: the networks are fully convolutional, so operations go with the area."""


@dataclass(frozen=True)
class Training:
    """flops_fill: of one picture's fill; flops_step: of one picture's training step, critics included.

    bytes_step: what that step's convolutions and matrix products read and write in the precision counted, weights left
    out (they are shared by the batch), as if everything in between were fused into them. bytes_held: of that picture's
    tensors, alive at once.
    """

    name: str
    parameters: int
    flops_fill: float
    flops_step: float
    bytes_step: float
    bytes_held: float
    epochs: int

    @property
    def flops(self) -> float:
        """Of the variant's training in the paper's programme."""
        return self.flops_step * PICTURES * self.epochs

    @property
    def seconds(self) -> float:
        """What the operations take at least."""
        return self.flops / RATE

    @property
    def memory_seconds(self) -> float:
        """What the bytes take at least."""
        return self.bytes_step * PICTURES * self.epochs / BANDWIDTH


def count_training(
    name: str, width: int = WIDTH, side: int = SIDE, precision: str = "bf16", device: str = "cpu"
) -> Training:
    """Counted by torch's flop counter over one real training step and one fill."""
    entry = variant.get(name)()
    session = Session(entry, Plan(name, 0, width, 10, COUNTED, device, precision))
    session.compute = session._compute  # steps of unlike sizes are never recorded
    images = torch.rand(COUNTED, 3, COUNTED_SIDE, COUNTED_SIDE, device=device)
    holes = torch.zeros(COUNTED, 1, COUNTED_SIDE, COUNTED_SIDE, device=device)
    holes[:, :, 16:40, 16:40] = 1
    with FlopCounterMode(display=False) as step:
        session.step(images, holes)
    moved, held = [], []
    for doubled in (1, 2):
        with Count([]) as counted:
            session.step(images.repeat(doubled, 1, 1, 1), holes.repeat(doubled, 1, 1, 1))
        moved.append(counted.activation_bytes)
        held.append(counted.peak)
    with FlopCounterMode(display=False) as fill, torch.no_grad():
        session.generator.eval()(images, images)
    area = (side / COUNTED_SIDE) ** 2 / COUNTED
    return Training(
        name,
        sum(p.numel() for p in session.generator.parameters()),
        fill.get_total_flops() * area,
        step.get_total_flops() * area,
        # What a larger batch moves more: the weights, read and cast once a step, drop out.
        (moved[1] - moved[0]) * area,
        (held[1] - held[0]) * area,
        entry.training.epochs,
    )


def main() -> None:
    """Print the table of docs/throughput.md as Markdown."""
    print(
        "| variant | parameters | fill [GFLOP] | step [GFLOP] | step [MiB] | epochs | training [PFLOP] "
        "| by compute [min] | by memory [min] |"
    )
    print("| --- |" + " ---: |" * 8)
    trainings = [count_training(name) for name in SIX]
    for t in trainings:
        print(
            f"| `{t.name}` | {t.parameters / 1e6:.1f} M | {t.flops_fill / 1e9:.1f} | {t.flops_step / 1e9:.1f} "
            f"| {t.bytes_step / 2**20:.0f} | {t.epochs} | {t.flops / 1e15:.0f} | {t.seconds / 60:.1f} "
            f"| {t.memory_seconds / 60:.1f} |"
        )
    flops = sum(t.flops for t in trainings)
    compute, memory = sum(t.seconds for t in trainings), sum(t.memory_seconds for t in trainings)
    print(f"| together | | | | | | {flops / 1e15:.0f} | {compute / 60:.1f} | {memory / 60:.1f} |")


if __name__ == "__main__":
    main()
