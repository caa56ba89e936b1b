"""summary.json: every variant's mean scores with their intervals, and its speed, for machines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from bench.masks.areas import AREA_BINS, area_places
from bench.metrics.registry import metric as registry
from bench.runs.reader import Run
from bench.statistics import intervals
from bench.statistics.scores import ALL, Scores, clustered, load_scores, metric_facts
from bench.util.files import finite, write_json

SCHEMA = 1


def summarise(run: Run, resamples: int = intervals.RESAMPLES, seed: int = 0) -> dict[str, Any]:
    """The contents of summary.json.

    A row of ``scores`` pools the pictures of one (variant, seed, data set, mask type; ``all`` pools those) in
    one metric: ``mean``, ``low`` and ``high`` (95 %, bootstrap over whole images), ``n`` rows scored of
    ``images`` images, ``failed`` rows that could not be scored and are in no mean. Scores of whole sets have no
    interval, and for ``all`` the mean of the mask types' values. The rows of ``areas`` pool the mask types by hole area
    instead: ``area`` is one of :data:`bench.masks.areas.AREA_BINS`.
    """
    scores, areas = [], []
    for variant, member_seed in run.members():
        for table in load_scores(run, variant, member_seed).values():
            scores += score_rows(run, variant, member_seed, table, resamples, seed)
            areas += area_rows(run, variant, member_seed, table, resamples, seed)
        scores += set_rows(run, variant, member_seed)
    manifest = run.manifest
    return {
        "schema": SCHEMA,
        "run": run.name,
        "suite": manifest.suite,
        "protocol": manifest.protocol,
        "interval": {"level": intervals.LEVEL, "resamples": resamples, "cluster": "image", "seed": seed},
        "scores": scores,
        "areas": areas,
        "throughput": throughput_rows(run),
    }


def score_rows(run: Run, variant: str, seed: int, table: Scores, resamples: int, draw: int) -> list[dict[str, Any]]:
    failed = [int(count) for count in table.failed[0].sum(0)]
    groups = [{"mask": mask} for mask in [*table.masks, ALL]]
    resampled = Resampling(resamples, draw)
    return rows_of(run, variant, seed, table, groups, clustered(table.values[0]), [*failed, sum(failed)], resampled)


def area_rows(run: Run, variant: str, seed: int, table: Scores, resamples: int, draw: int) -> list[dict[str, Any]]:
    places = area_places(table.hole_area)
    bins = [place for place in range(len(AREA_BINS)) if (places == place).any()]
    values = table.values[0]
    there = np.isfinite(values)
    inside = [there & (places == place)[..., None] for place in bins]
    if not inside:
        return []
    sums = np.stack([np.where(rows, values, 0.0).sum(1) for rows in inside], axis=1)
    counts = np.stack([rows.sum(1).astype(float) for rows in inside], axis=1)
    failed = [int((table.failed[0] & (places == place)).sum()) for place in bins]
    groups = [{"area": AREA_BINS[place]} for place in bins]
    return rows_of(run, variant, seed, table, groups, (sums, counts), failed, Resampling(resamples, draw))


class Resampling(NamedTuple):
    """resamples: how many. seed: of the resampling."""

    resamples: int
    seed: int


def rows_of(
    run: Run,
    variant: str,
    seed: int,
    table: Scores,
    groups: list[dict[str, str]],
    clusters_of: tuple[np.ndarray, np.ndarray],
    failed: list[int],
    resampling: Resampling,
) -> list[dict[str, Any]]:
    """One row a group and metric. groups: what tells a group from others; clusters_of: sums and counts per image,
    (images, groups, columns)."""
    sums, counts = clusters_of
    images, *shape = sums.shape
    if not shape[1]:
        return []
    result = intervals.intervals(sums.reshape(images, -1), counts.reshape(images, -1), **resampling._asdict())
    mean, low, high = (part.reshape(shape) for part in result[:3])
    rows, clusters = result.rows.reshape(shape), result.clusters.reshape(shape)
    place = {name: number for number, name in enumerate(table.columns)}
    found = []
    for m, group in enumerate(groups):
        for name in metric_facts(run):
            if name not in place:
                continue
            k = place[name]
            row = {
                "variant": variant,
                "seed": seed,
                "dataset": table.dataset,
                **group,
                "metric": name,
                "mean": mean[m, k],
                "low": low[m, k],
                "high": high[m, k],
                "n": int(rows[m, k]),
                "images": int(clusters[m, k]),
                "failed": failed[m],
            }
            error, of_mean = from_error(name)
            if error in place:
                # The mean of PSNRs is not the PSNR of the mean error: where errors are recorded, both are told.
                row["psnr_of_mean_error"] = of_mean(mean[m, place[error]])
            found.append(finite(row))
    return found


def set_rows(run: Run, variant: str, seed: int) -> list[dict[str, Any]]:
    """The rows of FID and its like: one value a set of fills, so no interval."""
    entries = run.set_scores(variant, seed)
    order = list(run.manifest.masks)
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


def from_error(name: str) -> tuple[str, Callable[[float], float]]:
    """The metric of whose mean ``name`` has a value too, and that value; an empty name where there is none."""
    known = registry.get(name).from_error if name in registry.names() else None
    return known or ("", lambda error: error)


def throughput_rows(run: Run) -> list[dict[str, Any]]:
    frame = run.throughput()
    return [] if frame is None else [finite(row) for row in frame.to_dict(orient="records")]


def write_summary(run: Run) -> dict[str, Any]:
    """Write summary.json into the run folder and return its contents."""
    summary = summarise(run)
    write_json(run.path / "summary.json", summary)
    return summary
