"""What a metric looks at: one picture, one hole, one fill, and what is computed once for all of them.

Levels are 8-bit (0-255). Sums over pixels are integers and so exact: no value depends on batch, worker or threads.

Speed comes from one fact: a filled picture equals the truth outside the hole, so everything that compares the two
looks at the hole's box alone. Where known pixels differ (fills scored as they are), the box is the whole picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bench.metrics.box import Box
from bench.metrics.protocol import NATIVE, Protocol

Colours = tuple[int, int, int]

Kept = TypeVar("Kept")


@dataclass(eq=False)
class Truth:
    """The picture that a hole was cut from: uint8 (H, W, 3), contiguous. ``kept`` holds what depends on it alone
    (filtered maps, features), by the name of whoever computed it, across holes and methods."""

    picture: np.ndarray
    kept: dict[Any, Any] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels.

        >>> Truth(np.zeros((2, 5, 3), np.uint8)).shape
        (2, 5)
        """
        return self.picture.shape[0], self.picture.shape[1]


@dataclass(eq=False)
class Hole:
    """A hole cut from one truth: bool (H, W), True where the picture is missing. ``kept`` holds what depends on
    that truth and this hole, across methods."""

    mask: np.ndarray
    kept: dict[Any, Any] = field(default_factory=dict)

    @cached_property
    def area(self) -> int:
        """Missing pixels.

        >>> Hole(np.array([[True, False, True]])).area
        2
        """
        return int(np.count_nonzero(self.mask))

    @cached_property
    def known(self) -> int:
        """Known pixels.

        >>> Hole(np.array([[True, False, True]])).known
        1
        """
        return self.mask.size - self.area

    @cached_property
    def box(self) -> Box:
        """The smallest rectangle that holds the hole.

        >>> Hole(np.array([[False, False, False], [False, True, True]])).box
        Box(top=1, bottom=2, left=1, right=3)
        """
        return Box.around(self.mask)

    @cached_property
    def stencil(self) -> np.ndarray:
        """The hole within its box as a bit mask of three channels: uint8 (h, w, 3), 255 in the hole, else 0.

        >>> Hole(np.array([[False, True, False, True]])).stencil[..., 0].tolist()  # the box begins at the second pixel
        [[255, 0, 255]]
        """
        return stencil(self.box.of(self.mask))

    @cached_property
    def known_stencil(self) -> np.ndarray:
        """The bits of ``stencil`` turned: 255 where known.

        >>> Hole(np.array([[False, True, False, True]])).known_stencil[..., 0].tolist()
        [[0, 255, 0]]
        """
        import cv2

        return cv2.bitwise_not(self.stencil)

    def weights(self, dtype: type) -> np.ndarray:
        """The hole within its box as numbers of three channels: (h, w, 3), 1 in the hole, else 0.

        >>> Hole(np.array([[False, True, False, True]])).weights(np.float32)[..., 0].tolist()
        [[1.0, 0.0, 1.0]]
        """
        key = ("weights", dtype)
        if key not in self.kept:
            self.kept[key] = three_channels(self.box.of(self.mask).astype(dtype))
        return self.kept[key]


def stencil(mask: np.ndarray) -> np.ndarray:
    """uint8 (h, w, 3): 255 where the mask holds, else 0.

    >>> stencil(np.array([[True, False]])).tolist()
    [[[255, 255, 255], [0, 0, 0]]]
    """
    return three_channels(mask.view(np.uint8) * np.uint8(255))


def three_channels(plane: np.ndarray) -> np.ndarray:
    """(h, w, 3), each channel the plane (h, w).

    >>> three_channels(np.array([[7, 8]], np.uint8)).tolist()
    [[[7, 7, 7], [8, 8, 8]]]
    """
    import cv2

    return cv2.merge([plane, plane, plane]) if plane.size else np.zeros((*plane.shape, 3), plane.dtype)


