"""What the report says in numbers, read from a run folder once and only as far as needed.

Means and intervals come from ``summary.json`` where it is there; what it does not hold (paired
differences, bins of hole area) from the columns of the records, read with pyarrow, never whole files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bench.runs import Run

ARROWS = {"higher": "↑", "lower": "↓", "nearest": "→"}
NOT_METRICS = {"variant", "seed", "dataset", "mask", "image_id", "hole_area", "failed"}
PAIRED = (
    "psnr_hole",
    "lpips",
    "lpips_student",
    "ssim_hole",
    "l1_hole",
    "colour_shift",
    "colour_shift_corrected",
    "sharpness",
    "seam",
    "psnr",
    "ssim",
)
"""Metrics whose single values the report needs; of all others it needs only the summary."""

TITLES = {
    "psnr_hole": "hole PSNR",
    "psnr": "PSNR",
    "ssim_hole": "hole SSIM",
    "ssim": "SSIM",
    "l1_hole": "hole L1",
    "mse_hole": "hole MSE",
    "mse": "MSE",
    "lpips": "LPIPS",
    "lpips_hole": "hole LPIPS",
    "lpips_student": "LPIPS (student)",
    "colour_shift": "colour shift",
    "colour_shift_corrected": "colour shift, corrected",
    "colour_shift_share": "share of one offset",
    "sharpness": "sharpness",
    "seam": "seam",
    "known_drift": "known drift",
}


@dataclass(frozen=True)
class Member:
    """One method of the run: a variant with its training seed."""

    variant: str
    seed: int
    label: str
    kind: str = "network"
    entry: Mapping[str, Any] = field(default_factory=dict, hash=False, compare=False)


@dataclass(frozen=True)
class Measure:
    """What a column means, as run.json declares it."""

    name: str
    unit: str = ""
    direction: str = "higher"
    target: float = 0.0
    region: str = "image"
    summary: str = ""
    reference: str = ""
    approximate: bool = False

    @property
    def title(self) -> str:
        return TITLES.get(self.name, self.name.replace("_", " "))

    @property
    def arrow(self) -> str:
        return f"→ {self.target:g}" if self.direction == "nearest" else ARROWS.get(self.direction, "")

    def goodness(self, values: Any) -> Any:
        """Values turned so that higher is better."""
        values = np.asarray(values, float)
        if self.direction == "nearest":
            return -np.abs(values - self.target)
        return values if self.direction == "higher" else -values

    @property
    def digits(self) -> int:
        """Decimals that tables print."""
        return {"dB": 2, "levels": 1, "ΔE00": 2}.get(self.unit, 3)


@dataclass(frozen=True)
class Score:
    """A mean with its 95 % interval over n pictures."""

    mean: float
    low: float
    high: float
    n: int


class Numbers:
    """The numbers of one run. Arrays are per picture, aligned by picture id over all methods."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.manifest = run.manifest
        self._columns: dict[Path, dict[str, Any]] = {}
        self._pooled: dict[tuple[str, str, str], np.ndarray] = {}
        self._pictures: dict[str, Any] = {}
        self._places: dict[str, dict[str, int]] = {}

    # -- what is there ------------------------------------------------------------------------------

    @cached_property
    def members(self) -> list[Member]:
        entries = {(e["name"], int(e.get("seed", 0))): e for e in self.manifest.get("variants", [])}
        pairs = self.run.members()
        several = {v for v, _ in pairs if sum(w == v for w, _ in pairs) > 1}
        return [
            Member(
                variant=v,
                seed=s,
                label=f"{v}@{s}" if v in several else v,
                kind=entries.get((v, s), {}).get("kind", "network"),
                entry=entries.get((v, s), {}),
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
        order = [str(d["name"]) for d in self.manifest.get("datasets", [])]
        return in_order({d for _, d, _ in self.files}, order)

    @cached_property
    def masks(self) -> list[str]:
        return in_order({m for _, _, m in self.files}, [str(m) for m in self.manifest.get("masks", [])])

    @cached_property
    def columns(self) -> list[str]:
        """Every metric column of the records, in the order of run.json."""
        import pyarrow.parquet as pq

        names: dict[str, None] = {}
        for file in self.files.values():
            names |= dict.fromkeys(n for n in pq.read_schema(file).names if n not in NOT_METRICS)
        return in_order(set(names), list(self.manifest.get("metrics", {})))

    @cached_property
    def measures(self) -> dict[str, Measure]:
        facts = self.manifest.get("metrics", {})
        return {
            name: measure(name, facts.get(name, {}))
            for name in {**dict.fromkeys(facts), **dict.fromkeys(self.columns)}
        }

    def has(self, metric: str) -> bool:
        """True where any method has a number in this column."""
        return any(key[3] == metric and not math.isnan(s.mean) for key, s in self.scores.items())

    # -- means and intervals ------------------------------------------------------------------------

    @cached_property
    def scores(self) -> dict[tuple[str, str, str, str], Score]:
        """(label, dataset, mask or ``all``, metric) -> mean and interval."""
        label = {(m.variant, m.seed): m.label for m in self.members}
        found: dict[tuple[str, str, str, str], Score] = {}
        for row in (self.run.summary or {}).get("scores", []):
            name = label.get((row["variant"], int(row.get("seed") or 0)))
            if name is not None:
                found[name, str(row["dataset"]), str(row["mask"]), row["metric"]] = Score(
                    number(row["mean"]), number(row["low"]), number(row["high"]), int(row["n"] or 0)
                )
        have = {(key[0], key[1], key[2]) for key in found}
        for name, dataset, mask in self.files:
            if (name, dataset, mask) not in have:
                for metric in self.columns:
                    found[name, dataset, mask, metric] = interval(self.values(name, dataset, mask, metric))
                    found.pop((name, dataset, "all", metric), None)
        for name, dataset in {(n, d) for n, d, _ in self.files}:
            for metric in self.columns:
                if (name, dataset, "all", metric) not in found:
                    found[name, dataset, "all", metric] = interval(self.pooled(name, dataset, metric))
        return found

    def score(self, label: str, dataset: str, mask: str, metric: str) -> Score | None:
        found = self.scores.get((label, dataset, mask, metric))
        return None if found is None or math.isnan(found.mean) else found

    # -- single values ------------------------------------------------------------------------------

    def _read(self, file: Path, metric: str) -> np.ndarray:
        import pyarrow.parquet as pq

        held = self._columns.setdefault(file, {})
        if metric not in held:
            there = set(pq.read_schema(file).names)
            wanted = [
                n for n in dict.fromkeys((metric, *PAIRED, "hole_area")) if n in there and n not in held
            ]
            if metric not in there:
                held[metric] = np.full(pq.read_metadata(file).num_rows, np.nan)
            for name, column in zip(
                wanted, pq.read_table(file, columns=wanted, partitioning=None).columns, strict=True
            ):
                held[name] = column.to_numpy().astype(float)
        return held[metric]

    def _ids(self, file: Path) -> Any:
        import pyarrow.parquet as pq

        held = self._columns.setdefault(file, {})
        if "image_id" not in held:
            held["image_id"] = pq.read_table(file, columns=["image_id"], partitioning=None)[
                "image_id"
            ].combine_chunks()
        return held["image_id"]

    def ids(self, dataset: str) -> Any:
        """Ids of the pictures of a data set (arrow array): those of its first file, then others."""
        if dataset not in self._pictures:
            import pyarrow as pa

            files = [f for (_, d, _), f in self.files.items() if d == dataset]
            first = self._ids(files[0])
            others = [self._ids(f).to_pylist() for f in files[1:] if not self._ids(f).equals(first)]
            known = set(first.to_pylist()) if others else set()
            more = [i for i in dict.fromkeys(i for ids in others for i in ids) if i not in known]
            self._pictures[dataset] = pa.concat_arrays([first, pa.array(more, first.type)]) if more else first
        return self._pictures[dataset]

    def places(self, dataset: str) -> dict[str, int]:
        """Picture id -> its index in the arrays."""
        if dataset not in self._places:
            self._places[dataset] = {name: k for k, name in enumerate(self.ids(dataset).to_pylist())}
        return self._places[dataset]

    def values(self, label: str, dataset: str, mask: str, metric: str) -> np.ndarray:
        """One value per picture of :meth:`ids`; NaN where there is none."""
        ids = self.ids(dataset)
        file = self.files.get((label, dataset, mask))
        if file is None:
            return np.full(len(ids), np.nan)
        column, own = self._read(file, metric), self._ids(file)
        if own.equals(ids):
            return column
        place = {name: k for k, name in enumerate(own.to_pylist())}
        order = np.array([place.get(name, -1) for name in ids.to_pylist()])
        return np.where(order < 0, np.nan, column[order])

    def areas(self, dataset: str, mask: str) -> np.ndarray:
        """Hole area of every picture, share of the picture."""
        for label, d, m in self.files:
            if (d, m) == (dataset, mask):
                return self.values(label, dataset, mask, "hole_area")
        return np.full(len(self.ids(dataset)), np.nan)

    def pooled(self, label: str, dataset: str, metric: str) -> np.ndarray:
        """The mean over mask types for every picture: the independent unit of a pooled interval."""
        key = (label, dataset, metric)
        if key not in self._pooled:
            stack = np.stack([self.values(label, dataset, mask, metric) for mask in self.masks])
            there = ~np.isnan(stack)
            count = there.sum(0)
            total = np.where(there, stack, 0.0).sum(0)
            self._pooled[key] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        return self._pooled[key]

    def difference(self, a: str, b: str, dataset: str, metric: str) -> Score:
        """Mean of a minus b over the pictures both have, pooled over mask types, with its interval."""
        return interval(self.pooled(a, dataset, metric) - self.pooled(b, dataset, metric))


def measure(name: str, facts: Mapping[str, Any]) -> Measure:
    lower = any(word in name for word in ("lpips", "mse", "l1", "shift", "seam", "drift", "fid"))
    return Measure(
        name=name,
        unit=str(facts.get("unit") or ""),
        direction=str(facts.get("direction") or ("lower" if lower else "higher")),
        target=float(facts.get("target") or 0.0),
        region=str(facts.get("region") or ""),
        summary=str(facts.get("summary") or ""),
        reference=str(facts.get("reference") or ""),
        approximate=bool(facts.get("approximate")),
    )


def interval(values: np.ndarray) -> Score:
    """Mean and 95 % interval of independent values (Student's t for few); NaNs are left out."""
    values = values[~np.isnan(values)]
    n = len(values)
    if n == 0:
        return Score(math.nan, math.nan, math.nan, 0)
    from scipy.special import stdtrit

    mean = float(values.mean())
    if n == 1:
        return Score(mean, math.nan, math.nan, 1)
    half = float(stdtrit(n - 1, 0.975)) * float(values.std(ddof=1)) / math.sqrt(n)
    return Score(mean, mean - half, mean + half, n)


def number(value: Any) -> float:
    return math.nan if value is None else float(value)


def in_order(found: set[str], order: list[str]) -> list[str]:
    """``found`` in the given order; what the order does not name comes last, by name."""
    return [name for name in dict.fromkeys(order) if name in found] + sorted(found - set(order))
