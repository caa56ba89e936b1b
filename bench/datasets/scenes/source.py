"""The data set ``scenes``: an endless stream of drawn coastal pictures for each split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.datasets.numbered import Numbered
from bench.datasets.registry import Dataset, check_request, dataset
from bench.util.errors import UsageError

SIZE = 256
AHEAD = 32
COUNTS = {"train": 41_000, "validation": 256, "test": 256}


@dataset("scenes")
def open_scenes(argument: str, split: str, size: int | None, count: int | None) -> Dataset:
    """Coastal scenes drawn by rule, scenes or scenes:SEED; 256 px unless --size is given.

    The train, validation and test streams share no draw; each goes on for as long as ``count`` asks (``all``
    is the same as test). Picture 0 of validation and test is a striped lighthouse on a clear day.
    Raises UsageError for a seed that is not a whole number.
    """
    check_request(size, count)
    split = "test" if split == "all" else split
    try:
        seed = int(argument or "0")
    except ValueError as error:
        raise UsageError(f"the seed '{argument}' is not a whole number: write scenes or scenes:7") from error
    source = Scenes(seed, split, size or SIZE)
    return Dataset(
        name="scenes",
        split=split,
        size=size,
        ids=Numbered(f"scenes-{split}-", count or COUNTS[split]),
        load=source.load,
        load_batch=source.load_batch,
        note=f"coastal scenes drawn by rule, {split} stream of seed {seed}",
    )


@dataclass
class Scenes:
    """One stream of scenes at one size. Pickles, so that workers can have it."""

    seed: int
    split: str
    size: int

    def __post_init__(self) -> None:
        self.last = -2
        # First index and pictures; one tuple, so that threads never see halves of two.
        self.ahead = (0, np.empty((0, self.size, self.size, 3), np.uint8))

    def load(self, i: int) -> np.ndarray:
        """Scene i; whoever asks for one after the other gets them drawn some at a time, which is faster."""
        first, pictures = self.ahead
        if not first <= i < first + len(pictures):
            count = AHEAD if i == self.last + 1 else 1
            first, pictures = i, self.load_batch(range(i, i + count))
            self.ahead = first, pictures
        self.last = i
        return pictures[i - first].copy()

    def load_batch(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Scenes uint8 (N, size, size, 3), drawn together, which is faster than one by one."""
        from bench.datasets.scenes.render import render

        return render(self.seed, self.split, np.asarray(indices, dtype=np.int64), self.size)

    def __getstate__(self) -> dict[str, Any]:
        return {"seed": self.seed, "split": self.split, "size": self.size}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]
