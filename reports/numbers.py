"""What the report says in numbers, read from a run folder once and only as far as needed.

Means and intervals come from ``summary.json`` where it is there; what it does not hold (paired
differences, bins of hole area) from the columns of the records, read with pyarrow, never whole files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bench.metrics.declaration import Metric
from bench.metrics.declaration import in_order as by_rank
from bench.runs.manifest import VariantEntry
from bench.runs.reader import Run
from bench.statistics.scores import metric_facts

ALL = "all"
"""The name under which the mask types are pooled."""

NOT_METRICS = {"variant", "seed", "dataset", "mask", "image_id", "hole_area", "failed"}


@dataclass(frozen=True)
class Member:
    """One method of the run: a variant with its training seed."""

    variant: str
    seed: int
    label: str
    entry: VariantEntry = field(hash=False, compare=False)

    @property
    def kind(self) -> str:
        return self.entry.kind


@dataclass(frozen=True)
class Score:
    """A mean with its 95 % interval over n pictures; the interval is NaN where there is none."""

    mean: float
    low: float
    high: float
    n: int


class Numbers:
    """The numbers of one run. Arrays are per picture, aligned by picture id over all methods."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.manifest = run.manifest
        self._blocks: dict[tuple[str, str, str], np.ndarray] = {}
        self._ids: dict[str, Any] = {}
        self._places: dict[str, dict[str, int]] = {}

    # -- what is there ------------------------------------------------------------------------------

    @cached_property
    def members(self) -> list[Member]:
        entries = {(entry.name, entry.seed): entry for entry in self.manifest.variants}
        pairs = self.run.members()
        several = {v for v, _ in pairs if sum(w == v for w, _ in pairs) > 1}
        return [
            Member(
                variant=v,
                seed=s,
                label=f"{v}@{s}" if v in several else v,
                entry=entries.get((v, s), VariantEntry(v, s)),
            )
            for v, s in pairs
        ]

    @property
    def labels(self) -> list[str]:
        return [m.label for m in self.members]

    @cached_property
    def by_label(self) -> dict[str, Member]:
        return {m.label: m for m in self.members}

    @cached_property
    def files(self) -> dict[tuple[str, str, str], Path]:
        """(label, dataset, mask) -> the records file."""
        import pyarrow.parquet as pq

        found = {}
        for member in self.members:
            for file in self.run.record_files(member.variant, member.seed):
                head = pq.ParquetFile(file)
                if head.metadata.num_rows == 0:
                    continue
                first = next(head.iter_batches(batch_size=1, columns=["dataset", "mask"]))
                found[member.label, str(first["dataset"][0]), str(first["mask"][0])] = file
        return found

    @cached_property
    def datasets(self) -> list[str]:
        order = [entry.name for entry in self.manifest.datasets]
        return in_order({d for _, d, _ in self.files}, order)

    @cached_property
    def titles(self) -> dict[str, str]:
        """What people call each data set: a folder by its own name. Of those of run.json and of the records."""
        declared = {d.name: d.title or d.name for d in self.manifest.datasets}
        return {name: name for name in self.datasets} | declared

    @cached_property
    def masks(self) -> list[str]:
        return in_order({m for _, _, m in self.files}, self.manifest.masks)

    @cached_property
    def columns(self) -> list[str]:
        """Every metric column of the records, in the order of run.json."""
        import pyarrow.parquet as pq

        names: dict[str, None] = {}
        for file in self.files.values():
            names |= dict.fromkeys(n for n in pq.read_schema(file).names if n not in NOT_METRICS)
        return in_order(set(names), list(self.manifest.metrics))

    @cached_property
    def measures(self) -> dict[str, Metric]:
        """What each column means, as run.json declares it; a column that it does not name is nobody's metric."""
        return metric_facts(self.run)

    @cached_property
    def ranked(self) -> list[str]:
        """The metrics that tables show, by rank: those with numbers."""
        return [name for name in by_rank(self.measures) if self.has(name)]

    @cached_property
    def further(self) -> list[str]:
        """The others with numbers, in the order of run.json."""
        return [name for name in by_rank(self.measures, ranked=False) if self.has(name)]

    @property
    def deciding(self) -> str | None:
        """The metric that says best and worst: the first with a value a picture."""
        return next((name for name in [*self.ranked, *self.further] if not self.measures[name].whole), None)

    # -- means and intervals ------------------------------------------------------------------------

    @cached_property
    def scores(self) -> dict[tuple[str, str, str, str], Score]:
        """(label, dataset, mask or ``all``, metric) -> mean and interval: from summary.json, and for records
        that it does not cover yet, calculated as it calculates them."""
        label = {(m.variant, m.seed): m.label for m in self.members}
        found: dict[tuple[str, str, str, str], Score] = {}
        for row in (self.run.summary or {}).get("scores", []):
            name = label.get((row["variant"], int(row.get("seed") or 0)))
            if name is not None:
                found[name, str(row["dataset"]), str(row["mask"]), row["metric"]] = Score(
                    number(row["mean"]), number(row["low"]), number(row["high"]), int(row.get("n") or 0)
                )
        told = {key[:3] for key in found}
        for dataset in self.datasets:
            lacking = [name for name, d, mask in self.files if d == dataset and (name, dataset, mask) not in told]
            for name in dict.fromkeys(lacking):
                blocks = [self.block(name, dataset, metric) for metric in self.columns]
                for metric, block, pooled in zip(self.columns, blocks, paired(blocks), strict=True):
                    found[name, dataset, ALL, metric] = pooled
                    singles = paired([block[:, k : k + 1] for k in range(len(self.masks))])
                    found |= {(name, dataset, m, metric): s for m, s in zip(self.masks, singles, strict=True)}
        return found

    def score(self, label: str, dataset: str, mask: str, metric: str) -> Score | None:
        """The mean over the pictures of a data set and mask type (``all``: pooled); None where there is none."""
        found = self.scores.get((label, dataset, mask, metric))
        return None if found is None or math.isnan(found.mean) else found

    @cached_property
    def failed(self) -> dict[tuple[str, str], int]:
        """(label, dataset) -> pictures whose fill could not be scored, where there are any."""
        label = {(m.variant, m.seed): m.label for m in self.members}
        found = {}
        for row in (self.run.summary or {}).get("scores", []):
            if row["mask"] == ALL and row.get("failed"):
                found[label.get((row["variant"], int(row.get("seed") or 0)), ""), str(row["dataset"])] = int(
                    row["failed"]
                )
        return found

    def failures(self, most: int) -> list[tuple[str, str, str, str, str]]:
        """(method, data set, mask type, picture, why) of fills that could not be scored, the first ``most``."""
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        told = self.run.summary is not None
        found: list[tuple[str, str, str, str, str]] = []
        for (label, dataset, mask), file in self.files.items():
            if (told and (label, dataset) not in self.failed) or "failed" not in pq.read_schema(file).names:
                continue
            table = pq.read_table(file, columns=["image_id", "failed"], partitioning=None)
            bad = table.filter(pc.greater(pc.fill_null(pc.binary_length(table["failed"]), 0), 0))
            rows = zip(bad["image_id"].to_pylist(), bad["failed"].to_pylist(), strict=True)
            found += [(label, dataset, mask, image_id, why) for image_id, why in rows]
            if len(found) >= most:
                break
        return found[:most]

    def has(self, metric: str) -> bool:
        """True where any method has a number in this column."""
        return metric in self._with_numbers

    @cached_property
    def _with_numbers(self) -> set[str]:
        return {key[3] for key, score in self.scores.items() if not math.isnan(score.mean)}

    @cached_property
    def speeds(self) -> dict[str, float]:
        """Variant -> pictures a second at its best batch size, as it was scored: same precision, eager, same
        side; where it was not measured so, whatever was. Empty where nothing was measured."""
        frame = self.run.throughput()
        if frame is None or not {"variant", "images_per_s"} <= set(frame.columns):
            return {}
        wanted = {"precision": self.manifest.precision, "mode": "eager", "resolution": self.manifest.size}
        found = {}
        for variant, rows in frame[frame["images_per_s"].notna()].groupby("variant"):
            for column, value in wanted.items():
                if column in rows and (rows[column] == value).any():
                    rows = rows[rows[column] == value]
            if len(rows) and rows["images_per_s"].max() > 0:
                found[str(variant)] = float(rows["images_per_s"].max())
        return found

    # -- single values ------------------------------------------------------------------------------

    def ids(self, dataset: str) -> Any:
        """Ids of the pictures of a data set (arrow array): those of its first file, then others."""
        if dataset not in self._ids:
            import pyarrow as pa

            files = [f for (_, d, _), f in self.files.items() if d == dataset]
            first = read_ids(files[0])
            others = [ids.to_pylist() for f in files[1:] if not (ids := read_ids(f)).equals(first)]
            known = set(first.to_pylist()) if others else set()
            more = [i for i in dict.fromkeys(i for ids in others for i in ids) if i not in known]
            self._ids[dataset] = pa.concat_arrays([first, pa.array(more, first.type)]) if more else first
        return self._ids[dataset]

    def places(self, dataset: str) -> dict[str, int]:
        """Picture id -> its row in the arrays."""
        if dataset not in self._places:
            self._places[dataset] = {name: k for k, name in enumerate(self.ids(dataset).to_pylist())}
        return self._places[dataset]

    def block(self, label: str, dataset: str, metric: str) -> np.ndarray:
        """Values per picture and mask type, float64 (pictures, masks), NaN where there is none."""
        key = (label, dataset, metric)
        if key not in self._blocks:
            self._read(label, dataset, [metric, "hole_area", *(m for m in by_rank(self.measures) if m in self.columns)])
        return self._blocks[key]

    def _read(self, label: str, dataset: str, metrics: list[str]) -> None:
        import pyarrow.parquet as pq

        ids = self.ids(dataset)
        wanted = [m for m in dict.fromkeys(metrics) if (label, dataset, m) not in self._blocks]
        blocks = {m: np.full((len(ids), len(self.masks)), np.nan) for m in wanted}
        for k, mask in enumerate(self.masks):
            file = self.files.get((label, dataset, mask))
            if file is None:
                continue
            there = set(pq.read_schema(file).names)
            names = [m for m in wanted if m in there]
            table = pq.read_table(file, columns=["image_id", *names], partitioning=None)
            rows: Any = slice(None)
            own = table["image_id"].combine_chunks()
            if not own.equals(ids):
                place = self.places(dataset)
                rows = np.array([place[name] for name in own.to_pylist()], int)
            for name in names:
                blocks[name][rows, k] = table[name].to_numpy()
        for name, block in blocks.items():
            block[~np.isfinite(block)] = np.nan
            self._blocks[label, dataset, name] = block

    def areas(self, dataset: str) -> np.ndarray:
        """Hole area per picture and mask type, share of the picture, (pictures, masks)."""
        blocks = [self.block(m.label, dataset, "hole_area") for m in self.members]
        area = blocks[0].copy()
        for block in blocks[1:]:
            if not np.isnan(area).any():
                break
            area = np.where(np.isnan(area), block, area)
        return area

    def standing(self, label: str, dataset: str, metric: str) -> float:
        """What methods are put in order by: the mean, turned so that higher is better; NaN where there is none.

        Of a metric with a target, the mean of each picture's distance from it: values far off on both sides of a
        target have a fine mean.
        """
        measure, score = self.measures[metric], self.score(label, dataset, ALL, metric)
        if score is None:
            return math.nan
        if measure.direction == "nearest" and metric in self.columns:
            good = measure.goodness(self.block(label, dataset, metric))
            return float(np.nanmean(good)) if np.isfinite(good).any() else math.nan
        return float(measure.goodness(score.mean))

    def gap(self, a: str, b: str, dataset: str, metric: str) -> np.ndarray:
        """How much better a is than b, per picture and mask type, in the metric's unit."""
        good = self.measures[metric].goodness
        return good(self.block(a, dataset, metric)) - good(self.block(b, dataset, metric))


