"""Inpainting methods: whatever fills holes, seen from outside as one call on pictures.

Pictures cross this border as uint8 (N, H, W, 3) and holes as bool (N, H, W); what comes back is ``raw``,
float32 (N, H, W, 3) in [0, 1], over the whole picture. Compositing and rounding are the caller's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from variants.errors import FillError
from variants.plugins import an, reason
from variants.seeding import seed_call

if TYPE_CHECKING:
    from torch import nn

    from variants.objectives import Objective


@dataclass(frozen=True)
class Training:
    """Training settings of a variant: Adam with a 5 % warm-up, then a cosine down to nothing.

    steps: generator steps of the quick profile; epochs: of the paper's programme. The report trained for 20 epochs,
    its last model for 50. wide_lr: the learning rate at the report's full width where the quick profile's is too bold.
    """

    steps: int = 800
    epochs: int = 20
    lr: float = 2e-3
    critic_lr: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    warmup: float = 0.05
    wide_lr: float | None = None
    clip_norm: float | None = None
    masks: tuple[str, ...] = ("rect",)

    def rate(self, width: int) -> float:
        """The learning rate for a width: ``lr`` up to 32 channels, ``wide_lr`` above where there is one."""
        return self.lr if width <= 32 or self.wide_lr is None else self.wide_lr


class Network:
    """A variant that is trained: subclass it, name its network, its objective and its settings.

    fills: ``whole`` (the fill is the network's picture) or ``hole`` (known pixels are copied in the network).
    learns_by_features: whether its objective looks through VGG16 (:mod:`variants.perceptual`).
    """

    kind: ClassVar[str] = "network"
    learns_by_features: ClassVar[bool] = False
    summary: ClassVar[str] = ""
    fills: ClassVar[str] = "whole"
    multiple: ClassVar[int] = 16
    first_layer: ClassVar[str] = "down1.0.weight"
    training: ClassVar[Training] = Training()

    def network(self, width: int) -> nn.Module:
        """The generator, called as ``network(x, known)`` (see :mod:`variants.blocks`)."""
        raise NotImplementedError

    def objective(self, width: int) -> Objective:
        """What it learns by, with critics of that width."""
        raise NotImplementedError

    def missing(self) -> str:
        """Why it cannot be trained here, a clause such as "it needs …"; '' where it can."""
        return ""

    def width_of(self, state: dict) -> int | None:
        """The width that a state dict was saved at, from its first convolution; None where it has none."""
        weight = state.get(self.first_layer)
        return int(weight.shape[0]) if weight is not None else None


class Reference:
    """A variant that needs no training: subclass it and fill one picture."""

    kind: ClassVar[str] = "reference"
    summary: ClassVar[str] = ""
    fills: ClassVar[str] = "hole"

    def missing(self) -> str:
        """Why it cannot fill here, a clause such as "it needs …, which is not installed"; '' where it can."""
        return ""

    def fill(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        """Fill one picture, uint8 (H, W, 3), where hole, bool (H, W), is True.

        Pixels under the hole are zero. Returns uint8 (H, W, 3) or float32 in [0, 1].
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Findings:
    """What a method noticed while it filled.

    problems: why a picture was not filled, by (mask type, picture id); its raw is NaN. extra: files that belong to no
    picture. low, high: the ends of the values that it put out, where they lay beyond [0, 1] and were clipped. unread:
    files that cannot be read as pictures, and why.
    """

    problems: Mapping[tuple[str, str], str] = field(default_factory=dict)
    extra: Sequence[str] = ()
    low: float = 0.0
    high: float = 1.0
    unread: Mapping[str, str] = field(default_factory=dict)


def joined(findings: Sequence[Findings]) -> Findings:
    """What one method noticed in several processes, each of which filled a part: extra is what belongs to none."""
    in_all = set.intersection(*(set(found.extra) for found in findings))
    extra = [name for name in findings[0].extra if name in in_all]
    problems = {key: why for found in findings for key, why in found.problems.items()}
    unread = {name: why for found in findings for name, why in found.unread.items()}
    return Findings(
        problems, extra, min(found.low for found in findings), max(found.high for found in findings), unread
    )


class Method:
    """Something ready to fill: a name, :meth:`fill`, and what it noticed on the way, :meth:`findings`.

    gives_raw: False for finished pictures, whose scores of ``raw`` are left out. parameters: how many weights, 0 where
    that means nothing. steps: of its training, 0 where that is not known. convention: keys of its SPEC, which its fills
    depend on. content: digest of what else they depend on, a plug-in's code or the finished pictures themselves.
    suite_seed: what its random numbers depend on, beside mask type, picture id and sample. samples: how many fills of a
    hole are wanted; sample: which of them :meth:`fill` makes. forks: whether a copy of this process can fill with it,
    as it holds no GPU, no threads and no state that its fills depend on. label: what a run calls it, see
    :func:`tell_apart`.
    """

    name: str = ""
    seed: int = 0
    kind: str = "external"
    summary: str = ""
    fills: str = "whole"
    gives_raw: bool = True
    forks: bool = False
    parameters: int = 0
    steps: int = 0
    weights_sha256: str = ""
    convention: str = ""
    content: str = ""
    suite_seed: int = 0
    samples: int = 1
    sample: int = 0
    several_seeds: bool = False

    def fill(self, images: np.ndarray, holes: np.ndarray, ids: list[str] | None = None, mask: str = "") -> np.ndarray:
        """raw, float32 (N, H, W, 3) in [0, 1]. ``ids`` and ``mask`` matter to finished pictures alone."""
        raise NotImplementedError

    def finished(self, images: np.ndarray, ids: list[str], mask: str) -> list[np.ndarray | None] | None:
        """Finished pictures as they are, uint8 (H, W, 3) of the images' size, None where one cannot be had; None of a
        method that has to :meth:`fill`."""
        return None

    def findings(self) -> Findings:
        """What it noticed in all calls of :meth:`fill` so far; nothing, unless a subclass says more."""
        return Findings()

    @property
    def label(self) -> str:
        """NAME, or NAME@SEED where a run holds several seeds of it."""
        return f"{self.name}@{self.seed}" if self.several_seeds else self.name


def tell_apart(methods: Iterable[Method], others: Iterable[tuple[str, int]] = ()) -> None:
    """Give each method whose name stands for several seeds the seed in its label: ``double_dg@1``.

    others: (name, seed) of what else the run holds.
    """
    methods = list(methods)
    pairs = {(method.name, method.seed) for method in methods} | set(others)
    for method in methods:
        method.several_seeds = sum(name == method.name for name, _ in pairs) > 1


class ReferenceMethod(Method):
    """A :class:`Reference`, picture by picture. What lies under the hole is blanked before the method sees it."""

    kind = "reference"
    forks = True

    def __init__(self, name: str, reference: Reference) -> None:
        self.name = name
        self.reference = reference
        self.summary = reference.summary
        self.fills = reference.fills
        self.problems: dict[tuple[str, str], str] = {}

    def fill(self, images: np.ndarray, holes: np.ndarray, ids: list[str] | None = None, mask: str = "") -> np.ndarray:
        blanked = np.where(holes[..., None], np.uint8(0), images)
        raw = np.empty(images.shape, np.float32)
        for k, (out, image, hole) in enumerate(zip(raw, blanked, holes, strict=True)):
            seed_call(self.suite_seed, mask, ids[k] if ids else "", self.sample)
            try:
                out[:] = self.painted(image, hole)
            except FillError as error:
                if ids is None:
                    raise
                out[:] = np.nan
                self.problems[mask, ids[k]] = str(error)
        return raw

    def painted(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        """One picture, float32 (H, W, 3). Raises FillError where the reference fails or gives something else."""
        if not hole.any():
            return image / np.float32(255)
        try:
            filled = self.reference.fill(image, hole)
        except (Exception, SystemExit) as error:
            raise FillError(f"{self.name} failed: {reason(error)}") from error
        if not isinstance(filled, np.ndarray) or filled.shape != image.shape:
            got = f"{filled.dtype} {filled.shape}" if isinstance(filled, np.ndarray) else an(filled)
            raise FillError(f"{self.name} gave {got}, not a NumPy array {image.shape}")
        if filled.dtype == np.uint8:
            return filled / np.float32(255)
        if not np.issubdtype(filled.dtype, np.floating):
            raise FillError(f"{self.name} gave {filled.dtype}: uint8 in 0-255 or floats in 0-1 are pictures")
        return filled.astype(np.float32)

    def findings(self) -> Findings:
        return Findings(self.problems)
