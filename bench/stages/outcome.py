"""What an evaluation met on its way: fills that failed, files that are not as they should be, known pixels changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.util.levels import to_levels
from variants.method import Method


@dataclass
class Outcome:
    """What an evaluation met on its way, kept records included. failed: (label, mask, reason) -> pictures. listed:
    label -> a line for each fill that failed and each file that is not as it should be. partial: some fill could not
    be scored."""

    failed: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    listed: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def partial(self) -> bool:
        return bool(self.failed)


def note_failure(outcome: Outcome, method: Method, mask: str, image_id: str, why: str) -> None:
    outcome.failed[method.label, mask, why] += 1
    # What a method tells of itself is listed once it is done.
    if (mask, image_id) not in getattr(method, "problems", {}):
        outcome.listed.setdefault(method.label, []).append(f"{mask}/{image_id}: {why}")


def note_drift(
    method: Method,
    mask: str,
    image_id: str,
    image: np.ndarray,
    hole: np.ndarray,
    raw: np.ndarray,
    score: dict[str, Any],
) -> None:
    """Report known pixels that a finished picture changed; an untouched one has no drift to speak of."""
    changed = (to_levels(raw) != image).any(axis=-1) & ~hole
    if changed.any():
        error = np.abs(to_levels(raw).astype(np.int16) - image)[~hole]
        score["known_drift"] = float(error.mean())
        drifted = getattr(method, "drifted", None)
        if drifted is not None:
            drifted[mask, image_id] = int(changed.sum())


def list_problems(method: Method, outcome: Outcome) -> None:
    """Finished pictures: name what was missing, extra, wrong-sized, unreadable, and known pixels changed."""
    problems: dict[tuple[str, str], str] = getattr(method, "problems", {})
    lines = [f"{mask}/{image_id}: {why}" for (mask, image_id), why in sorted(problems.items())]
    extra = getattr(method, "extra", None)
    if extra is not None:
        lines += [f"{name}: extra, belongs to no picture of the suite" for name in extra()]
    if lines:
        outcome.listed.setdefault(method.label, []).extend(lines)
    low, high = getattr(method, "outside", (0.0, 1.0))
    if (low, high) != (0.0, 1.0):
        outcome.notes.append(
            f"{method.label} put out values from {low:.3g} to {high:.3g}, which were clipped to [0, 1]: "
            "does it work in 0-255 or [-1, 1]?"
        )
    drifted = getattr(method, "drifted", {})
    if drifted:
        outcome.notes.append(
            f"{method.label} changed known pixels in {len(drifted)} pictures (column known_drift); "
            "they were restored from the truth before scoring unless --no-composite was given"
        )
