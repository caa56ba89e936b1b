"""Rows of cells that are not complete yet, so that a killed evaluation goes on where it was."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.runs.records import KEY, cell_of, read_records, write_records
from bench.util.errors import BenchError

JOURNAL = Path("cache", "rows")
"""In the run folder, until an evaluation is complete."""

FLUSH_S = 10.0
"""Seconds of work that a killed process may lose."""

Row = dict[str, Any]
CellKey = tuple[str, int, str, str]
"""Variant, seed, data set, mask type."""


class Journal:
    """Rows by cell and picture in ``folder``, a file every few seconds.

    metrics: the columns. facts: what the rows of each cell that is worth keeping depend on. before: called before
    anything is written, to have on disk what goes with the rows.
    """

    def __init__(
        self,
        folder: Path,
        metrics: Sequence[str],
        facts: Mapping[CellKey, Any],
        before: Callable[[], None] = lambda: None,
    ) -> None:
        self.folder = folder
        self.metrics = metrics
        self.facts = {key: json.dumps(value, sort_keys=True) for key, value in facts.items()}
        self.before = before
        self._waiting: list[Row] = []
        self._wrote = time.monotonic()

    def read(self) -> Iterator[Row]:
        """The rows that were written for the same facts."""
        for file in sorted(self.folder.glob("*.parquet")):
            try:
                table = read_records(file)
                facts = json.loads((table.schema.metadata or {})[KEY])["cells"]
            except (BenchError, KeyError, ValueError, TypeError):
                continue
            if set(self.metrics) <= set(table.column_names):
                good = {key for key, value in self.facts.items() if facts.get(named(key)) == value}
                for batch in table.to_batches(max_chunksize=1000):
                    yield from (row for row in batch.to_pylist() if cell_of(row) in good)

    def add(self, rows: Sequence[Row]) -> None:
        """Take in rows of cells that are not complete; written every few seconds."""
        self._waiting += [row for row in rows if cell_of(row) in self.facts]
        if time.monotonic() - self._wrote > FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """Write what was added since."""
        if self._waiting:
            self.before()
            facts = {named(key): self.facts[key] for key in dict.fromkeys(map(cell_of, self._waiting))}
            number = 1 + max(
                (int(file.stem) for file in self.folder.glob("*.parquet") if file.stem.isdecimal()), default=-1
            )
            write_records(self.folder / f"{number:06d}.parquet", self._waiting, self.metrics, {"cells": facts})
        self._waiting = []
        self._wrote = time.monotonic()


def named(key: CellKey) -> str:
    """A cell's key as text."""
    return json.dumps(key)
