"""How much is measured: the report's sizes, or tiny ones that a processor gets through."""

from __future__ import annotations

from dataclasses import dataclass

NETWORKS = (
    "baseline", "double_dg", "gan_res_whole", "basic_gan", "gan_new_loss", "gan_res_mask", "double_dg_linear",
)  # fmt: skip
"""Unlike ones first: where the time ends, those that are left are least missed."""


@dataclass(frozen=True)
class Sizes:
    """side: of the pictures; width, batch: of networks and training steps. largest: batch size at which the sweep
    ends. looked_into: the variants of which more is measured than of the others; compiled: those that
    stand for others of the same generator. fills: of each picture that are
    scored, pictures: how many at a time. steps, trained_on, count, masks: of the run of the paper profile."""

    device: str
    side: int = 256
    width: int = 64
    batch: int = 64
    largest: int = 512
    variants: tuple[str, ...] = NETWORKS
    looked_into: tuple[str, ...] = ("baseline", "double_dg")
    compiled: tuple[str, ...] = ("baseline", "double_dg", "gan_res_whole")
    pictures: int = 8
    fills: int = 8
    steps: int = 120
    trained_on: int = 512
    count: int = 8
    masks: tuple[str, ...] = ("standard", "rect", "circle", "ellipse", "lama_thin", "lama_medium", "lama_thick")

    @property
    def gpu(self) -> bool:
        return self.device.startswith("cuda")


def tiny(device: str) -> Sizes:
    """The same in little, so that every line of it runs within seconds."""
    return Sizes(
        device, side=32, width=4, batch=4, largest=4, variants=("baseline", "double_dg"), looked_into=("double_dg",),
        compiled=("baseline",),
        pictures=2, fills=2, steps=4, trained_on=24, count=2, masks=("rect",),
    )  # fmt: skip
