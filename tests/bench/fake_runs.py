"""Run folders made of invented scores, for tests of what is calculated from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.metrics.declaration import Metric
from bench.metrics.registry import metric
from bench.runs.manifest import DatasetEntry, Manifest, VariantEntry
from bench.runs.reader import Run
from bench.runs.records import record_file
from bench.runs.writer import RunWriter

MASKS = ("rect", "circle")


def fake_run(
    path: Path,
    scores: dict[tuple[str, int], dict[str, np.ndarray]],
    masks: tuple[str, ...] = MASKS,
    ids: list[str] | None = None,
    failed: dict[tuple[str, int], np.ndarray] | None = None,
    throughput: list[dict[str, Any]] | None = None,
    versions: dict[str, int] | None = None,
    kinds: dict[str, str] | None = None,
    dataset: str = "scenes",
    areas: np.ndarray | None = None,
    **manifest: Any,
) -> Run:
    """A run whose records are ``scores[variant, seed][metric]``, arrays (images, masks); NaN where empty.

    failed: ``[variant, seed]`` bool (images, masks). Further keywords overwrite keys of run.json.
    """
    first = next(iter(next(iter(scores.values())).values()))
    names = ids or [f"{i:05d}" for i in range(len(first))]
    metrics = sorted({name for entry in scores.values() for name in entry})
    entries = [VariantEntry(variant, seed, (kinds or {}).get(variant, "network")) for variant, seed in scores]
    start = Manifest(
        name=path.name,
        suite="ab" * 32,
        command=["bench", "run"],
        created="2025-01-01T00:00:00",
        finished="2025-01-01T00:01:00",
        size=64,
        datasets=[DatasetEntry(dataset, count=len(names))],
        masks=list(masks),
        variants=entries,
        metrics={name: declared(name, versions or {}) for name in metrics if not name.startswith("mse")},
    )
    RunWriter(path, start).update(**manifest)
    for (variant, seed), entry in scores.items():
        broken = (failed or {}).get((variant, seed), np.zeros(first.shape, bool))
        for m, mask in enumerate(masks):
            count = len(names)
            columns: dict[str, Any] = {
                "variant": [variant] * count,
                "seed": np.full(count, seed),
                "dataset": [dataset] * count,
                "mask": [mask] * count,
                "image_id": names,
                "hole_area": np.full(count, 0.1) if areas is None else areas[:, m],
                "failed": ["broke" if b else "" for b in broken[:, m]],
                **{name: np.where(broken[:, m], np.nan, entry[name][:, m]) for name in metrics if name in entry},
            }
            file = record_file(path, variant, seed, dataset, mask)
            file.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table(columns), file)
    if throughput is not None:
        pq.write_table(pa.Table.from_pylist(throughput), path / "throughput.parquet")
    return Run.open(path)


def declared(name: str, versions: dict[str, int]) -> Metric:
    """What run.json says of a metric: what its own file declares, or next to nothing for one that has none."""
    entry = metric.get(name) if name in metric.names() else Metric(name, direction="lower")
    return replace(entry, version=versions.get(name, 1))
