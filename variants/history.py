"""history.csv of a training."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from variants.atomic import replacing


class History:
    """Kept in memory, written whole; columns are the union of the rows'. rows: those that the state of a training
    holds; None: those of the file, where it can be read."""

    def __init__(self, file: Path, rows: list[dict[str, Any]] | None = None) -> None:
        self.file = file
        self.rows: list[dict[str, Any]] = list(rows or [])
        if rows is None and file.is_file():
            try:
                with file.open(newline="", encoding="utf-8") as stream:
                    self.rows = [row for row in csv.DictReader(stream) if int(row["step"]) >= 0]
            except (OSError, ValueError, KeyError, TypeError, csv.Error):
                self.rows = []

    def keep(self, step: int) -> None:
        """Forget rows past the step that the training goes on from."""
        self.rows = [row for row in self.rows if int(row["step"]) <= step]

    def add(self, row: dict[str, Any]) -> None:
        """Append one row: column names to values."""
        self.rows.append(row)

    def write(self) -> None:
        """Replace the file, with the columns of all rows in the order of their first; no rows, no file."""
        columns = list(dict.fromkeys(key for row in self.rows for key in row))
        if not columns:
            self.file.unlink(missing_ok=True)
            return
        with replacing(self.file) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, columns)
            writer.writeheader()
            writer.writerows(self.rows)
