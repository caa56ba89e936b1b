"""summary.json: every variant's mean scores with their intervals, and its speed, for machines."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.files import finite, write_json
from bench.runs.reader import Run
from bench.statistics import intervals
from bench.statistics.scores import ALL, Scores, clustered, load_scores, metric_facts

SCHEMA = 1
PSNR_CAP_DB = 100.0
ERRORS = {"psnr": "mse", "psnr_hole": "mse_hole"}
"""The mean of PSNRs is not the PSNR of the mean error: where the errors are recorded, both are told."""


def summarise(run: Run, resamples: int = intervals.RESAMPLES, seed: int = 0) -> dict[str, Any]:
    """The contents of summary.json.

    A row of ``scores`` pools the pictures of one (variant, seed, data set, mask type; ``all`` pools those) in
    one metric: ``mean``, ``low`` and ``high`` (95 %, bootstrap over whole images), ``n`` rows scored of
    ``images`` images, ``failed`` rows that could not be scored and are in no mean. Scores of whole sets have no
    interval, and for ``all`` the mean of the mask types' values.
    """
    scores = []
    for variant, member_seed in run.members():
        for table in load_scores(run, variant, member_seed).values():
            scores += score_rows(run, variant, member_seed, table, resamples, seed)
        scores += set_rows(run, variant, member_seed)
    manifest = run.manifest
    return {
        "schema": SCHEMA,
        "run": run.name,
        "suite": manifest.get("suite"),
        "protocol": manifest.get("protocol"),
        "interval": {"level": intervals.LEVEL, "resamples": resamples, "cluster": "image", "seed": seed},
        "scores": scores,
        "throughput": throughput_rows(run),
    }


def score_rows(run: Run, variant: str, seed: int, table: Scores, resamples: int, draw: int) -> list[dict[str, Any]]:
    sums, counts = clustered(table.values[0])
    images, masks, columns = sums.shape
    if not columns:
        return []
    result = intervals.intervals(sums.reshape(images, -1), counts.reshape(images, -1), resamples=resamples, seed=draw)
    shape = (masks, columns)
    mean, low, high = (part.reshape(shape) for part in result[:3])
    rows, clusters = result.rows.reshape(shape), result.clusters.reshape(shape)
    failed = [int(count) for count in table.failed[0].sum(0)]
    place = {name: number for number, name in enumerate(table.columns)}
    found = []
    for m, mask in enumerate([*table.masks, ALL]):
        for name in metric_facts(run):
            if name not in place:
                continue
            k = place[name]
            row = {
                "variant": variant,
                "seed": seed,
                "dataset": table.dataset,
                "mask": mask,
                "metric": name,
                "mean": mean[m, k],
                "low": low[m, k],
                "high": high[m, k],
                "n": int(rows[m, k]),
                "images": int(clusters[m, k]),
                "failed": sum(failed) if mask == ALL else failed[m],
            }
            error = place.get(ERRORS.get(name, ""))
            if error is not None:
                row["psnr_of_mean_error"] = psnr(mean[m, error])
            found.append(finite(row))
    return found


def set_rows(run: Run, variant: str, seed: int) -> list[dict[str, Any]]:
    """The rows of FID and its like: one value a set of fills, so no interval."""
    entries = run.set_scores(variant, seed)
    order = list(run.manifest.get("masks", []))
    entries.sort(key=lambda entry: order.index(entry["mask"]) if entry["mask"] in order else len(order))
    found = []
    for dataset in dict.fromkeys(entry["dataset"] for entry in entries):
        own = [entry for entry in entries if entry["dataset"] == dataset]
        for part, mask in [*(([entry], entry["mask"]) for entry in own), (own, ALL)]:
            for name in (name for name in metric_facts(run) if all(name in entry["values"] for entry in part)):
                values = [entry["values"][name] for entry in part]
                found.append(
                    {
                        "variant": variant,
                        "seed": seed,
                        "dataset": dataset,
                        "mask": mask,
                        "metric": name,
                        "mean": None if None in values else float(np.mean(values)),
                        "low": None,
                        "high": None,
                        "n": sum(entry["n"] for entry in part),
                        "images": max(entry["n"] for entry in part),
                        "failed": sum(entry["failed"] for entry in part),
                    }
                )
    return found


def psnr(error: float) -> float:
    """PSNR in dB of a mean squared error of values in [0, 1], capped where the pictures agree."""
    return float(min(PSNR_CAP_DB, -10 * np.log10(error))) if error > 0 else PSNR_CAP_DB


def throughput_rows(run: Run) -> list[dict[str, Any]]:
    frame = run.throughput()
    return [] if frame is None else [finite(row) for row in frame.to_dict(orient="records")]


def write_summary(run: Run) -> dict[str, Any]:
    """Write summary.json into the run folder and return its contents."""
    summary = summarise(run)
    write_json(run.path / "summary.json", summary)
    return summary
