"""Filling one hole with every method: time, fill, colour-corrected fill, scores."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from bench.demo.methods import Cast, fill_one
from bench.demo.saved import Made, hole_png
from bench.demo.window import Window, cut, paste, window_of
from bench.metrics.colour_correction import correct
from bench.metrics.declaration import Metric
from bench.metrics.declaration import in_order as by_rank
from bench.metrics.registry import metric as registry
from bench.util.compositing import composite
from bench.util.errors import UsageError


@dataclass(frozen=True, eq=False)
class Cut:
    """What the methods were shown, at their size: uint8 (h, w, 3) and bool (h, w)."""

    window: Window
    picture: np.ndarray
    hole: np.ndarray


@dataclass(eq=False)
class Fill:
    """One method's fill of one hole. small: the fill at the window's shape; problem: a sentence where it failed."""

    label: str
    method: str
    seed: int
    weights_sha256: str
    size: int
    seconds: float = 0.0
    problem: str = ""
    small: np.ndarray | None = None
    raw: np.ndarray | None = None
    cut: Cut | None = None
    scores: dict[bool, dict[str, float]] = field(default_factory=dict)
    """By whether colour correction is on."""

    @cached_property
    def corrected(self) -> np.ndarray | None:
        """``small`` after colour correction; None where it has nothing to correct by."""
        if self.small is None or self.raw is None or self.cut is None:
            return None
        found = correct(self.cut.picture, self.cut.hole, self.small, self.raw)
        return None if found is None or np.array_equal(found, self.small) else found

    def at_size(self, corrected: bool) -> np.ndarray | None:
        """The fill at the size it was made at: colour-corrected if asked for and there is one; None if it failed."""
        return self.corrected if corrected and self.corrected is not None else self.small

    def made(self, hole: np.ndarray, corrected: bool) -> Made:
        """What a saved picture says of this fill, enough to repeat it."""
        return Made(self.method, self.seed, self.weights_sha256, self.size, corrected, hole_png(hole))


class Engine:
    """The methods of a demo and its scores. One fill at a time: visitors wait for each other, in order."""

    def __init__(self, cast: Cast, weights_dir: Path | None = None, device: str = "cpu") -> None:
        from bench.metrics.scorer import Scorer

        self.cast = cast
        self.lock = Lock()
        names = by_rank(registry.all())
        missing = Scorer(names, weights_dir=weights_dir, device=device).missing
        self.scorer = Scorer([n for n in names if n not in missing], weights_dir=weights_dir, device=device)

    @property
    def metrics(self) -> dict[str, Metric]:
        """The metrics that fills are scored by, under their names."""
        return self.scorer.metrics

    def warm(self) -> None:
        """Fill something once: the first call of a network takes several times as long as the next."""
        grey = np.full((self.cast.size, self.cast.size, 3), 128, np.uint8)
        middle = np.zeros(grey.shape[:2], bool)
        middle[self.cast.size // 4 : self.cast.size // 2, self.cast.size // 4 : self.cast.size // 2] = True
        self.score(self.fill(grey, middle, self.cast.size), False)

    def fill(self, picture: np.ndarray, hole: np.ndarray, size: int) -> list[Fill]:
        """Every method's fill of a picture, uint8 (H, W, 3), with a hole that is not empty, bool (H, W)."""
        window = window_of(hole, size)
        part = Cut(window, *cut(picture, hole, window))
        with self.lock:
            return [self.one(place, part, size) for place in range(len(self.cast.methods))]

    def one(self, place: int, part: Cut, size: int) -> Fill:
        """Fill by the method at ``place``, timed; a fill that fails is returned with its problem."""
        method, label = self.cast.methods[place], self.cast.labels[place]
        fill = Fill(label, method.name, method.seed, method.weights_sha256, size, cut=part)
        start = time.perf_counter()
        try:
            raw = fill_one(method, part.picture, part.hole)
        except UsageError as error:
            fill.problem = str(error)
            return fill
        fill.seconds = time.perf_counter() - start
        fill.small = composite(part.picture, part.hole, raw)
        fill.raw = raw if method.gives_raw else None
        return fill

    def score(self, fills: Sequence[Fill], corrected: bool) -> None:
        """Score fills of one hole against what their cut still shows under it, at the size they were filled at."""
        waiting = [f for f in fills if f.cut is not None and f.small is not None and corrected not in f.scores]
        if not waiting:
            return
        cut_out = waiting[0].cut
        assert cut_out is not None
        with self.lock:
            pictures: list[Any] = [f.at_size(corrected) for f in waiting]
            # One key: nothing of a visitor's picture is kept beyond the next.
            rows = self.scorer.score("demo", cut_out.picture, cut_out.hole, pictures)
        for fill, row in zip(waiting, rows, strict=True):
            fill.scores[corrected] = {name: row[name] for name in self.metrics}


def pasted(picture: np.ndarray, hole: np.ndarray, fill: Fill, corrected: bool) -> np.ndarray | None:
    """The picture with the fill in its hole, at full resolution; None where the method failed."""
    small = fill.at_size(corrected)
    return None if small is None or fill.cut is None else paste(picture, hole, fill.cut.window, small)


def repeat(picture: np.ndarray, made: Made, engine: Engine) -> np.ndarray:
    """A saved picture's last hole filled again: the same picture, by the same weights.

    Raises UsageError where no method of the engine has the name, seed and weights that the file tells of.
    """
    for place, method in enumerate(engine.cast.methods):
        if (method.name, method.seed, method.weights_sha256) == (made.method, made.seed, made.weights_sha256):
            window = window_of(made.hole, made.size)
            fill = engine.one(place, Cut(window, *cut(picture, made.hole, window)), made.size)
            found = pasted(picture, made.hole, fill, made.corrected)
            if found is None:
                raise UsageError(fill.problem)
            return found
    raise UsageError(
        f"this picture was filled by {made.method}, seed {made.seed}, with weights that are not loaded here"
    )
