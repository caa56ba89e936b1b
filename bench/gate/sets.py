"""Limits of scores of whole sets (FID and its like): one value, which is held to the limit as it is."""

from __future__ import annotations

import numpy as np

from bench.gate.lines import Line, Reading, Target, judged
from bench.gate.rules import Rule
from bench.set_metrics.registry import set_metric
from bench.statistics.intervals import LEVEL
from bench.statistics.scores import ALL


def is_set(name: str) -> bool:
    """Whether a metric is one value of a whole set of fills, like FID."""
    return name in set_metric.names()


def require_limit(rule: Rule) -> None:
    """Raises UsageError for a drop, which is judged over pairs of pictures."""
    if rule.kind == "drop":
        entry = set_metric.get(rule.metric)
        limit = f"{rule.metric}{'<' if entry.direction == 'higher' else '>'}VALUE"
        raise rule.wrong(
            f"{rule.metric} is one value of a whole set of fills: a drop is judged over pictures that both runs "
            f"scored, and it has none to pair. Give a limit, {limit}"
        )


def set_lines(targets: list[Target]) -> tuple[list[Line], list[str], bool]:
    """One line a target that has a value, notes, and whether some fills are in no value. Seeds are averaged."""
    lines: list[Line] = []
    notes: list[str] = []
    for target in targets:
        side, name = target.candidate, target.rule.metric
        entries = [
            entry
            for entry in side.run.set_scores(side.variant, side.seed)
            if entry["dataset"] == target.dataset and target.mask in (ALL, entry["mask"]) and name in entry["values"]
        ]
        values = [entry["values"][name] for entry in entries]
        if not values or None in values:
            continue
        value = float(np.mean(values))
        state = judged(target.rule, Reading(value, value, value))
        reading = Reading(value, float("nan"), float("nan"))
        folder = str(side.run.path / "sets" / side.variant)
        why = "one value of a whole set: judged as it is, without an interval"
        lines.append(Line(target, state, reading, "", LEVEL, float("nan"), value, folder, why))
        if failed := sum(entry["failed"] for entry in entries):
            notes.append(
                f"{side.label} failed on {failed} pictures of {target.title}; they are excluded from the value."
            )
    return lines, notes, bool(notes)
