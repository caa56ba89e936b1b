"""summary.json: every variant's mean scores with their intervals, and its speed, for machines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from bench.masks.areas import AREA_BINS, area_places
from bench.metrics.declaration import Metric, in_order
from bench.metrics.registry import metric as registry
from bench.runs.reader import Run
from bench.statistics import intervals, jackknife
from bench.statistics.over_samples import over_samples
from bench.statistics.scores import ALL, Scores, load_scores
from bench.statistics.standing import distance
from bench.util.files import finite, write_json

SCHEMA = 1


def summarise(run: Run, resamples: int = intervals.RESAMPLES, seed: int = 0) -> dict[str, Any]:
    """The contents of summary.json.

    A row of ``scores`` pools the pictures of one (variant, seed, data set, mask type; ``all`` pools those) in
    one metric: ``mean``, ``low`` and ``high`` (95 %, bootstrap over whole images), ``n`` rows scored of
    ``images`` images, ``failed`` rows that could not be scored and are excluded from the means. Of a metric with
    a target it has ``distance``, the mean distance of the scores from that, which decides what is best. Where holes
    were filled several times, a picture counts with the mean of its samples, and the row has the fields of
    :func:`bench.statistics.over_samples.over_samples`; nothing else is calculated with those. Scores of
    whole sets have for ``all`` the mean of the mask types' values. The rows of ``areas`` pool the
    mask types by hole area instead: ``area`` is one of :data:`bench.masks.areas.AREA_BINS`. ``missing`` says of each
    metric without a value why it has none, and ``partly`` of others why some fills have none.
    """
    resampling = Resampling(resamples, seed)
    scores, areas = [], []
    for variant, member_seed in run.members():
        for table in load_scores(run, variant, member_seed).values():
            scores += _score_rows(run, variant, member_seed, table, resampling)
            areas += _area_rows(run, variant, member_seed, table, resampling)
        scores += _set_rows(run, variant, member_seed)
    manifest = run.manifest
    return {
        "schema": SCHEMA,
        "run": run.name,
        "suite": manifest.suite,
        "protocol": manifest.protocol,
        "interval": {"level": intervals.LEVEL, "resamples": resamples, "cluster": "image", "seed": seed},
        "scores": scores,
        "areas": areas,
        "throughput": _throughput_rows(run),
        "missing": manifest.missing,
        "partly": manifest.partly,
    }


def rows_so_far(run: Run, cells: Sequence[tuple[str, int, str, str]]) -> list[dict[str, Any]]:
    """The rows of ``scores`` and ``areas`` as summary.json has them; of records that it does not cover, those of a run
    that is going on, as it would have them. cells: (variant, seed, data set, mask type) that have records."""
    summary = run.summary or {}
    found = [*summary.get("scores", []), *summary.get("areas", [])]
    told = {(row["variant"], row["seed"], row["dataset"], row.get("mask")) for row in found}
    late = {cell[:3] for cell in cells if cell not in told}
    bare = {cell[:3] for cell in cells if (*cell[:3], None) not in told}
    found = [row for row in found if (row["variant"], row["seed"], row["dataset"]) not in late]
    for variant, seed in dict.fromkeys(cell[:2] for cell in sorted(late | bare)):
        # Of a summary from before areas, those are added of what tables show.
        whole = any(cell[:2] == (variant, seed) for cell in late)
        tables = load_scores(run, variant, seed, None if whole else in_order(run.manifest.metrics))
        for dataset, table in tables.items():
            if (variant, seed, dataset) in late:
                found += _score_rows(run, variant, seed, table, Resampling())
                found += [row for row in _set_rows(run, variant, seed) if row["dataset"] == dataset]
            if (variant, seed, dataset) in late | bare:
                found += _area_rows(run, variant, seed, table, Resampling())
    return found


def _score_rows(run: Run, variant: str, seed: int, table: Scores, resampling: Resampling) -> list[dict[str, Any]]:
    """The rows by mask type, pooled ones last."""
    groups = [
        Group({"mask": mask}, np.array([mask in (own, ALL) for own in table.masks])) for mask in (*table.masks, ALL)
    ]
    return _rows_of(run, variant, seed, table, groups, resampling)


def _area_rows(run: Run, variant: str, seed: int, table: Scores, resampling: Resampling) -> list[dict[str, Any]]:
    """The rows by bin of hole area."""
    places = area_places(table.hole_area)
    groups = [Group({"area": name}, places == k) for k, name in enumerate(AREA_BINS) if (places == k).any()]
    return _rows_of(run, variant, seed, table, groups, resampling)


class Resampling(NamedTuple):
    """resamples: how many. seed: of the resampling."""

    resamples: int = intervals.RESAMPLES
    seed: int = 0


class Group(NamedTuple):
    """Scores that share a row. key: what tells them from others; inside: which they are, bool, (images, masks) or
    (masks,)."""

    key: dict[str, str]
    inside: np.ndarray


def _rows_of(
    run: Run, variant: str, seed: int, table: Scores, groups: list[Group], resampling: Resampling
) -> list[dict[str, Any]]:
    """One row a group and metric."""
    values = table.values[0]
    images, _, columns = values.shape
    if not groups or not columns:
        return []
    there = np.isfinite(values)
    held = [there & group.inside[..., None] for group in groups]
    sums = np.stack([np.where(rows, values, 0.0).sum(1) for rows in held], axis=1)
    counts = np.stack([rows.sum(1).astype(float) for rows in held], axis=1)
    result = intervals.intervals(sums.reshape(images, -1), counts.reshape(images, -1), **resampling._asdict())
    mean, low, high, clusters, rows = (part.reshape(len(groups), columns) for part in result)
    place = {name: number for number, name in enumerate(table.columns)}
    found = []
    for m, group in enumerate(groups):
        for name, metric in run.manifest.metrics.items():
            if name not in place:
                continue
            k = place[name]
            ends = intervals.inside(metric.range, mean[m, k], low[m, k], high[m, k])
            row = {
                "variant": variant,
                "seed": seed,
                "dataset": table.dataset,
                **group.key,
                "metric": name,
                "mean": mean[m, k],
                "low": float(ends[0]),
                "high": float(ends[1]),
                "n": int(rows[m, k]),
                "images": int(clusters[m, k]),
                "failed": int((table.failed[0] & group.inside).sum()),
            }
            if metric.approximate:
                row |= {"approximate": True, "mean_error": metric.mean_error}
            if metric.direction == "nearest":
                row["distance"] = distance(values[..., k][held[m][..., k]], metric)
            if table.tries is not None:
                row |= over_samples(table.tries, k, held[m][..., k], metric)
            error, of_mean = from_error(name, run.manifest.protocol)
            if error in place:
                # The mean of PSNRs is not the PSNR of the mean error: where errors are recorded, both are told.
                row["psnr_of_mean_error"] = of_mean(mean[m, place[error]])
            found.append(finite(row))
    return found


def _set_rows(run: Run, variant: str, seed: int) -> list[dict[str, Any]]:
    """The rows of FID and its like: one value a set of fills; its interval is of what leaving out pictures does."""
    entries = run.set_scores(variant, seed)
    order = list(run.manifest.masks)
    entries.sort(key=lambda entry: order.index(entry["mask"]) if entry["mask"] in order else len(order))
    found = []
    for dataset in dict.fromkeys(entry["dataset"] for entry in entries):
        own = [entry for entry in entries if entry["dataset"] == dataset]
        for part, mask in [*(([entry], entry["mask"]) for entry in own), (own, ALL)]:
            for name in (name for name in run.manifest.metrics if all(name in entry["values"] for entry in part)):
                values = [entry["values"][name] for entry in part]
                mean = None if None in values else float(np.mean(values))
                left_out = [(entry.get("left_out") or {}).get(name) for entry in part]
                low, high = set_interval(mean, left_out, run.manifest.metrics[name].range)
                found.append(
                    {
                        "variant": variant,
                        "seed": seed,
                        "dataset": dataset,
                        "mask": mask,
                        "metric": name,
                        "mean": mean,
                        "low": low,
                        "high": high,
                        "n": sum(entry["n"] for entry in part),
                        "images": max(entry["n"] for entry in part),
                        "failed": sum(entry["failed"] for entry in part),
                    }
                )
    return found


def set_interval(
    mean: float | None, left_out: Sequence[Sequence[float | None] | None], span: tuple[float, float] = (-np.inf, np.inf)
) -> tuple[Any, Any]:
    """Both ends for the mean of some mask types' values, each with its values without each group of pictures, the same
    groups under all; None twice where one lacks them. span: the metric's range.

    >>> low, high = set_interval(2.0, [[1.0, 3.0]])  # one mask type, two groups: error 1, Student's t 12.706
    >>> round(low, 3), round(high, 3)
    (-10.706, 14.706)
    >>> set_interval(2.0, [None])
    (None, None)
    """
    held = [values for values in left_out if values and None not in values]
    if mean is None or len(held) < len(left_out):
        return None, None
    ends = jackknife.interval(mean, np.mean(np.array(held, float), axis=0).tolist())
    low, high = intervals.inside(span, *map(np.asarray, (mean, *ends)))
    return float(low), float(high)


def set_gap(
    ours: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]], metric: Metric
) -> tuple[float, float, float]:
    """How much better one method's score of whole sets is than another's, the mean over mask types, and both ends of
    its interval, the same pictures left out of both; NaN where there is none.

    ours, theirs: what is stored of each mask type (``mask``, ``values``, ``left_out``), of one data set.

    >>> cell = {"mask": "rect", "values": {"fd": 2.0}, "left_out": {"fd": [1.0, 3.0]}}
    >>> other = {**cell, "values": {"fd": 5.0}, "left_out": {"fd": [4.0, 6.0]}}
    >>> set_gap([cell], [other], Metric("fd", direction="lower"))  # both move with the pictures, alike
    (3.0, 3.0, 3.0)
    """

    def taken(entries: Sequence[dict[str, Any]]) -> tuple[float, np.ndarray]:
        cells = sorted(entries, key=lambda entry: str(entry["mask"]))
        values = [entry["values"].get(metric.name) for entry in cells]
        left_out = [(entry.get("left_out") or {}).get(metric.name) or [None] for entry in cells]
        means = np.array(left_out, float).mean(0) if len({len(each) for each in left_out}) == 1 else np.array([np.nan])
        return float(metric.goodness(np.array(values, float).mean())), metric.goodness(means)

    if not ours or {entry["mask"] for entry in ours} != {entry["mask"] for entry in theirs}:
        return np.nan, np.nan, np.nan
    (mean, again), (other, other_again) = taken(ours), taken(theirs)
    if len(again) != len(other_again) or not np.isfinite([*again, *other_again]).all():
        return mean - other, np.nan, np.nan
    return mean - other, *jackknife.interval(mean - other, (again - other_again).tolist())


def from_error(name: str, protocol: str = "native") -> tuple[str, Callable[[float], float]]:
    """The metric of whose mean ``name`` has a value too, and that value, as a protocol
    computes them; an empty name where there is none.

    >>> error, of_mean = from_error("psnr_hole")
    >>> error, of_mean(0.01)
    ('mse_hole', 20.0)
    """
    known = registry.get(name).under(protocol).from_error if name in registry.names() else None
    return known or ("", lambda error: error)


def _throughput_rows(run: Run) -> list[dict[str, Any]]:
    """The rows of throughput.parquet; none where speed was not measured."""
    frame = run.throughput()
    return [] if frame is None else [finite(row) for row in frame.to_dict(orient="records")]


def write_summary(run: Run) -> dict[str, Any]:
    """Write summary.json into the run folder and return its contents."""
    summary = summarise(run)
    write_json(run.path / "summary.json", summary)
    return summary
