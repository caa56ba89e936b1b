"""Every table of a report as Markdown and CSV files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.util.files import write_text
from reports.tables import Table, escape


def export_tables(tables: Sequence[Table], folder: Path, title: str, notes: Sequence[str] = ()) -> list[Path]:
    """Write ``<key>.csv`` for every table, and ``report.md`` with notes and all tables; return the files written."""
    written = []
    for table in tables:
        path = folder / f"{table.key}.csv"
        write_text(path, table.csv())
        written.append(path)
    path = folder / "report.md"
    write_text(
        path,
        "\n".join(
            [
                f"# {escape(title)}",
                "",
                *(f"{escape(note)}\n" for note in notes),
                *(table.markdown() for table in tables),
            ]
        ),
    )
    return [*written, path]
