"""Scoring of sets: features are taken batch by batch as the runner fills, values once a mask type is done."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.backbones import INCEPTION, WeightsError, find, load, sha256
from bench.metrics.declaration import computed
from bench.set_metrics.features import Features
from bench.set_metrics.inception import extract
from bench.set_metrics.registry import set_metric

ENOUGH = 2048
"""As many pictures as a picture has features: with fewer, FID is biased and its covariance singular."""


class SetScorer:
    """Scores sets of fills by the set metrics asked for (None: every registered one; none: nothing is loaded).

    weights_dir: searched first for the Inception weights. device: the torch device of the network. Raises
    UnknownName for a wrong name.

    ``metrics``: what each column means, by name. ``missing``: column -> one sentence why it is empty.
    """

    def __init__(
        self, metrics: Sequence[str] | None = None, *, weights_dir: Path | None = None, device: str = "cpu"
    ) -> None:
        names = set_metric.names() if metrics is None else list(dict.fromkeys(metrics))
        self.metrics = {name: set_metric.get(name) for name in names}
        self.missing: dict[str, str] = {}
        self.device = device
        self._network: Any = None
        self._weights = ""
        self._dataset = ""
        self._truths: dict[str, np.ndarray] = {}
        if names:
            try:
                self._network = load(INCEPTION, weights_dir).to(device)
                self._weights = sha256(found) if (found := find(INCEPTION, weights_dir)) else ""
            except WeightsError as error:
                self.missing = dict.fromkeys(names, str(error))

    @property
    def ready(self) -> bool:
        return self._network is not None

    def facts(self, records: dict[str, Any]) -> dict[str, Any]:
        """What values depend on: what the records of the same fills do, but these metrics and these weights."""
        versions = {name: entry.version for name, entry in self.metrics.items()}
        return {**records, "metrics": versions, "inception": self._weights}

    def cell(self, dataset: str, methods: int) -> Cell:
        """A place for the fills of so many methods on one data set and mask type."""
        if dataset != self._dataset:
            self._dataset, self._truths = dataset, {}
        return Cell(self, methods)

    def fill_features(self, pictures: np.ndarray) -> np.ndarray:
        return extract(self._network, pictures, self.device)

    def truth_features(self, ids: Sequence[str], pictures: np.ndarray) -> np.ndarray:
        """Features of the data set's own pictures, kept from mask type to mask type."""
        if not all(image_id in self._truths for image_id in ids):
            self._truths.update(zip(ids, self.fill_features(pictures), strict=True))
        return np.stack([self._truths[image_id] for image_id in ids])


class Cell:
    """Features of one data set under one mask type, gathered batch by batch."""

    def __init__(self, scorer: SetScorer, methods: int) -> None:
        self._scorer = scorer
        self._truths: list[np.ndarray] = []
        self._fills: list[list[np.ndarray]] = [[] for _ in range(methods)]
        self._failed: list[list[bool]] = [[] for _ in range(methods)]

    def add(
        self, ids: Sequence[str], images: np.ndarray, fills: Sequence[np.ndarray], failed: Sequence[Sequence[bool]]
    ) -> None:
        """Take in a batch: truths and every method's fills, uint8 (N, H, W, 3), and which fills cannot be scored.

        Each method's batch goes through the network alone, so that no value depends on which others are scored.
        """
        self._truths.append(self._scorer.truth_features(ids, images))
        for k, pictures in enumerate(fills):
            self._fills[k].append(self._scorer.fill_features(pictures))
            self._failed[k] += failed[k]

    def scores(self, method: int) -> dict[str, Any]:
        """``values`` by metric (NaN of fewer than two pictures), ``n`` pictures scored, ``failed`` left out."""
        good = ~np.array(self._failed[method], bool)
        features = Features(np.concatenate(self._truths)[good], np.concatenate(self._fills[method])[good])
        n = int(good.sum())
        values = {
            name: float(computed(entry)(features)) if n > 1 else math.nan
            for name, entry in self._scorer.metrics.items()
        }
        return {"values": values, "n": n, "failed": len(good) - n}
