"""Why a score of whole sets has no value: it needs more pictures than there are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from bench.metrics.declaration import Metric


def too_few(metrics: Mapping[str, Metric], entries: Iterable[Mapping[str, Any]]) -> tuple[dict[str, str], list[str]]:
    """Metric -> why it has no value on any data set; and, of those that have one on some, sentences that name the
    data sets that are too small.

    entries: what is stored of every cell (``dataset``, ``n`` pictures scored, ``failed``, ``values``).

    >>> small = {"dataset": "mine", "n": 3, "failed": 0, "values": {"m": math.nan}}
    >>> too_few({"m": Metric("m", least=4)}, [small])
    ({'m': 'it needs 4 pictures, and there are 3'}, [])
    """
    found = list(entries)
    largest: dict[str, Mapping[str, Any]] = {}
    for entry in found:
        if entry["dataset"] not in largest or entry["n"] > largest[entry["dataset"]]["n"]:
            largest[entry["dataset"]] = entry
    missing: dict[str, str] = {}
    without: dict[str, list[str]] = {}
    for name, metric in metrics.items():
        small = {dataset: entry for dataset, entry in largest.items() if entry["n"] < metric.least}
        if not small:
            continue
        if any(is_value(entry["values"].get(name)) for entry in found):
            for dataset, entry in small.items():
                why = f"on {dataset}: {metric.least} pictures are needed, and {there(entry)}"
                without.setdefault(why, []).append(name)
        elif len(small) == len(largest):
            where = len(largest) > 1
            told = [there(entry) + f" in {dataset}" * where for dataset, entry in small.items()]
            missing[name] = f"it needs {metric.least} pictures, and {' and '.join(told)}"
    notes = [f"{', '.join(n)} {'has' if len(n) == 1 else 'have'} no value {why}" for why, n in without.items()]
    return missing, notes


def is_value(value: float | None) -> bool:
    """Whether a stored score is a number: NaN is stored as null."""
    return value is not None and math.isfinite(value)


def there(entry: Mapping[str, Any]) -> str:
    """How many pictures the largest of a data set's sets has.

    >>> there({"n": 1, "failed": 0}), there({"n": 3, "failed": 2}), there({"n": 0, "failed": 2})
    ('there is 1', 'only 3 could be scored', 'none could be scored')
    """
    if not entry["n"]:
        return "none could be scored"
    if entry["failed"]:
        return f"only {entry['n']} could be scored"
    return f"there {'is' if entry['n'] == 1 else 'are'} {entry['n']}"
