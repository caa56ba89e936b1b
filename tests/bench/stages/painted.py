"""Pictures with the same hole in each, and methods that put out what a function makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.datasets.registry import Dataset
from bench.set_metrics.scorer import SetScorer
from bench.suites.suite import Suite
from variants.method import Findings, Method

IMAGES = np.random.default_rng(0).integers(20, 250, (3, 12, 16, 3), dtype=np.uint8)
IDS = ["a", "b", "c"]
HOLES = np.zeros((3, 12, 16), bool)
HOLES[:, 2:8, 3:11] = True
"""48 of 192 pixels: a quarter."""


class Quarter(Suite):
    """Every picture with the same hole."""

    def holes(self, dataset: Dataset, mask: str, indices: Sequence[int], shapes: Any) -> list[np.ndarray]:
        return [HOLES[index] for index in indices]


def made(name: str = "made") -> Dataset:
    return Dataset(name, "test", None, IDS, lambda i: IMAGES[i])


def quarter(masks: tuple[str, ...] = ("rect",), datasets: tuple[str, ...] = ("made",)) -> Suite:
    return Quarter(tuple(made(name) for name in datasets), masks)


class Painter(Method):
    """Puts out what a function makes of a batch of pictures."""

    def __init__(self, name: str, paint: Callable[[np.ndarray], np.ndarray], **facts: Any) -> None:
        self.name = name
        self.paint = paint
        self.calls: list[tuple[list[str], str]] = []
        self.found = Findings()
        for key, value in facts.items():
            setattr(self, key, value)

    @property
    def label(self) -> str:
        return f"{self.name} by label"

    def fill(self, images: np.ndarray, holes: np.ndarray, ids: Any = None, mask: str = "") -> np.ndarray:
        self.calls.append((list(ids), mask))
        raw = self.paint(images).astype(np.float32)
        raw[[(mask, one) in self.found.problems for one in ids]] = np.nan
        return raw

    def findings(self) -> Findings:
        return self.found


def brighter(levels: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda images: (images.astype(float) + levels) / 255


def failing(index: int, levels: float = 1) -> Callable[[np.ndarray], np.ndarray]:
    """Brighter, but for the picture at ``index``, which is not a number."""

    def paint(images: np.ndarray) -> np.ndarray:
        raw = brighter(levels)(images)
        raw[index] = np.nan
        return raw

    return paint


def noisy(images: np.ndarray) -> np.ndarray:
    """Each channel of each picture a few levels off, in a way of its own."""
    places = [next(k for k, known in enumerate(IMAGES) if np.array_equal(known, image)) for image in images]
    shifts = np.array([[3, 1, 2], [-2, 4, 0], [5, -6, 1]])[places, None, None]
    return np.clip(images + shifts, 0, 255) / 255


def frame(folder: Path, name: str, seed: int = 0, cell: str = "made-rect") -> pd.DataFrame:
    return pd.read_parquet(folder / "records" / name / f"seed-{seed}" / f"{cell}.parquet").set_index("image_id")


class Means(SetScorer):
    """FID, where a picture's features are the means of its red and green."""

    ready = True

    def __init__(self) -> None:
        super().__init__(["fid"], looks=False)
        self.looked = 0

    def look(self, pictures: np.ndarray) -> np.ndarray:
        self.looked += len(pictures)
        return features(pictures)


def features(pictures: np.ndarray) -> np.ndarray:
    return pictures[..., :2].mean((1, 2)).astype(np.float32)


def distance(truths: np.ndarray, fills: np.ndarray) -> float:
    """FID by its definition; the trace of a root of a matrix is the sum of the roots of its eigenvalues."""
    a, b = features(truths).astype(float), features(fills).astype(float)
    one, other = np.cov(a.T), np.cov(b.T)
    apart = a.mean(0) - b.mean(0)
    roots = np.sqrt(np.maximum(np.linalg.eigvals(one @ other).real, 0))
    return float(apart @ apart + np.trace(one + other) - 2 * roots.sum())


def restored(paint: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """What is scored of the pictures' fills: 8 bits in the hole, the truth around it."""
    return np.where(HOLES[..., None], np.rint(paint(IMAGES) * 255), IMAGES)
