"""The exporter that writes JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bench.exporters.registry import Exporter, exporter

if TYPE_CHECKING:
    from bench.comparison.compare import Comparison
    from bench.gate.verdict import Check
    from bench.runs.reader import Run


def text_of(content: Any) -> str:
    """One line of plain ASCII, which every stream can carry."""
    return json.dumps(content)


@exporter("json")
class Json(Exporter):
    """Results as JSON, for machines: what ``--json`` prints."""

    suffix = ".json"

    def comparison(self, comparison: Comparison, every: bool = False) -> str:
        return text_of(comparison.as_json())

    def check(self, check: Check, strict: bool = False) -> str:
        return text_of(check.as_json())

    def scores(self, run: Run) -> str:
        return text_of(run.summary)
