"""One hole out of one picture file.

White is missing (``black`` for the other habit). Grey pixels count as white above 127, or above ``--mask-threshold``.
Transparent pixels are known, whatever the polarity. Levels are taken as they lie: no colour profile is applied. What
looks like a photograph is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.datasets.pictures import (
    BrokenPicture,
    deep_colour,
    deep_grey,
    opened,
    orientation,
    read_deep_colour,
    round_to_8_bits,
    transparent_grey,
    turn,
)
from bench.util.errors import UsageError

POLARITIES = ("white", "black")
THRESHOLD = 127

COLOUR, COLOUR_SHARE = 48, 0.01
"""A hole is coloured where the channels of more than this share of its pixels differ by more than that many levels:
JPEG moves those of a grey picture by a few."""

MID_GREY, MID_GREY_SHARE, MID_GREY_LEVELS = (32, 223), 0.4, 8
"""Levels between the ends, and the share and number of them from which greys are no soft edges: of a photograph's
pixels nearly all lie there, of a drawn hole's with the softest edges a quarter; labels are a few flat levels."""


class HoleFile(NamedTuple):
    """What a hole file holds. grey: uint8 (H, W), transparent pixels as known ones. coloured: share of its pixels.
    transparent: whether any is."""

    grey: np.ndarray
    coloured: float
    transparent: bool


@dataclass(frozen=True)
class Reading:
    """How hole files are read. polarity: the colour of the hole. threshold: the level, 0 to 254, above which grey is
    white; given by the user, it says that greys are meant. Raises UsageError for either that cannot be."""

    polarity: str = "white"
    threshold: int | None = None

    def __post_init__(self) -> None:
        if self.polarity not in POLARITIES:
            raise UsageError(f"unknown mask polarity '{self.polarity}': choose white or black")
        if self.threshold is not None and not 0 <= self.threshold <= 254:
            raise UsageError(f"--mask-threshold {self.threshold} must be from 0 to 254: grey above it is white")

    @property
    def level(self) -> int:
        """The grey above which a pixel is white."""
        return THRESHOLD if self.threshold is None else self.threshold

    def read(self, path: Path) -> HoleFile:
        """Raises UsageError for a file that is a photograph, or no picture."""
        found = read_hole_file(path, self.polarity)
        if self.threshold is None:
            refuse_photograph(path, found.grey, found.coloured)
        return found

    def levels(self, path: Path) -> np.ndarray:
        """The file as uint8 grey (H, W). Raises as :meth:`read` does."""
        return self.read(path).grey

    def hole(self, grey: np.ndarray) -> np.ndarray:
        """bool (H, W), True where missing, of grey levels uint8 (H, W)."""
        white = grey > self.level
        return white if self.polarity == "white" else ~white


PLAIN = Reading()
"""White is missing, parted in the middle."""


def read_hole_file(path: Path, polarity: str = "white") -> HoleFile:
    """A hole file as it lies there. Raises UsageError where it cannot be read as a picture."""
    from PIL import Image, ImageOps

    known = 0 if polarity == "white" else 255
    try:
        with opened(path) as file:
            if file.mode.startswith("I"):
                file.load()
                grey = round_to_8_bits(deep_grey(file).clip(0, 65535))
                clear = transparent_grey(file)
                grey[clear] = known
                return HoleFile(turn(grey, orientation(file)), 0.0, bool(clear.any()))
            if deep_colour(file):
                file.load()
                image = Image.fromarray(read_deep_colour(file, path))
            else:
                image = ImageOps.exif_transpose(file)
            if image.mode == "F":
                raise BrokenPicture("pixels of kind F have no agreed range")
            transparent = False
            if image.has_transparency_data:
                rgba = image.convert("RGBA")
                transparent = bool((np.asarray(rgba)[..., 3] < 255).any())
                below = Image.new("RGBA", image.size, (known, known, known, 255))
                image = Image.alpha_composite(below, rgba)
            if image.mode in ("1", "L"):
                return HoleFile(np.array(image.convert("L")), 0.0, transparent)
            rgb = np.asarray(image.convert("RGB"))
            apart = rgb.max(axis=2) - rgb.min(axis=2)
            return HoleFile(np.array(image.convert("L")), float((apart > COLOUR).mean()), transparent)
    except BrokenPicture as error:
        raise UsageError(f"the hole {path} cannot be read as a picture: {error}") from error


def photograph(grey: np.ndarray, colour: float) -> str:
    """What shows that a hole file is a photograph, colours or many mid-greys; empty for one that is none."""
    low, high = MID_GREY
    counts = np.bincount(grey.ravel(), minlength=256)[low : high + 1]
    middle = float(counts.sum() / grey.size) if (counts > 0).sum() > MID_GREY_LEVELS else 0.0
    if colour > COLOUR_SHARE:
        return f"{colour:.0%} of its pixels are coloured"
    return f"{middle:.0%} of its pixels are neither dark nor light" if middle > MID_GREY_SHARE else ""


def refuse_photograph(path: Path, grey: np.ndarray, colour: float) -> None:
    """Raises UsageError for a hole file that is a photograph."""
    what = photograph(grey, colour)
    if what:
        raise UsageError(
            f"{path} looks like a photograph, not a hole ({what}): are the folders swapped? "
            "use --mask-threshold N if greys are intended"
        )


def two_valued(grey: np.ndarray) -> bool:
    """Whether there is only black and white.

    >>> import numpy as np
    >>> two_valued(np.array([[0, 255]])), two_valued(np.array([[0, 254]]))
    (True, False)
    """
    return bool(((grey == 0) | (grey == 255)).all())
