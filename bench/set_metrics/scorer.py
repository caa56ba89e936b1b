"""Scoring of sets: features are taken of a few pictures at a time, values once all of a set were looked at."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.backbones import INCEPTION, WeightsError, find, load, sha256
from bench.metrics.declaration import Metric, computed
from bench.set_metrics.features import Features
from bench.set_metrics.inception import extract
from bench.set_metrics.registry import set_metric
from bench.set_metrics.resampling import GROUPS, group_of

ENOUGH = 2048
"""As many pictures as a picture has features: with fewer, FID is biased and its covariance singular."""

LEAST, MOST = 40, 5000
"""Pictures from which on, and up to which, set scores have intervals: groups of two, and no hour of computing."""

TOGETHER = 8
"""Pictures that go through the network in one batch."""


class SetScorer:
    """Scores sets of fills by the set metrics asked for (None: every registered one; none: nothing is loaded).

    weights_dir: searched first for the Inception weights. device: the torch device of the network. looks: whether there
    are pictures to look at, not features alone. Raises
    UnknownName for a wrong name.

    ``metrics``: what each column means, by name. ``missing``: column -> one sentence why it is empty.
    """

    def __init__(
        self,
        metrics: Sequence[str] | None = None,
        *,
        weights_dir: Path | None = None,
        device: str = "cpu",
        looks: bool = True,
    ) -> None:
        names = None if metrics is None else dict.fromkeys(metrics)
        self.metrics = set_metric.all() if names is None else {name: set_metric.get(name) for name in names}
        self.missing: dict[str, str] = {}
        self.device = device
        self._network: Any = None
        self._weights = ""
        if self.metrics and looks:
            try:
                self._network = load(INCEPTION, weights_dir).to(device)
                self._weights = sha256(found) if (found := find(INCEPTION, weights_dir)) else ""
            except WeightsError as error:
                self.missing = dict.fromkeys(self.metrics, str(error))

    @property
    def ready(self) -> bool:
        """Whether Inception is loaded."""
        return self._network is not None

    def facts(self, records: dict[str, Any]) -> dict[str, Any]:
        """What values depend on: what the records of the same fills do, but these metrics and these weights."""
        versions = {name: entry.version for name, entry in self.metrics.items()}
        return {**records, "metrics": versions, "inception": self._weights}

    def look(self, pictures: np.ndarray) -> np.ndarray:
        """Features of pictures of one size, uint8 (N, H, W, 3): float32 (N, features).

        They go through the network exactly :data:`TOGETHER` at a time (the last are filled up), so that no value
        depends on what else is looked at.
        """
        found = []
        for start in range(0, len(pictures), TOGETHER):
            part = pictures[start : start + TOGETHER]
            filled_up = np.concatenate([part, np.repeat(part[-1:], TOGETHER - len(part), axis=0)])
            found.append(extract(self._network, filled_up, self.device)[: len(part)])
        return np.concatenate(found)

    def scores(self, truths: np.ndarray, fills: np.ndarray, failed: Sequence[bool]) -> dict[str, Any]:
        """Of a set's features, float32 (N, features) twice, row by row of the same pictures: ``values`` by metric (NaN
        of fewer than two pictures), ``n`` pictures scored, ``failed`` left out, and ``left_out``: by metric, the value
        without each group of pictures, which intervals follow from."""
        good = ~np.array(failed, bool)
        n = int(good.sum())
        found: dict[str, Any] = {"values": self._values(truths, fills, good, self.metrics), "n": n}
        if LEAST <= n <= MOST:
            group = group_of(len(good))
            again = {name: entry for name, entry in self.metrics.items() if entry.resampled}
            each = [self._values(truths, fills, good & (group != left), again) for left in range(GROUPS)]
            found["left_out"] = {name: [values[name] for values in each] for name in again}
        return {**found, "failed": len(good) - n}

    def _values(
        self, truths: np.ndarray, fills: np.ndarray, kept: np.ndarray, metrics: Mapping[str, Metric]
    ) -> dict[str, float]:
        features = Features(truths[kept], fills[kept])
        enough = np.count_nonzero(kept) > 1
        return {name: float(computed(entry)(features)) if enough else math.nan for name, entry in metrics.items()}