@dataclass(frozen=True)
class Sums:
    """Integer sums of the error ``filled - truth``, in levels, over one region."""

    pixels: int
    squares: int
    absolutes: int

    @property
    def mse(self) -> float:
        """Mean squared error over pixels and channels, of values in [0, 1]; NaN for an empty region.

        >>> Sums(pixels=2, squares=3 * 255**2, absolutes=3 * 255).mse  # one of two pixels is wrong by 1
        0.5
        """
        return self.squares / (self.pixels * 3 * 255**2) if self.pixels else float("nan")

    @property
    def l1(self) -> float:
        """Mean absolute error over pixels and channels, of values in [0, 1]; NaN for an empty region.

        >>> Sums(pixels=4, squares=3 * 255**2, absolutes=3 * 255).l1
        0.25
        """
        return self.absolutes / (self.pixels * 3 * 255) if self.pixels else float("nan")


@dataclass(eq=False)
class Patch:
    """What a hole was filled with. cut: gives the fill within the hole's box, zero where known, uint8 (h, w, 3)."""

    truth: Truth
    hole: Hole
    cut: Callable[[], np.ndarray]

    @cached_property
    def in_hole(self) -> np.ndarray:
        """What ``cut`` gives, asked for once."""
        return self.cut()

    @property
    def truth_in_hole(self) -> np.ndarray:
        """The truth within the hole's box, zero where known: uint8 (h, w, 3).

        >>> hole = Hole(np.array([[True, False, True]]))
        >>> Patch(Truth(np.full((1, 3, 3), 9, np.uint8)), hole, lambda: None).truth_in_hole[..., 0].tolist()
        [[9, 0, 9]]
        """
        if "cut" not in self.hole.kept:
            self.hole.kept["cut"] = cut_out(self.truth.picture, self.hole)
        return self.hole.kept["cut"]

    @cached_property
    def hole_sums(self) -> Sums:
        """Sums of squared and absolute errors over the hole."""
        return _sums(self.truth_in_hole, self.in_hole, self.hole.area)

    @property
    def truth_colours(self) -> Colours:
        """The truth's levels summed over the hole, per channel.

        >>> truth = Truth(np.array([[[1, 2, 3], [10, 20, 30], [5, 5, 5]]], np.uint8))
        >>> Patch(truth, Hole(np.array([[True, True, False]])), lambda: None).truth_colours
        (11, 22, 33)
        """
        if "colours" not in self.hole.kept:
            self.hole.kept["colours"] = colour_sums(self.truth_in_hole)
        return self.hole.kept["colours"]

    @cached_property
    def colours(self) -> Colours:
        """The fill's levels summed over the hole, per channel."""
        return colour_sums(self.in_hole)


