"""The drift of a method: what it did to the known pixels, which it was given. In 8-bit levels, raw rounded to them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.metrics.card import Card, absolute_error, squared_error
from bench.metrics.scratch import SCRATCH

Channels = tuple[int, int, int]

NEEDS_RAW = "needs the raw output, which finished pictures do not have"
"""Why a score of it is empty for them."""

NOTHING: tuple[Channels, Channels] = (0, 0, 0), (0, 0, 0)


@dataclass(frozen=True)
class Drift:
    """Sums over the known pixels, in levels, of raw q and the truth t.

    absolute: of |q - t| over channels too; NaN where raw is not finite somewhere, in the hole or out of it. The
    others are per channel: of q and q², and of (q - t)²; None where there is no drift. known: pixels.
    """

    known: int
    absolute: float
    q: Channels | None = None
    qq: Channels | None = None
    squares: Channels | None = None

    @property
    def mean_levels(self) -> float:
        """Mean |q - t| over known pixels and channels; NaN for a full hole.

        >>> Drift(known=2, absolute=12.0).mean_levels  # 12 levels over 2 pixels of 3 channels
        2.0
        """
        return self.absolute / (3 * self.known) if self.known else math.nan


def drift(card: Card) -> Drift | None:
    """How far raw lies from the truth on the known pixels; None without raw. Measured once a card.

    >>> from bench.metrics.card import Hole, Truth
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), Hole(np.array([[False, True]]))
    >>> raw = np.array([[[3, 3, 3], [255, 255, 255]]], np.float32) / np.float32(255)
    >>> found = drift(Card(Truth(black), hole, black, raw))
    >>> found.known, found.q, found.mean_levels  # the known pixel came back as level 3
    (1, (3, 3, 3), 3.0)
    """
    return None if card.raw is None else card.once(_measure_drift)


def _measure_drift(card: Card) -> Drift:
    """The sums for a card with raw."""
    import cv2

    assert card.raw is not None
    raw, hole, truth = card.raw, card.hole, card.truth.picture
    low, high = float(raw.min()), float(raw.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        return Drift(hole.known, math.nan)
    levels = SCRATCH.array("levels", raw.shape, np.uint8)
    cv2.convertScaleAbs(raw if low >= 0 else np.maximum(raw, 0), dst=levels, alpha=255.0)
    if hole.area:
        here = hole.box.of(levels)
        cv2.bitwise_or(cv2.bitwise_and(here, hole.known_stencil), card.truth_in_hole, dst=here)
    absolute = absolute_error(truth, levels)
    if not absolute:
        return Drift(hole.known, 0.0)
    planes = cv2.split(levels, [SCRATCH.array(f"plane {c}", raw.shape[:2], np.uint8) for c in range(3)])
    t_in_hole, tt_in_hole = _hole_levels(card)
    q = [round(value) for value in cv2.sumElems(levels)]
    return Drift(
        hole.known,
        absolute,
        each(q[c] - t_in_hole[c] for c in range(3)),
        each(squared(planes[c]) - tt_in_hole[c] for c in range(3)),
        each(squared_error(a, b) for a, b in zip(_truth_planes(card), planes, strict=True)),
    )


def known_levels(card: Card) -> tuple[Channels, Channels]:
    """The truth's levels summed over the known pixels, and their squares, per channel.

    >>> from bench.metrics.card import Hole, Truth
    >>> truth, hole = np.array([[[1, 2, 3], [9, 9, 9]]], np.uint8), np.array([[False, True]])
    >>> known_levels(Card(Truth(truth), Hole(hole), truth))
    ((1, 2, 3), (1, 4, 9))
    """
    kept = card.truth.kept
    if "level sums" not in kept:
        kept["level sums"] = level_sums(_truth_planes(card))
    (t, tt), (inside, squares_inside) = kept["level sums"], _hole_levels(card)
    return each(t[c] - inside[c] for c in range(3)), each(tt[c] - squares_inside[c] for c in range(3))


def _hole_levels(card: Card) -> tuple[Channels, Channels]:
    """The same over the hole."""
    import cv2

    if "level sums" not in card.hole.kept:
        card.hole.kept["level sums"] = level_sums(cv2.split(card.truth_in_hole)) if card.hole.area else NOTHING
    return card.hole.kept["level sums"]


def _truth_planes(card: Card) -> Sequence[np.ndarray]:
    """The truth's red, green and blue, uint8 (H, W) each, kept with the picture."""
    import cv2

    if "planes" not in card.truth.kept:
        card.truth.kept["planes"] = cv2.split(card.truth.picture)
    return card.truth.kept["planes"]


def level_sums(planes: Sequence[np.ndarray]) -> tuple[Channels, Channels]:
    """Each channel's sum of levels and of their squares.

    >>> level_sums([np.array([[level, 1]], np.uint8) for level in (2, 3, 4)])
    ((3, 4, 5), (5, 10, 17))
    """
    return each(int(plane.sum(dtype=np.int64)) for plane in planes), each(squared(plane) for plane in planes)


def squared(plane: np.ndarray) -> int:
    """Sum of squares of a uint8 plane, exact.

    >>> squared(np.array([[3, 4]], np.uint8))
    25
    """
    import cv2

    return round(cv2.norm(plane, cv2.NORM_L2SQR))


def each(values: Iterable[int]) -> Channels:
    """Three values as red, green and blue.

    >>> each(level * 2 for level in (1, 2, 3))
    (2, 4, 6)
    """
    red, green, blue = values
    return red, green, blue
