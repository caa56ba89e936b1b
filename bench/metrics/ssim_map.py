"""The SSIM map of a fill, computed only where a window reaches a changed pixel.

With d = filled - truth and u(.) the window's weighted mean, the mean of the fill is u(x) + u(d), and

    2 cov(x, y) = 2 var(x) + 2 c      with c = u(x d) - u(x) u(d)
    var(x) + var(y) = 2 var(x) + 2 c + e      with e = u(d²) - u(d)²

so beside maps of the truth alone, which are kept, only d, x d and d² are filtered, over the box of d widened by
the window's reach. e is a small difference of large numbers where the fill is flat and far off; float32 is used
where an estimate says that the mean over the hole holds to about a millionth, and float64 elsewhere.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from bench.metrics.box import Box
from bench.metrics.card import Card, Truth
from bench.metrics.protocol import Window
from bench.metrics.scratch import SCRATCH

C1 = (0.01 * 255) ** 2
C2 = (0.03 * 255) ** 2

MIDDLE = 128
"""Taken off the truth's levels before they are multiplied by d: the product fits 16 bits, and c is a smaller
difference."""

FILTER_ERROR = 2.0**-23
"""Relative error of a mean filtered in float32, by which e is off where d is constant."""

ALLOWED_ERROR = 5e-7
"""Estimated, in the mean of the map over the hole; beyond it the map is computed again in float64. On photographs the
error itself was at most a fifth of the estimate."""

SMALL_PIXELS = 1 << 11
"""A box under which float64 is used at once: so few pixels do not average their roundings out."""

SAMPLED_ROWS = 3
"""The error is looked at in every third row: what the window has smoothed changes no faster."""

BAND_PIXELS = 1 << 18
"""The map is made in bands of about so many pixels, which bounds the memory it takes."""

KEPT_PIXELS = 1 << 21
"""A picture above which the truth's maps are made for each band anew: kept, they would take 42 bytes a pixel."""

SMALL_BOXES = 4
"""Boxes of at most a picture's fourth get maps of their own: a picture has a few holes, whose methods share them."""

LEAST_ROWS = 64
"""Of a band: each is made with the rows around it that its windows reach."""


@dataclass(frozen=True)
class TruthMaps:
    """What SSIM needs of a truth within some box, each (h, 3 w).

    levels: less MIDDLE, int16. The others are of one float type. slope: 2 u(x) - 2 MIDDLE. lightness: 2 u(x)² + C1.
    contrast: 2 var(x) + C2.
    """

    levels: np.ndarray
    slope: np.ndarray
    lightness: np.ndarray
    contrast: np.ndarray

    def within(self, box: Box) -> TruthMaps:
        """The same maps, cut to a box."""
        return TruthMaps(
            box.of_flat(self.levels), box.of_flat(self.slope), box.of_flat(self.lightness), box.of_flat(self.contrast)
        )


def _weights(window: Window, depth: type) -> np.ndarray:
    """The window's weights along one axis, summing to 1."""
    offsets = np.arange(window.side) - window.reach
    bell = np.ones(window.side) if window.kind == "uniform" else np.exp(-(offsets**2) / (2 * window.sigma**2))
    return (bell / bell.sum()).astype(depth)


def _divisor_scale(window: Window) -> float:
    """n / (n − 1) of the window's n pixels where the covariance is a sample's, else 1."""
    return window.side**2 / (window.side**2 - 1) if window.sample else 1.0


class Smoother:
    """The window's weighted means of three channels side by side, (h, 3 w)."""

    def __init__(self, window: Window, depth: type) -> None:
        import cv2

        self.kernel = _weights(window, depth)
        self.double = 2 * self.kernel
        self.type = cv2.CV_32F if depth is np.float32 else cv2.CV_64F
        # Within the picture, where a box ends, what is filtered is zero over the window's reach: reflecting it
        # there adds zeros, and so both rules are right.
        self.border = {"reflect": cv2.BORDER_REFLECT, "zero": cv2.BORDER_CONSTANT}[window.border]

    def __call__(self, rows: np.ndarray, out: np.ndarray, twice: bool = False) -> np.ndarray:
        """The means of ``rows``, or twice them, in ``out`` of the same shape."""
        import cv2

        shape = (len(rows), -1, 3)
        column = self.double if twice else self.kernel
        cv2.sepFilter2D(
            rows.reshape(shape), self.type, self.kernel, column, dst=out.reshape(shape), borderType=self.border
        )
        return out


smoother = lru_cache(Smoother)


