"""What a metric looks at: one picture, one hole, one fill, and what is computed once for all of them.

Levels are 8-bit (0-255). Sums over pixels are integers, so no value depends on batch, worker or threads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bench.protocol import NATIVE, Protocol


@dataclass(eq=False)
class Truth:
    """The picture that a hole was cut from: uint8 (H, W, 3). ``kept`` holds what depends on it alone
    (filtered maps, features), by the name of whoever computed it, across holes and methods."""

    picture: np.ndarray
    kept: dict[Any, Any] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        return self.picture.shape[0], self.picture.shape[1]


@dataclass(eq=False)
class Hole:
    """A hole cut from one truth: bool (H, W), True where the picture is missing. ``kept`` holds what depends
    on that truth and this hole, across methods."""

    mask: np.ndarray
    kept: dict[Any, Any] = field(default_factory=dict)

    @cached_property
    def area(self) -> int:
        """Missing pixels."""
        return int(np.count_nonzero(self.mask))

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        """Top, bottom, left, right (ends excluded) of the smallest rectangle that holds the hole; zeros if
        empty."""
        rows = np.flatnonzero(self.mask.any(axis=1))
        if not len(rows):
            return 0, 0, 0, 0
        columns = np.flatnonzero(self.mask.any(axis=0))
        return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


@dataclass(frozen=True)
class Sums:
    """Integer sums of the error ``filled - truth``, in levels, over one region."""

    pixels: int
    squares: int
    absolutes: int
    signed: tuple[int, int, int]

    @property
    def mse(self) -> float:
        """Mean squared error over pixels and channels, of values in [0, 1]; NaN for an empty region."""
        return self.squares / (self.pixels * 3 * 255**2) if self.pixels else float("nan")

    @property
    def l1(self) -> float:
        """Mean absolute error over pixels and channels, of values in [0, 1]; NaN for an empty region."""
        return self.absolutes / (self.pixels * 3 * 255) if self.pixels else float("nan")


@dataclass(eq=False)
class Card:
    """One fill to be scored.

    filled: uint8 (H, W, 3). raw: float32 (H, W, 3) in [0, 1], what the method put out before compositing, or
    None for a finished picture.
    """

    truth: Truth
    hole: Hole
    filled: np.ndarray
    raw: np.ndarray | None = None
    protocol: Protocol = NATIVE

    @cached_property
    def difference(self) -> np.ndarray:
        """filled - truth in levels, int16 (H, W, 3)."""
        return self.filled.astype(np.int16) - self.truth.picture

    @cached_property
    def image_sums(self) -> Sums:
        return sums(self.difference.reshape(-1, 3))

    @cached_property
    def hole_sums(self) -> Sums:
        return sums(self.difference[self.hole.mask])

    @property
    def truth_mean(self) -> tuple[float, float, float]:
        """The truth's mean colour over the hole, in levels."""
        if "mean" not in self.hole.kept:
            total = self.truth.picture[self.hole.mask].sum(axis=0, dtype=np.int64)
            self.hole.kept["mean"] = tuple(int(channel) / self.hole.area for channel in total)
        return self.hole.kept["mean"]

    @cached_property
    def ssim(self) -> tuple[float, float]:
        """SSIM of the picture and of the hole under the protocol's window."""
        from bench.metrics.ssim import both

        return both(self)

    @cached_property
    def corrected(self) -> Card | None:
        """The same card after colour correction; None without raw or without known pixels."""
        from bench.metrics.correction import correct

        if self.raw is None:
            return None
        picture = correct(self.truth.picture, self.hole.mask, self.filled, self.raw)
        return None if picture is None else Card(self.truth, self.hole, picture, None, self.protocol)


def sums(difference: np.ndarray) -> Sums:
    """The sums of int16 differences (n, 3)."""
    wide = difference.astype(np.int64)
    signed = wide.sum(axis=0)
    return Sums(
        len(wide),
        int((wide * wide).sum()),
        int(np.abs(wide).sum()),
        (int(signed[0]), int(signed[1]), int(signed[2])),
    )


@dataclass
class ScoringContext:
    """What batched metrics are given beside the cards: where backbones may lie, the torch device they run on,
    the protocol, and a place for what they load once (``cache``, by their own keys)."""

    weights_dir: Path | None = None
    device: str = "cpu"
    protocol: Protocol = NATIVE
    cache: dict[Any, Any] = field(default_factory=dict)
