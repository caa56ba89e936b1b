"""Scoring of sets: features are taken of a few pictures at a time, values once all of a set were looked at."""

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
        of fewer than two pictures), ``n`` pictures scored, ``failed`` left out."""
        good = ~np.array(failed, bool)
        n = int(good.sum())
        features = Features(truths[good], fills[good])
        values = {name: float(computed(entry)(features)) if n > 1 else math.nan for name, entry in self.metrics.items()}
        return {"values": values, "n": n, "failed": len(good) - n}