def _make_maps(truth: Truth, box: Box, window: Window, depth: type) -> TruthMaps:
    """The maps of a truth within a box."""
    around = box.widened(window.reach, *truth.shape)
    inner = box.within(around)
    picture = around.of(truth.picture)
    rows = picture.reshape(len(picture), -1)
    smooth = smoother(window, np.float64)
    mean, square = (SCRATCH.array(name, rows.shape, np.float64) for name in ("truth mean", "truth square"))
    mean = inner.of_flat(smooth(rows, mean))
    variance = inner.of_flat(smooth(np.multiply(rows, rows, dtype=np.uint16), square))
    mean_squared = np.multiply(mean, mean, out=inner.of_flat(SCRATCH.array("truth", rows.shape, np.float64)))
    variance -= mean_squared
    levels = np.subtract(inner.of_flat(rows), MIDDLE, dtype=np.int16)
    slope, lightness, contrast = (np.empty(levels.shape, depth) for _ in range(3))
    np.subtract(mean, MIDDLE, out=slope, casting="same_kind")
    np.add(mean_squared, C1 / 2, out=lightness, casting="same_kind")
    np.multiply(variance, 2 * _divisor_scale(window), out=contrast, casting="same_kind")
    slope *= 2
    lightness *= 2
    contrast += depth(C2)
    return TruthMaps(levels, slope, lightness, contrast)


def _maps_within(card: Card, box: Box, depth: type) -> TruthMaps:
    """The maps of a card's truth within a box: float32 ones are made once for the whole truth and kept with it; those
    of small boxes and of large pictures, and float64 ones, which are seldom needed, for the box alone."""
    window, pixels = card.protocol.window, card.hole.mask.size
    # By the hole alone, not by what was made already: no bit of a score may depend on what was scored before.
    if depth is np.float32 and pixels <= KEPT_PIXELS and card.box.pixels > pixels / SMALL_BOXES:
        kept = card.truth.kept
        if ("ssim map", window) not in kept:
            kept["ssim map", window] = _make_maps(
                card.truth, Box(0, card.truth.shape[0], 0, card.truth.shape[1]), window, depth
            )
        return kept["ssim map", window].within(box)
    key = ("ssim map", window, box, depth)
    if key in card.hole.kept:
        return card.hole.kept[key]
    maps = _make_maps(card.truth, box, window, depth)
    if box.pixels <= BAND_PIXELS:
        card.hole.kept[key] = maps
    return maps


class Room:
    """The arrays that the map of one shape is made in, each (h, 3 w)."""

    def __init__(self, shape: tuple[int, int], depth: Any) -> None:
        self.fits = shape, depth
        self.d = SCRATCH.array("d", shape, np.int16)
        self.product = SCRATCH.array("product", shape, np.int16)
        self.exact_square = SCRATCH.array("exact square", shape, np.uint16)
        names = ("squared", "mean", "covariance", "square", "numerator", "variance")
        self.squared, self.mean, self.covariance, self.square, self.numerator, self.variance = (
            SCRATCH.array(name, shape, depth) for name in names
        )


class LastRoom(threading.local):
    """The buffers of the last map, one set a thread: pictures of a run are mostly of one size."""

    room: Room | None = None

    def of(self, shape: tuple[int, int], depth: Any) -> Room:
        """A room of that shape: the same as last time where the shape is the same."""
        if self.room is None or self.room.fits != (shape, depth):
            self.room = Room(shape, depth)
        return self.room


LAST_ROOM = LastRoom()


