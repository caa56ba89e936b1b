"""Cells of an evaluation: one method on one data set under one mask type, filled in picture by picture."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.datasets.registry import Dataset
from bench.runs.journal import JOURNAL, Row
from bench.runs.records import CONTENT, DIVERSITY, IDENTITY, record_file
from bench.set_metrics.gathered import Gathered
from bench.set_metrics.networks import NETWORKS
from bench.set_metrics.store import set_file
from bench.stages.block import Result, Task
from bench.stages.context import key_of
from bench.util.files import file_safe
from variants.method import Method


class Cell:
    """The rows of one method on one data set under one mask type, as numbers, so that millions fit.

    place: the method's among the methods. facts: what the rows depend on. known: the facts say all of it, so rows that
    are there for the same facts may be kept. set_facts: what set scores depend on; None where none are wanted.
    """

    def __init__(
        self,
        run: Path,
        place: int,
        method: Method,
        dataset: Dataset,
        mask: str,
        facts: dict[str, Any],
        known: bool,
        set_facts: dict[str, Any] | None,
    ) -> None:
        self.place, self.method, self.dataset, self.mask = place, method, dataset, mask
        self.facts, self.known, self.set_facts = facts, known, set_facts
        self.key = (method.name, method.seed, dataset.name, mask)
        self.samples = method.samples
        self.file = record_file(run, *self.key)
        self.set_file = set_file(run, *self.key)
        self.kept = False
        self.features: Gathered | None = None
        if set_facts is not None:
            self.features = Gathered(features_file(run, *self.key, facts, set_facts), len(dataset))

    def begin(self, metrics: Sequence[str]) -> None:
        """Make room for the scores of every (picture, sample): NaN until a score arrives."""
        self.metrics = list(metrics)
        shape = (len(self.dataset), self.samples)
        self.there = np.zeros(shape, bool)
        self.areas = np.zeros(len(self.dataset))
        self.content = np.zeros(len(self.dataset), np.int64)
        self.diversity = np.full(len(self.dataset), np.nan)
        self.values = np.full((*shape, len(self.metrics)), np.nan)
        self.failed: dict[tuple[int, int], str] = {}
        """(picture, sample) -> why it could not be scored."""

    @property
    def done(self) -> int:
        """Fills that are scored."""
        return len(self.dataset) * self.samples if self.kept else int(self.there.sum())

    def put(self, index: int, row: Row) -> None:
        """Take in a row of picture ``index``."""
        sample = row["sample"]
        self.there[index, sample] = True
        self.areas[index] = row["hole_area"]
        self.content[index] = row.get(CONTENT) or 0
        self.values[index, sample] = [row[name] for name in self.metrics]
        if self.samples > 1:
            self.diversity[index] = row[DIVERSITY]
        if row["failed"]:
            self.failed[index, sample] = row["failed"]

    def rows(self) -> list[Row]:
        """All rows, in the data set's order, one a sample."""
        variant, seed, dataset, mask = self.key
        found = []
        for index, image_id in enumerate(self.dataset.ids):
            more: Row = {CONTENT: int(self.content[index])} if self.content[index] else {}
            if self.samples > 1:
                more[DIVERSITY] = self.diversity[index]
            for sample in range(self.samples):
                why = self.failed.get((index, sample), "")
                own = (variant, seed, dataset, mask, image_id, sample, self.areas[index], why)
                values = zip(self.metrics, self.values[index, sample].tolist(), strict=True)
                found.append({**dict(zip(IDENTITY, own, strict=True)), **dict(values), **more})
        return found


class Work:
    """All cells of one data set, kept ones included, in the order of mask types and methods.

    number: the data set's place in the suite. truths: features of its own pictures, where set scores are wanted.
    """

    def __init__(self, run: Path, number: int, dataset: Dataset, cells: Sequence[Cell]) -> None:
        self.run, self.number, self.dataset, self.cells = run, number, dataset, cells
        self.waiting = {(cell.mask, cell.place): cell for cell in cells if not cell.kept}
        self.index = {image_id: index for index, image_id in enumerate(dataset.ids)}
        self.truths: Gathered | None = None
        wanted = next((cell for cell in self.waiting.values() if cell.set_facts is not None), None)
        if wanted is not None:
            weights = {name: digest for name, digest in (wanted.set_facts or {}).items() if name in NETWORKS}
            own = {"suite": wanted.facts.get("suite"), **weights}
            self.truths = Gathered(features_file(run, dataset.name, own), len(dataset))

    def tasks(self, batch: int, apart: bool = False) -> Iterator[Task]:
        """What is still to be scored, ``batch`` pictures at a time. apart: one mask type at a time as well."""
        for start in range(0, len(self.dataset), batch):
            indices = range(start, min(start + batch, len(self.dataset)))
            todo: dict[str, tuple[int, ...]] = {}
            for cell in self.waiting.values():
                if not cell.there[indices.start : indices.stop].all():
                    todo[cell.mask] = (*todo.get(cell.mask, ()), cell.place)
            for part in ({mask: todo[mask]} for mask in todo) if apart else [todo] if todo else []:
                yield Task(self.number, tuple(indices), part)

    def take(self, task: Task, result: Result) -> None:
        """Enter what a worker returned for one task: rows by picture, and features where a set metric asks for them."""
        for key, rows in result.rows.items():
            for row in rows:
                self.waiting[key].put(self.index[row["image_id"]], row)
        if self.truths is not None:
            self.truths.put(task.indices, result.truths)
        for key, features in result.fills.items():
            own = self.waiting[key].features
            assert own is not None
            own.put(task.indices, features)

    def keep_features(self) -> None:
        """Move what was gathered to where :mod:`bench.stages.merge` looks for it."""
        if self.truths is not None and len(self.dataset):
            self.truths.move(truths_file(self.run, self.dataset.name))
            for cell in self.waiting.values():
                if cell.features is not None:
                    cell.features.move(cell.set_file.with_suffix(".npy"))

    def flush(self) -> None:
        """Have features on disk."""
        for gathered in (self.truths, *(cell.features for cell in self.waiting.values())):
            if gathered is not None:
                gathered.flush()


def features_file(run: Path, *facts: Any) -> Path:
    """Named by all that the features depend on, so that those of a run of other facts are never taken for them."""
    return run / FEATURES / f"{key_of(*facts)[:32]}.npy"


def truths_file(run: Path, dataset: str) -> Path:
    """Features of a data set's own pictures, in a shard."""
    return run / "sets" / f"{file_safe(dataset)}.npy"


FEATURES = Path("cache", "features")
"""In the run folder, until an evaluation is complete, as the journal is."""


def clear_cache(run: Path) -> None:
    """Remove what an evaluation keeps on its way, which is complete."""
    for folder in (JOURNAL, FEATURES):
        shutil.rmtree(run / folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        (run / JOURNAL.parent).rmdir()
