"""Colour photographs that scikit-image and scikit-learn carry in their wheels, as square crops; nothing is downloaded.

Split by photograph, so that no scored photograph was trained on:

=========== ==================================================================================
train       astronaut, motorcycle (two views), ihc (stained tissue), retina, hubble (galaxies)
validation  rocket
test        chelsea (a cat), coffee, china (a temple), flower
=========== ==================================================================================

china and flower are JPEG: a decoder that rounds otherwise gives another fingerprint, and so no silent difference.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from bench.datasets.numbered import Numbered
from bench.datasets.pictures import BrokenPicture, cut_square, random_crop, read_picture, shrink
from bench.datasets.registry import Dataset, check_request, dataset
from bench.util import draws
from bench.util.errors import BenchError, UsageError

PHOTOGRAPHS = {
    "train": ("astronaut", "motorcycle-left", "motorcycle-right", "ihc", "retina", "hubble"),
    "validation": ("rocket",),
    "test": ("chelsea", "coffee", "china", "flower"),
}
FILES = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "motorcycle-left": ("skimage", "data/motorcycle_left.png"),
    "motorcycle-right": ("skimage", "data/motorcycle_right.png"),
    "ihc": ("skimage", "data/ihc.png"),
    "retina": ("skimage", "data/retina.jpg"),
    "hubble": ("skimage", "data/hubble_deep_field.jpg"),
    "rocket": ("skimage", "data/rocket.jpg"),
    "chelsea": ("skimage", "data/chelsea.png"),
    "coffee": ("skimage", "data/coffee.png"),
    "china": ("sklearn", "datasets/images/china.jpg"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
}
"""The package that carries a photograph, and where in it."""

SCALES = ((1, 1, 3), (0.75, 2, 3), (0.5, 2, 3))
"""Scored crops: (side as a share of the photograph's shorter side, rows, columns of an even grid)."""

TRAIN_COUNT = 4096


@dataset("photos")
def open_photos(argument: str, split: str, size: int | None, count: int | None) -> Dataset:
    """Crops of colour photographs that installed packages carry.

    train: crop i is of photograph ``i % n``, at a place and scale drawn from i, mirrored half the time; any
    ``count`` can be asked for. validation, test (``all`` is the same as test): 15 fixed crops of each
    photograph, of its whole shorter side, three quarters and half of it.
    Without a ``size`` crops keep their own pixels.
    Raises UsageError for an argument, BenchError where a package does not carry its file.
    """
    check_request(size, count)
    if argument:
        raise UsageError(f"photos takes no argument, got '{argument}': write photos")
    split = "test" if split == "all" else split
    names = PHOTOGRAPHS[split]
    what = f"crops of photographs that installed packages carry ({', '.join(names)})"
    if split == "train":
        return Dataset(
            name="photos",
            split=split,
            size=size,
            ids=Numbered("photos-train-", count or TRAIN_COUNT),
            load=TrainCrops(names, size).load,
            note=f"{what}, none of them scored",
        )
    windows = [(name, window) for name in names for window in fixed_windows(read_carried(name).shape)]
    per_photograph = len(windows) // len(names)
    ids = [f"photos-{name}-{k:02d}" for name in names for k in range(per_photograph)]
    # A smaller count takes every photograph in turn, so that none is left out.
    order = sorted(range(len(windows)), key=lambda i: (i % per_photograph, i // per_photograph))
    order = sorted(order[: count or len(order)])
    return Dataset(
        name="photos",
        split=split,
        size=size,
        ids=[ids[i] for i in order],
        load=FixedCrops(tuple(windows[i] for i in order), size).load,
        note=f"{what}, none of them trained on",
    )


def fixed_windows(shape: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """(left, top, side) of the scored crops of a picture of shape (H, W, 3)."""
    height, width = shape[:2]
    windows = []
    for scale, rows, columns in SCALES:
        side = int(min(height, width) * scale)
        for row in range(rows):
            for column in range(columns):
                top = (height - side) * row // max(1, rows - 1)
                windows.append(((width - side) * column // (columns - 1), top, side))
    return windows


@lru_cache(maxsize=12)
def read_carried(name: str) -> np.ndarray:
    """A photograph by its name in ``FILES``, uint8 (H, W, 3), read-only."""
    package, inside = FILES[name]
    # Found, not imported: importing these packages takes a second.
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise BenchError(f"photos needs {package}, which is not installed. Reinstall inpaint-bench.")
    path = Path(next(iter(spec.submodule_search_locations))) / inside
    try:
        pixels = read_picture(path)
    except BrokenPicture as error:
        raise BenchError(f"{package} does not carry {path} here ({error}). Reinstall {package}.") from error
    pixels.setflags(write=False)
    return pixels


@dataclass(frozen=True)
class FixedCrops:
    """The test and validation crops: each a (left, top, side) of a named photograph, always the same."""

    windows: tuple[tuple[str, tuple[int, int, int]], ...]
    size: int | None

    def load(self, i: int) -> np.ndarray:
        """Crop ``i``, uint8 (size, size, 3), or at its own side where size is None."""
        name, (left, top, side) = self.windows[i]
        return cut_square(read_carried(name), left, top, side, self.size or side)


@lru_cache(maxsize=32)
def read_shrunk(name: str, shorter: int) -> np.ndarray:
    """A photograph with its shorter side at ``shorter`` pixels or fewer, read-only."""
    pixels = shrink(read_carried(name), shorter)
    pixels.setflags(write=False)
    return pixels


@dataclass(frozen=True)
class TrainCrops:
    """Training crops without end: crop ``i`` is drawn from ``i`` alone."""

    names: tuple[str, ...]
    size: int | None

    def load(self, i: int) -> np.ndarray:
        """Crop ``i``, uint8 (size, size, 3): place, scale and mirroring are random."""
        name = self.names[i % len(self.names)]
        u = draws.uniforms(0, "photos/train", i, 4)[0]
        if self.size is not None:
            # Crops show half of the shorter side at least, so twice the size loses nothing.
            return random_crop(read_shrunk(name, 2 * self.size), self.size, u)
        pixels = read_carried(name)
        return random_crop(pixels, min(pixels.shape[:2]), u)