def read_ids(file: Path) -> Any:
    import pyarrow.parquet as pq

    return pq.read_table(file, columns=["image_id"], partitioning=None)["image_id"].combine_chunks()


FEW_IMAGES, RESAMPLES, FEWER_RESAMPLES = 2_000, 10_000, 2_000
"""Over so many pictures the mean is as good as normal, and fewer resamples give the same interval."""


def interval_scores(sums: np.ndarray, counts: np.ndarray) -> list[Score]:
    """Means of columns with their 95 % intervals from sums and counts per picture, (pictures, columns)."""
    from bench.statistics.intervals import intervals

    resamples = RESAMPLES if len(sums) <= FEW_IMAGES else FEWER_RESAMPLES
    result = intervals(sums, counts, resamples=resamples)
    return [
        Score(float(m), float(low), float(high), int(n))
        for m, low, high, n in zip(result.mean, result.low, result.high, result.clusters, strict=True)
    ]


def paired(blocks: Sequence[np.ndarray]) -> list[Score]:
    """Mean of every block (pictures, masks) with its 95 % interval; pictures are drawn whole."""
    found: list[Score | None] = [None] * len(blocks)
    by_length: dict[int, list[int]] = {}
    for k, block in enumerate(blocks):
        by_length.setdefault(len(block), []).append(k)
    for places in by_length.values():
        there = [np.isfinite(blocks[k]) for k in places]
        sums = np.stack([np.where(t, blocks[k], 0.0).sum(1) for k, t in zip(places, there, strict=True)], axis=1)
        counts = np.stack([t.sum(1) for t in there], axis=1).astype(float)
        for k, score in zip(places, interval_scores(sums, counts), strict=True):
            found[k] = score
    return [score for score in found if score is not None]


def fixed(value: float, digits: int) -> str:
    """A number with so many decimals, a real minus sign and no negative zero."""
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def number(value: Any) -> float:
    return math.nan if value is None else float(value)


def in_order(found: set[str], order: list[str]) -> list[str]:
    """``found`` in the given order; what the order does not name comes last, by name."""
    return [name for name in dict.fromkeys(order) if name in found] + sorted(found - set(order))
