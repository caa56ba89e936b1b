"""Features on disk until their set is complete: those of a large set fit no memory, and a killed run goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.util.files import replacing
from variants.atomic import reserve


class Gathered:
    """Features of ``count`` pictures in a file, float32 (count, features), which grows row by row."""

    def __init__(self, file: Path, count: int) -> None:
        self.file = file
        self.count = count
        self._rows: np.memmap | None = None

    def put(self, rows: Sequence[int], features: Sequence[np.ndarray]) -> None:
        """Take in the features of pictures ``rows``."""
        if self._rows is None:
            self._rows = self._open(len(features[0]))
        self._rows[list(rows)] = features

    def _open(self, width: int) -> np.memmap:
        if self.file.is_file():
            with contextlib.suppress(OSError, ValueError, EOFError):  # damaged: made anew
                found = np.load(self.file, mmap_mode="r+")
                if found.shape == (self.count, width) and found.dtype == np.float32:
                    return found
        with replacing(self.file, durable=False) as temporary:
            np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float32, shape=(self.count, width))
            reserve(temporary, self.file)
        return np.load(self.file, mmap_mode="r+")

    def flush(self) -> None:
        """Have what was taken in on disk."""
        if self._rows is not None:
            self._rows.flush()

    def all(self) -> np.ndarray:
        """Every row."""
        return np.load(self.file, mmap_mode="r")

    def move(self, file: Path) -> None:
        """Have it lie in another place."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self.file.replace(file)
        self.file = file
