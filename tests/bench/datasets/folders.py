"""Folders of pictures for tests: made, opened, and looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from bench.datasets.registry import Dataset, open_dataset

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def folder(path: Path, split: str = "all", size: int | None = None, count: int | None = None) -> Dataset:
    return open_dataset(f"folder:{path}", split, size, count)


def save(path: Path, colour: tuple[int, int, int] = RED, size: tuple[int, int] = (12, 10)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def corners(pixels: np.ndarray) -> list[tuple[int, ...]]:
    """The colours of top left, top right, bottom left, bottom right."""
    return [tuple(int(c) for c in pixels[row, column]) for row in (0, -1) for column in (0, -1)]
