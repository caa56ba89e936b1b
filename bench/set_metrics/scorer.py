"""Scoring of sets: features are taken of a few pictures at a time, values once all of a set were looked at."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.backbones import WeightsError, find, load, sha256
from bench.metrics.declaration import Metric, computed
from bench.set_metrics.features import Features
from bench.set_metrics.networks import NETWORKS
from bench.set_metrics.registry import set_metric
from bench.set_metrics.resampling import GROUPS, group_of

ENOUGH = 2048
"""As many pictures as a picture has features: with fewer, its covariance is singular and FID biased."""

LEAST, MOST = 40, 5000
"""Pictures from which on, and up to which, set scores have intervals: groups of two, and no hour of computing."""

TOGETHER = 8
"""Pictures that go through the network in one batch."""


class SetScorer:
    """Scores sets of fills by the set metrics asked for (None: every registered one; none: nothing is loaded).

    weights_dir: searched first for the networks' weights. device: the torch device of the networks. looks: whether
    there are pictures to look at, not features alone. Raises UnknownName for a wrong name.

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
        asked = {entry.features for entry in self.metrics.values()}
        for name, entry in self.metrics.items():
            if entry.features not in NETWORKS:
                own = " and ".join(NETWORKS)
                self.missing[name] = f"it is declared of the features of {entry.features!r}, and there are {own}"
        self.names = [name for name in NETWORKS if name in asked]
        self._networks: dict[str, Any] = {}
        self._weights: dict[str, str] = {}
        for name in self.names if looks else []:
            backbone = NETWORKS[name].backbone
            try:
                self._networks[name] = load(backbone, weights_dir).to(device)
                self._weights[name] = sha256(found) if (found := find(backbone, weights_dir)) else ""
            except WeightsError as error:
                without = [metric for metric, entry in self.metrics.items() if entry.features == name]
                self.missing |= dict.fromkeys(without, str(error))
        if looks:
            self.names = list(self._networks)

    @property
    def ready(self) -> bool:
        """Whether there is a network to look through."""
        return bool(self._networks)

    @property
    def computed(self) -> dict[str, Metric]:
        """The metrics whose network is there."""
        return {name: entry for name, entry in self.metrics.items() if name not in self.missing}

    @property
    def title(self) -> str:
        """The networks' names."""
        return " and ".join(NETWORKS[name].title for name in self.names)

    @property
    def seconds(self) -> float:
        """What a picture takes on a processor core, about."""
        return sum(NETWORKS[name].seconds for name in self.names)

    def facts(self, records: dict[str, Any]) -> dict[str, Any]:
        """What values depend on: what the records of the same fills do, but these metrics and these weights."""
        versions = {name: entry.version for name, entry in self.computed.items()}
        return {**records, "metrics": versions, **self._weights}

    def look(self, pictures: np.ndarray) -> np.ndarray:
        """Features of pictures of one size, uint8 (N, H, W, 3): float32 (N, features), those of several networks side
        by side.

        They go through the network exactly :data:`TOGETHER` at a time (the last are filled up), so that no value
        depends on what else is looked at.
        """
        found = []
        for start in range(0, len(pictures), TOGETHER):
            part = pictures[start : start + TOGETHER]
            filled_up = np.concatenate([part, np.repeat(part[-1:], TOGETHER - len(part), axis=0)])
            seen = [NETWORKS[name].extract(self._networks[name], filled_up, self.device) for name in self.names]
            found.append(np.concatenate(seen, axis=1)[: len(part)])
        return np.concatenate(found)

    def scores(self, truths: np.ndarray, fills: np.ndarray, failed: Sequence[bool]) -> dict[str, Any]:
        """Of a set's features, float32 (N, features) twice, row by row of the same pictures: ``values`` by metric (NaN
        of fewer than two pictures), ``n`` pictures scored, ``failed`` left out, and ``left_out``: by metric, the value
        without each group of pictures, which intervals follow from."""
        good = ~np.array(failed, bool)
        n = int(good.sum())
        found: dict[str, Any] = {"values": self._values(truths, fills, good, self.computed), "n": n}
        if LEAST <= n <= MOST:
            group = group_of(len(good))
            again = {name: entry for name, entry in self.computed.items() if entry.resampled}
            each = [self._values(truths, fills, good & (group != left), again) for left in range(GROUPS)]
            found["left_out"] = {name: [values[name] for values in each] for name in again}
        return {**found, "failed": len(good) - n}

    def _values(
        self, truths: np.ndarray, fills: np.ndarray, kept: np.ndarray, metrics: Mapping[str, Metric]
    ) -> dict[str, float]:
        if np.count_nonzero(kept) < 2:
            return dict.fromkeys(metrics, math.nan)
        truths, fills = truths[kept], fills[kept]
        features = {name: Features(truths[:, own], fills[:, own]) for name, own in self._columns().items()}
        return {name: float(computed(entry)(features[entry.features])) for name, entry in metrics.items()}

    def _columns(self) -> dict[str, slice]:
        """Where each network's features stand in a row."""
        ends = itertools.accumulate((NETWORKS[name].features for name in self.names), initial=0)
        return {name: slice(*ends) for name, ends in zip(self.names, itertools.pairwise(ends), strict=True)}
