"""The registry of set metrics: declared like the metrics of pictures, computed from features of all pictures.

A set metric is a function of :class:`bench.set_metrics.features.Features`::

    @set_metric("fid", region="image", unit="", direction="lower", range=(0, math.inf),
                reference="torch-fidelity 0.4 frechet_inception_distance", version=1)
    def fid(features: Features) -> float: ...

Features are Inception's unless it declares another of :data:`bench.set_metrics.networks.NETWORKS`
(``features="dinov2"``). ``least`` is the fewest pictures that it has a value of; two where it does not say.
"""

from __future__ import annotations

from collections.abc import Iterable

from bench.metrics.registry import MetricRegistry

set_metric = MetricRegistry("set_metric", "bench.set_metrics", "set metric", of="set")


def split_names(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Metrics of pictures, and metrics of sets; a name that is neither counts to the first."""
    known = set_metric.names()
    chosen = list(dict.fromkeys(names))
    return [name for name in chosen if name not in known], [name for name in chosen if name in known]
