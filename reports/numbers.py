"""What the report says in numbers, read from a run folder once and only as far as needed.

Means and intervals are those of summary.json, paired differences those of a comparison: all are calculated in
:mod:`bench.statistics`.
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
from bench.statistics import paired as statistics
from bench.statistics.intervals import Seeds
from bench.statistics.scores import ALL, Scores, load_scores
from bench.statistics.standing import Best, best, standing
from bench.statistics.summary import rows_so_far, set_gap


@dataclass(frozen=True)
class Member:
    """One method of the run: a variant with its training seed."""

    variant: str
    seed: int
    label: str
    entry: VariantEntry = field(hash=False, compare=False)

    @property
    def kind(self) -> str:
        """What kind of method run.json says it is, such as "network" or "reference"."""
        return self.entry.kind


@dataclass(frozen=True)
class Score:
    """A mean with its 95 % interval over n pictures; the interval is NaN where there is none. distance: the pictures'
    mean distance from the metric's target, NaN where it has none."""

    mean: float
    low: float
    high: float
    n: int
    distance: float = math.nan

    @property
    def shown(self) -> float:
        """What bars and dots are as long or as high as: the mean or, where there is a target, the distance, which
        decides."""
        return self.mean if math.isnan(self.distance) else self.distance


class Numbers:
    """The numbers of one run. Arrays are per picture, aligned by picture id over all methods."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.manifest = run.manifest
        self._held: dict[str, dict[str, dict[str, Scores]]] = {}
        self._ids: dict[str, np.ndarray] = {}
        self._places: dict[str, dict[str, int]] = {}

    # -- what is there ------------------------------------------------------------------------------

    @cached_property
    def members(self) -> list[Member]:
        """All methods of the run, with the seed in the label of those that have several."""
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
        """Labels of all methods, in the run's order."""
        return [m.label for m in self.members]

    @cached_property
    def by_label(self) -> dict[str, Member]:
        """Methods under their labels."""
        return {m.label: m for m in self.members}

    @cached_property
    def files(self) -> dict[tuple[str, str, str], Path]:
        """(label, dataset, mask) -> the records file."""
        from bench.runs.records import read_records

        found = {}
        for member in self.members:
            for file in self.run.record_files(member.variant, member.seed):
                first = read_records(file, ["dataset", "mask"]).slice(0, 1).to_pylist()
                if first:
                    found[member.label, first[0]["dataset"], first[0]["mask"]] = file
        return found

    @cached_property
    def datasets(self) -> list[str]:
        """Data sets that have records, in the order of run.json."""
        order = [entry.name for entry in self.manifest.datasets]
        return in_order({d for _, d, _ in self.files}, order)

    @cached_property
    def titles(self) -> dict[str, str]:
        """What people call each data set: a folder by its own name. Of those of run.json and of the records."""
        return {name: name for name in self.datasets} | self.manifest.titles

    @cached_property
    def masks(self) -> list[str]:
        """Mask types that have records, in the order of run.json."""
        return in_order({m for _, _, m in self.files}, self.manifest.masks)

    @cached_property
    def measures(self) -> dict[str, Metric]:
        """What each column means, as run.json declares it; a column that it does not name is nobody's metric."""
        return self.run.manifest.metrics

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
    def _rows(self) -> dict[tuple[str, str, str, str], dict[str, Any]]:
        """(label, dataset, mask type, ``all`` or bin of hole area, metric) -> its row."""
        label = {(m.variant, m.seed): m.label for m in self.members}
        pair = {m.label: (m.variant, m.seed) for m in self.members}
        return {
            (name, str(row["dataset"]), str(row.get("mask") or row.get("area")), row["metric"]): row
            for row in rows_so_far(self.run, [(*pair[label], dataset, mask) for label, dataset, mask in self.files])
            if (name := label.get((row["variant"], int(row.get("seed") or 0)))) is not None
        }

    def score(self, label: str, dataset: str, place: str, metric: str) -> Score | None:
        """The mean over the pictures of a data set and mask type (``all``: pooled) or bin of hole area, or None."""
        row = self._rows.get((label, dataset, place, metric))
        if row is None or row["mean"] is None:
            return None
        low, high, distance = (number(row.get(key)) for key in ("low", "high", "distance"))
        return Score(float(row["mean"]), low, high, int(row.get("n") or 0), distance)

    def standing(self, label: str, dataset: str, place: str, metric: str) -> float:
        """What methods are put in order by, higher is better; NaN where there is none."""
        return standing(self._rows.get((label, dataset, place, metric)), self.measures[metric])

    def pooled(self, dataset: str) -> dict[str, dict[str, dict[str, Any]]]:
        """Rows of summary.json by method and metric, mask types pooled."""
        found: dict[str, dict[str, dict[str, Any]]] = {label: {} for label in self.labels}
        for (label, where, place, metric), row in self._rows.items():
            if (where, place) == (dataset, ALL):
                found[label][metric] = row
        return found

    def best(self, dataset: str, metric: str) -> Best:
        """Who is marked as best by a metric, its mask types pooled."""
        rows = {label: self._rows.get((label, dataset, ALL, metric)) for label in self.labels}
        return best(rows, self.measures[metric])

    @cached_property
    def failed(self) -> dict[tuple[str, str], int]:
        """(label, dataset) -> pictures whose fill could not be scored, where there are any."""
        pooled = {key: row for key, row in self._rows.items() if key[2] == ALL and row.get("failed")}
        return {(label, dataset): int(row["failed"]) for (label, dataset, _, _), row in pooled.items()}

    def failures(self, most: int) -> list[tuple[str, str, str, str, str]]:
        """(method, data set, mask type, picture, why) of fills that could not be scored, the first ``most``."""
        import pyarrow.compute as pc

        from bench.runs.records import read_records

        found: list[tuple[str, str, str, str, str]] = []
        for (label, dataset, mask), file in self.files.items():
            if (label, dataset) not in self.failed:
                continue
            table = read_records(file, ["image_id", "failed"])
            if "failed" not in table.column_names:
                continue
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
        return {key[3] for key, row in self._rows.items() if row["mean"] is not None}

    @cached_property
    def speeds(self) -> dict[str, tuple[float, int]]:
        """Variant -> pictures a second at its best batch size, and that size, as it was scored: same precision, eager,
        same side; where it was not measured so, whatever was. Empty where nothing was measured."""
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
                best = rows.loc[rows["images_per_s"].idxmax()]
                found[str(variant)] = float(best["images_per_s"]), int(best.get("batch", 1))
        return found

    # -- single values ------------------------------------------------------------------------------

    def _loaded(self, label: str, metric: str) -> dict[str, Scores]:
        """A method's scores by data set, with this metric; those that tables show are read with it."""
        if metric not in self._held.get(label, {}):
            self._read(label, [metric, *self.ranked])
        return self._held[label][metric]

    def _read(self, label: str, metrics: Sequence[str]) -> None:
        member, held = self.by_label[label], self._held.setdefault(label, {})
        if wanted := [name for name in dict.fromkeys(metrics) if name not in held]:
            held |= dict.fromkeys(wanted, load_scores(self.run, member.variant, member.seed, wanted))

    def read(self, metrics: Sequence[str]) -> None:
        """Read the single values of several metrics at once: of large runs, far sooner than one by one."""
        for label in self.labels:
            self._read(label, metrics)

    def ids(self, dataset: str) -> np.ndarray:
        """Ids of the pictures of a data set, sorted."""
        if dataset not in self._ids:
            anything = self.deciding or ""
            found = [s[dataset].ids for label in self.labels if dataset in (s := self._loaded(label, anything))]
            same = all(np.array_equal(ids, found[0]) for ids in found)
            self._ids[dataset] = found[0] if same else np.unique(np.concatenate(found))
        return self._ids[dataset]

    def places(self, dataset: str) -> dict[str, int]:
        """Picture id -> its row in the arrays."""
        if dataset not in self._places:
            self._places[dataset] = {name: k for k, name in enumerate(self.ids(dataset).tolist())}
        return self._places[dataset]

    def block(self, label: str, dataset: str, metric: str) -> np.ndarray:
        """Values per picture and mask type, float64 (pictures, masks), NaN where there is none."""
        scores = self._loaded(label, metric).get(dataset)
        if scores is None or metric not in scores.columns:
            return np.full((len(self.ids(dataset)), len(self.masks)), np.nan)
        return self._aligned(scores, scores.values[0, :, :, scores.columns.index(metric)])

    def _aligned(self, scores: Scores, values: np.ndarray) -> np.ndarray:
        """Values of a method's own pictures and mask types, (images, masks), as those of all methods."""
        ids = self.ids(scores.dataset)
        if scores.masks == tuple(self.masks) and len(ids) == len(scores.ids):
            return values
        found = np.full((len(ids), len(self.masks)), np.nan)
        columns = np.array([self.masks.index(mask) for mask in scores.masks])
        found[np.ix_(np.searchsorted(ids, scores.ids), columns)] = values
        return found

    def areas(self, dataset: str) -> np.ndarray:
        """Hole area per picture and mask type, share of the picture, (pictures, masks)."""
        area = np.full((len(self.ids(dataset)), len(self.masks)), np.nan)
        for label in self.labels:
            scores = self._loaded(label, self.deciding or "").get(dataset)
            if scores is not None:
                area = np.where(np.isnan(area), self._aligned(scores, scores.hole_area), area)
            if not np.isnan(area).any():
                break
        return area

    def gap(self, a: str, b: str, dataset: str, metric: str) -> np.ndarray:
        """How much better a is than b, per picture and mask type, in the metric's unit."""
        good = self.measures[metric].goodness
        return good(self.block(a, dataset, metric)) - good(self.block(b, dataset, metric))

    def set_gap(self, a: str, b: str, dataset: str, metric: str) -> Score:
        """How much better a's score of whole sets is than b's, with its interval."""
        sides = [self.by_label[label] for label in (a, b)]
        cells = [
            [entry for entry in self.run.set_scores(side.variant, side.seed) if entry["dataset"] == dataset]
            for side in sides
        ]
        count = sum(entry["n"] for entry in cells[0])
        return Score(*set_gap(cells[0], cells[1], self.measures[metric]), count)


def paired(blocks: Sequence[np.ndarray], sides: tuple[Seeds, ...] = ()) -> list[Score]:
    """Mean difference of every block (pictures, masks), of the same pictures all, with its 95 % interval."""
    if not blocks:
        return []
    resampled, _ = statistics.resampled(*statistics.pooled(blocks), sides)
    ends = zip(resampled.mean, *resampled.interval(), resampled.clusters, strict=True)
    return [Score(float(mean), float(low), float(high), int(n)) for mean, low, high, n in ends]


def number(value: Any) -> float:
    """A JSON number as float; null is NaN."""
    return math.nan if value is None else float(value)


def in_order(found: set[str], order: list[str]) -> list[str]:
    """``found`` in the given order; what the order does not name comes last, by name."""
    return [name for name in dict.fromkeys(order) if name in found] + sorted(found - set(order))
