"""Holes of any name and size, dealt out to the pictures (``--masks pool:DIR``): NVIDIA's irregular masks, say.

Which hole a picture gets follows from the suite seed and the picture's id: each hole is dealt once before any is dealt
again. A picture takes the hole that its id points to, or, where that is gone, the next one that is left; so a picture
more changes hardly any other's hole. Holes are cut in the middle to the picture's proportions and resized by nearest
neighbour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.datasets.folder import find_pictures, first_skipped
from bench.suites.hole_file import PLAIN, Reading
from bench.suites.hole_folder import told_skipped, told_transparent
from bench.suites.mask_sets import hole_key, recognised
from bench.util.draws import stream_key
from bench.util.errors import UsageError
from bench.util.words import some


class Fitted(NamedTuple):
    """What was done to a hole to fit its picture of ``size`` (width, height)."""

    cropped: bool
    resized: bool
    size: tuple[int, int]


@dataclass(frozen=True)
class HolePool:
    """One mask type, dealt from a folder of hole files by ``seed``."""

    name: str
    folder: Path
    reading: Reading = PLAIN
    seed: int = 0
    _files: list[str] = field(default_factory=list, init=False, repr=False, compare=False)
    _skipped: list[tuple[str, str]] = field(default_factory=list, init=False, repr=False, compare=False)
    _dealt: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)
    _keys: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)
    _areas: dict[str, float] = field(default_factory=dict, init=False, repr=False, compare=False)
    _transparent: set[str] = field(default_factory=set, init=False, repr=False, compare=False)
    _fitted: dict[str, Fitted] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found, skipped = find_pictures(self.folder)
        self._files.extend(found)
        self._skipped.extend(skipped)
        if not found:
            raise UsageError(
                f"no holes in {self.folder}{first_skipped(skipped)}: pool:DIR needs a folder of hole pictures, white "
                "where missing"
            )

    def require(self, ids: Sequence[str]) -> None:
        """Deal the holes out to these pictures."""
        self._dealt.clear()
        self._areas.clear()
        self._fitted.clear()
        files = sorted(self._files, key=lambda name: stream_key(self.seed, f"pool/hole/{name}"))
        left = list(range(len(files) + 1))  # of each place, the next one that is not taken

        def free(place: int) -> int:
            end = place
            while left[end] != end:
                end = left[end]
            while left[place] != end:
                left[place], place = end, left[place]
            return end

        wishes = {image_id: stream_key(self.seed, f"pool/picture/{image_id}") for image_id in ids}
        for number, image_id in enumerate(sorted(wishes, key=lambda image_id: (wishes[image_id], image_id))):
            if number % len(files) == 0:
                left[:] = range(len(files) + 1)
            place = free(wishes[image_id] % len(files))
            if place == len(files):
                place = free(0)
            left[place] = place + 1
            self._dealt[image_id] = files[place]

    def read(self, image_id: str, size: tuple[int, int]) -> np.ndarray:
        """The hole dealt to a picture of ``size`` (height, width), bool (H, W). Raises UsageError for a file that is no
        hole."""
        from PIL import Image

        if image_id not in self._dealt:
            raise UsageError(f"{self.folder} has assigned no hole to the picture '{image_id}'")
        file = self.reading.read(self.folder / self._dealt[image_id])
        if file.transparent:
            self._transparent.add(self._dealt[image_id])
        hole = self.reading.hole(file.grey)
        self._keys[self._dealt[image_id]] = hole_key(hole)
        height, width = hole.shape
        # The largest window of the picture's proportions, in the middle.
        wide, tall = min(width, height * size[1] / size[0]), min(height, width * size[0] / size[1])
        left, top = (width - wide) / 2, (height - tall) / 2
        image = Image.fromarray(hole.astype(np.uint8) * 255)
        box = (left, top, left + wide, top + tall)
        fitted = np.asarray(image.resize((size[1], size[0]), Image.Resampling.NEAREST, box=box)) > 0
        self._areas[image_id] = float(fitted.mean())
        self._fitted[image_id] = Fitted(
            cropped=max(width - wide, height - tall) >= 1, resized=(tall, wide) != size, size=(size[1], size[0])
        )
        return fitted

    def notes(self) -> list[str]:
        """How many holes went to how many pictures, and how large those are that were read so far."""
        if not self._areas:
            return []
        areas = np.array([*self._areas.values()])
        used = len({self._dealt[image_id] for image_id in self._areas})
        said = [
            f"'{self.name}' assigns {used} of {len(self._files)} holes to {len(areas)} pictures: mean hole area "
            f"{areas.mean():.1%}, {(areas > 0.5).mean():.0%} of them above a half"
            + told_fitted([*self._fitted.values()])
        ]
        said += [f"the holes of '{self.name}' {clause}" for clause in recognised({*self._keys.values()})]
        if self._transparent:
            said.append(told_transparent(self.name, self._transparent))
        if self._skipped:
            said.append(told_skipped(self.name, self._skipped))
        empty = sorted(image_id for image_id, area in self._areas.items() if not area)
        if empty:
            said.append(
                f"empty holes of '{self.name}', whose scores of the hole stay empty: {len(empty)} ({some(empty)})"
            )
        return said


def told_fitted(holes: Sequence[Fitted]) -> str:
    """How holes were brought to the size of their pictures, a clause; empty where they had it."""
    changed = [hole for hole in holes if hole.cropped or hole.resized]
    if not changed:
        return ""
    how = [word for word in ("cropped", "resized") if any(getattr(hole, word) for hole in changed)]
    sizes = {hole.size for hole in changed}
    whom = (
        "all were"
        if len(changed) == len(holes)
        else f"{len(changed)} of {len(holes)} {'was' if len(changed) == 1 else 'were'}"
    )
    where = "to {}x{} px".format(*sizes.pop()) if len(sizes) == 1 else "to their pictures' sizes"
    return f"; {whom} {' and '.join(how)} {where}"