class Card(Patch):
    """One fill to be scored.

    filled: uint8 (H, W, 3). raw: float32 (H, W, 3) in [0, 1], what the method put out before compositing, or None
    for a finished picture. finished: that picture as it came, uint8 (H, W, 3), before known pixels were restored; None
    where it is not known. All contiguous.
    """

    def __init__(
        self,
        truth: Truth,
        hole: Hole,
        filled: np.ndarray,
        raw: np.ndarray | None = None,
        protocol: Protocol = NATIVE,
        finished: np.ndarray | None = None,
    ) -> None:
        super().__init__(truth, hole, lambda: cut_out(filled, hole))
        self.filled = filled
        self.raw = raw
        self.finished = finished
        self.protocol = protocol
        self.reasons: dict[str, str] = {}
        """Why a metric found no value, by its name: of those that learn it only when they try."""
        self._kept: dict[Any, Any] = {}

    @cached_property
    def known_changed(self) -> bool:
        """The fill differs from the truth somewhere outside the hole.

        >>> truth, hole = Truth(np.zeros((1, 2, 3), np.uint8)), Hole(np.array([[True, False]]))
        >>> filled = np.zeros((1, 2, 3), np.uint8)
        >>> filled[0, 0] = 9  # in the hole
        >>> Card(truth, hole, filled).known_changed
        False
        >>> filled[0, 1] = 9  # where the picture was known
        >>> Card(truth, hole, filled).known_changed
        True
        """
        return absolute_error(self.truth.picture, self.filled) != self.hole_sums.absolutes

    @cached_property
    def image_sums(self) -> Sums:
        """The same over the whole picture; the hole's alone where no known pixel changed."""
        if self.known_changed:
            return _sums(self.truth.picture, self.filled, self.hole.mask.size)
        return replace(self.hole_sums, pixels=self.hole.mask.size)

    @property
    def box(self) -> Box:
        """The rectangle outside which the fill equals the truth."""
        return Box.whole(*self.truth.shape) if self.known_changed else self.hole.box

    def once(self, compute: Callable[[Card], Kept]) -> Kept:
        """What ``compute`` finds for this card, computed at the first asking.

        >>> picture = np.zeros((1, 2, 3), np.uint8)
        >>> card = Card(Truth(picture), Hole(np.array([[True, False]])), picture)
        >>> def pixels(card: Card) -> int:
        ...     print("computed")
        ...     return card.hole.mask.size
        >>> card.once(pixels) + card.once(pixels)
        computed
        4
        """
        if compute not in self._kept:
            self._kept[compute] = compute(self)
        return self._kept[compute]

    def keep(self, compute: Callable[..., Kept], value: Kept) -> None:
        """Have :meth:`once` give what was computed elsewhere."""
        self._kept[compute] = value

    def has(self, compute: Callable[..., Any]) -> bool:
        """Whether :meth:`once` has calculated it already."""
        return compute in self._kept


def cut_out(picture: np.ndarray, hole: Hole) -> np.ndarray:
    """The picture within the hole's box, black outside of the hole: uint8 (h, w, 3), empty where nothing is missing.

    >>> hole = Hole(np.array([[False, False, False], [True, False, True]]))
    >>> cut_out(np.full((2, 3, 3), 9, np.uint8), hole).tolist()  # the box is the lower row
    [[[9, 9, 9], [0, 0, 0], [9, 9, 9]]]
    """
    if not hole.area:
        return np.zeros((0, 0, 3), np.uint8)
    import cv2

    return cv2.bitwise_and(hole.box.of(picture), hole.stencil)


def _sums(truth: np.ndarray, filled: np.ndarray, pixels: int) -> Sums:
    """The sums of two uint8 pictures (h, w, 3) that are equal outside the region of that many pixels."""
    return Sums(pixels, squared_error(truth, filled), absolute_error(truth, filled))


def squared_error(truth: np.ndarray, filled: np.ndarray) -> int:
    """Sum of squared differences of two uint8 pictures, exact.

    >>> squared_error(np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), 2, np.uint8))
    12
    """
    import cv2

    # Some builds of OpenCV take the root and square it again: rounding gives back the integer.
    return round(cv2.norm(truth, filled, cv2.NORM_L2SQR)) if truth.size else 0


def absolute_error(truth: np.ndarray, filled: np.ndarray) -> int:
    """Sum of absolute differences of two uint8 pictures, exact.

    >>> absolute_error(np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), 2, np.uint8))
    6
    """
    import cv2

    return round(cv2.norm(truth, filled, cv2.NORM_L1)) if truth.size else 0


def colour_sums(cut: np.ndarray) -> Colours:
    """Sums of red, green and blue levels, exact.

    >>> colour_sums(np.array([[[1, 20, 200], [2, 30, 100]]], np.uint8))
    (3, 50, 300)
    """
    if not cut.size:
        return 0, 0, 0
    import cv2

    red, green, blue, _ = cv2.sumElems(cut)
    return int(red), int(green), int(blue)


@dataclass
class ScoringContext:
    """What batched metrics are given beside the cards: where backbones may lie, the torch device they run on,
    the protocol, and a place for what they load once (``cache``, by their own keys)."""

    weights_dir: Path | None = None
    device: str = "cpu"
    protocol: Protocol = NATIVE
    cache: dict[Any, Any] = field(default_factory=dict)