def _ssim_within(card: Card, box: Box, around: Box, depth: Any) -> tuple[np.ndarray, float]:
    """The SSIM map within ``box``, ``depth`` (h, 3 w), valid until the next call, and by how much its sum may be off
    through rounding. ``around`` holds what windows in the box reach, except where the fill equals the truth."""
    import cv2

    window = card.protocol.window
    smooth = smoother(window, depth)
    maps = _maps_within(card, around, depth)
    room = LAST_ROOM.of(maps.levels.shape, depth)

    filled, truth = around.of(card.filled), around.of(card.truth.picture)
    np.subtract(filled, truth, dtype=np.int16, out=room.d.reshape(truth.shape))
    np.multiply(maps.levels, room.d, out=room.product)
    # 255² does not fit int16, but its bits are right: they are read as uint16.
    np.multiply(room.d, room.d, out=room.exact_square.view(np.int16))
    np.copyto(room.squared, room.exact_square)
    rows = slice(box.top - around.top, box.bottom - around.top)
    mean_d = smooth(room.d, room.mean)[rows]
    covariance = smooth(room.product, room.covariance, twice=True)[rows]
    square = smooth(room.squared, room.square)[rows]
    numerator, mean_d_squared, variance = room.numerator[rows], room.squared[rows], room.variance[rows]

    # In place, because the time goes into memory traffic: each line is one pass.
    np.multiply(maps.slope[rows], mean_d, out=numerator)
    covariance -= numerator
    np.multiply(mean_d, mean_d, out=mean_d_squared)
    np.subtract(square, mean_d_squared, out=variance)
    if window.sample:
        covariance *= _divisor_scale(window)
        variance *= _divisor_scale(window)
    covariance += maps.contrast[rows]
    variance += covariance
    cv2.scaleAdd(mean_d, 2.0 * MIDDLE, numerator, dst=numerator)
    numerator += maps.lightness[rows]
    mean_d_squared += numerator
    numerator *= covariance
    mean_d_squared *= variance
    numerator /= mean_d_squared
    if depth is np.float64:
        return numerator, 0.0
    some = slice(None, None, SAMPLED_ROWS)
    share = np.divide(square[some], variance[some], out=square[some])
    share *= numerator[some]
    return numerator, FILTER_ERROR * SAMPLED_ROWS * cv2.norm(share, cv2.NORM_L1)


@dataclass
class MapSums:
    """Sums over channels of the SSIM map. picture: where the picture's mean looks and a window reaches the box;
    ``pixels`` of them. hole: over the hole. error: by how much they may be off."""

    picture: float = 0.0
    pixels: int = 0
    hole: float = 0.0
    error: float = 0.0


def _map_sums(card: Card, box: Box, depth: Any) -> MapSums:
    """The sums of a card's map within the box that windows reach the changed pixels from, made band by band of
    rows."""
    window, (height, width) = card.protocol.window, card.truth.shape
    inner = Box(window.crop, height - window.crop, window.crop, width - window.crop)
    rows = max(LEAST_ROWS, BAND_PIXELS // (box.right - box.left))
    found = MapSums()
    for top in range(box.top, box.bottom, rows):
        band = Box(top, min(box.bottom, top + rows), box.left, box.right)
        around = Box(*band.widened(window.reach, height, width)[:2], box.left, box.right).common(box)
        similarity, error = _ssim_within(card, band, around, depth)
        part = band.common(inner)
        found.picture += total_of(part.within(band).of_flat(similarity))
        found.pixels += part.pixels
        found.hole += _hole_total(card, similarity, band)
        found.error += error
    return found


def _hole_total(card: Card, similarity: np.ndarray, band: Box) -> float:
    """The sum of the map of a band over the hole's pixels in it."""
    hole = card.hole
    part = band.common(hole.box)
    if not part.pixels:
        return 0.0
    here = part.within(band).of_flat(similarity)
    weights = hole.weights(similarity.dtype.type)
    return total_of(np.multiply(here, part.within(hole.box).of_flat(weights.reshape(len(weights), -1)), out=here))


def total_of(values: np.ndarray) -> float:
    """Sum of a float array, added up in float64.

    >>> total_of(np.array([0.5, 0.25]))
    0.75
    """
    import cv2

    return cv2.sumElems(values)[0] if values.size else 0.0


def picture_and_hole(card: Card) -> tuple[float, float]:
    """SSIM of the picture and of the hole; NaN where the picture is smaller than the window, or the hole empty.

    >>> from bench.metrics.card import Hole
    >>> grey = np.full((16, 16, 3), 10, np.uint8)
    >>> card = Card(Truth(grey), Hole(np.ones((16, 16), bool)), 2 * grey)
    >>> [round(value, 4) for value in picture_and_hole(card)]  # (2 * 10 * 20 + C1) / (10² + 20² + C1)
    [0.8026, 0.8026]
    """
    window, (height, width), area = card.protocol.window, card.truth.shape, card.hole.area
    if min(height, width) < window.smallest:
        return math.nan, math.nan
    if not card.image_sums.absolutes:
        return 1.0, 1.0 if area else math.nan
    pixels = (height - 2 * window.crop) * (width - 2 * window.crop)
    box = card.box.widened(window.reach, height, width)
    found = _map_sums(card, box, np.float64 if box.pixels < SMALL_PIXELS else np.float32)
    if not found.error <= ALLOWED_ERROR * 3 * min(area or pixels, pixels):
        found = _map_sums(card, box, np.float64)
    # Where no window reaches the box the map is 1.
    return 1.0 + (found.picture / 3 - found.pixels) / pixels, found.hole / (3 * area) if area else math.nan
