"""Run folders made of invented scores, for tests of what is calculated from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.runs.reader import Run

METRICS = {
    "psnr_hole": {"region": "hole", "unit": "dB", "direction": "higher", "title": "psnr_hole [dB ↑]"},
    "ssim_hole": {"region": "hole", "unit": "", "direction": "higher", "title": "ssim_hole [↑]"},
    "lpips": {"region": "image", "unit": "", "direction": "lower", "title": "lpips [↓]"},
    "colour_shift_r": {
        "region": "hole",
        "unit": "levels",
        "direction": "nearest",
        "target": 0.0,
        "title": "colour_shift_r [levels →0]",
    },
}
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
            file = path / "records" / variant / f"seed-{seed}" / f"{dataset}-{mask}.parquet"
            file.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table(columns), file)
    if throughput is not None:
        pq.write_table(pa.Table.from_pylist(throughput), path / "throughput.parquet")
    facts = {
        name: {"range": [0, 100], "reference": "none", "summary": name, "title": name, "approximate": False}
        | METRICS.get(name, {"region": "image", "unit": "", "direction": "lower"})
        | {"version": (versions or {}).get(name, 1)}
        for name in metrics
        if not name.startswith("mse")
    }
    (path / "run.json").write_text(
        json.dumps(
            {
                "schema": 1,
                "name": path.name,
                "command": ["bench", "run"],
                "created": "2025-01-01T00:00:00",
                "finished": "2025-01-01T00:01:00",
                "profile": {},
                "suite": "ab" * 32,
                "protocol": "native",
                "precision": "fp32",
                "suite_seed": 0,
                "size": 64,
                "datasets": [{"name": dataset, "split": "test", "count": len(names), "note": "", "skipped": []}],
                "masks": list(masks),
                "variants": [
                    {"name": v, "seed": s, "kind": (kinds or {}).get(v, "network"), "summary": "", "label": v}
                    for v, s in scores
                ],
                "metrics": facts,
                "missing": {},
                "notes": [],
            }
            | manifest
        )
    )
    return Run.open(path)
