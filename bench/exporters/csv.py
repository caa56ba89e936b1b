"""The exporter that writes CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.exporters.registry import Exporter, exporter
from bench.util.files import finite

if TYPE_CHECKING:
    from bench.comparison.compare import Comparison
    from bench.gate.verdict import Check
    from bench.runs.reader import Run


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows under the union of their keys, in the order in which these appear; what is missing stays empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(finite(list(rows)))
    return stream.getvalue()


@exporter("csv")
class Csv(Exporter):
    """Results as CSV, one row per number, for spreadsheets."""

    suffix = ".csv"

    def comparison(self, comparison: Comparison, every: bool = False) -> str:
        return table(comparison.as_json()["rows"])

    def check(self, check: Check, strict: bool = False) -> str:
        return table(check.as_json()["rules"])

    def scores(self, run: Run) -> str:
        return table((run.summary or {"scores": []})["scores"])
