"""Speed as the gate sees it: ratios to a calibration workload that was measured in between, in the same run.

A faster or slower machine moves both, so the ratio stays; what moves the ratio is the variant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from bench.comparison.sides import Side
from bench.gate.rules import Rule
from bench.metrics.declaration import Metric
from bench.runs.reader import Run
from bench.throughput.settings import CALIBRATION, MODES, PRECISIONS
from bench.util.errors import IncomparableError
from variants.registry import suggest

NAMES = {"speed": "higher", "images_per_s": "higher", "latency_ms_p50": "lower", "peak_memory_mib": "lower"}
"""What can be gated, and which way is better. ``speed`` is images_per_s as a multiple of the calibration's."""

UNITS = {"images_per_s": "images/s", "latency_ms_p50": "ms", "peak_memory_mib": "MiB"}

VOCABULARY = {"cpu", "cuda", "mps", *PRECISIONS, *MODES}
"""Parts that a bracket may name although this run was not measured so."""

CELL = ("device", "precision", "mode", "resolution", "batch")
"""What tells one measurement of a variant from another."""


AGAIN_CPU, AGAIN_GPU = 0.02, 0.005
"""Measured again in another process a median moves by about this much, however steady it was within one: other
addresses, other neighbours. No interval is taken for narrower."""


@dataclass(frozen=True)
class Speed:
    """A measured ratio. change: its logarithm (of a drop, against the reference's); error: the standard error of
    that, infinite where there are too few samples; higher: whether more is better."""

    change: float
    error: float
    drop: bool
    higher: bool
    reference: float
    candidate: float
    unit: str

    def reading(self, level: float) -> tuple[float, float, float]:
        """Value and interval: of a drop in percent, how much worse; else the value. NaN ends: unknown."""
        from scipy.special import ndtri

        half = float(ndtri((1 + level) / 2)) * self.error
        points = [self.change, self.change - half, self.change + half]
        if not np.isfinite(half):
            points[1:] = [float("nan"), float("nan")]
        if not self.drop:
            return tuple(float(np.exp(point)) for point in points)  # type: ignore[return-value]
        sign = -1.0 if self.higher else 1.0
        value, low, high = (100 * sign * float(np.expm1(point)) + 0.0 for point in points)
        return (value, high, low) if self.higher else (value, low, high)

    @property
    def why(self) -> str:
        """Why there is no interval; empty where there is one."""
        if np.isfinite(self.error):
            return ""
        return "fewer than six samples have no interval; increase --seconds of bench throughput"


def fact(name: str) -> Metric:
    """What a speed, a latency or a memory declares, as a metric does.

    >>> fact("latency_ms_p50").direction, fact("speed").range
    ('lower', (0.0, inf))
    """
    return Metric(name, direction=NAMES[name], range=(0.0, math.inf))


def is_speed(name: str) -> bool:
    """Whether a rule's name is one of speed, latency or memory."""
    return name in NAMES


def rows(run: Run) -> list[dict[str, Any]]:
    """The rows of throughput.parquet that were measured."""
    frame = run.throughput()
    return [] if frame is None else frame.to_dict(orient="records")


def timed(run: Run) -> list[str]:
    """The variants that a run has measurements of."""
    return list(dict.fromkeys(row["variant"] for row in rows(run) if row["variant"] != CALIBRATION))


def cell(row: dict[str, Any]) -> str:
    """``cpu/fp32/eager/256/1``."""
    return "/".join(str(row[key]) for key in CELL if key in row)


def require_names(rule: Rule, runs: list[Run]) -> None:
    """Raises UsageError for a direction or bracket that cannot be meant, IncomparableError without measurements."""
    better = NAMES[rule.metric]
    if rule.kind == ("ceiling" if better == "higher" else "floor"):
        sign = "<" if better == "higher" else ">"
        raise rule.wrong(f"{rule.metric} is better {better}, so its limit is {rule.metric}{sign}{rule.amount:g}")
    if rule.kind == "drop" and not rule.percent:
        raise rule.wrong(f"an allowed slowdown must be in percent: {rule.metric}:{rule.amount:g}%")
    for run in runs:
        cells = {cell(row) for row in rows(run)}
        if not cells:
            raise IncomparableError(
                f"{rule.where}: rule '{rule.text}' matched nothing: {run.name} holds no throughput; "
                "measure it with bench throughput"
            )
        if rule.mask is not None and not any(meant(name, rule.mask) for name in cells):
            parts = {part for name in cells for part in name.split("/")}
            if all(part in VOCABULARY or part.isdecimal() for part in rule.mask.split("/")):
                raise IncomparableError(
                    f"{rule.where}: rule '{rule.text}' matched nothing: {run.name} was not measured at {rule.mask} but "
                    f"at {', '.join(sorted(cells)[:3])}{' …' if len(cells) > 3 else ''}"
                )
            raise rule.wrong(f"{suggest('measurement', rule.mask, parts)}")


def meant(name: str, pattern: str) -> bool:
    """Whether a bracket names a cell: the whole of it, or some of its parts."""
    parts = name.split("/")
    return fnmatchcase(name, pattern) or all(
        any(fnmatchcase(part, wanted) for part in parts) for wanted in pattern.split("/")
    )


def places(side: Side, rule: Rule) -> list[str]:
    """The cells of a side's variant that a rule is about."""
    found = [cell(row) for row in rows(side.run) if row["variant"] == side.variant and measured(row, rule.metric)]
    return [name for name in dict.fromkeys(found) if rule.mask is None or meant(name, rule.mask)]


def measured(row: dict[str, Any], metric: str) -> bool:
    """Whether a row of throughput has a value of it."""
    value = row.get(column(metric))
    return value is not None and np.isfinite(value)


def column(metric: str) -> str:
    """Its column in throughput.parquet."""
    return "images_per_s" if metric == "speed" else metric


def measure(rule: Rule, candidate: Side, reference: Side | None, place: str) -> Speed:
    """A line's numbers. Raises IncomparableError where the calibration or the reference was not measured."""
    drop, higher = rule.kind == "drop", NAMES[rule.metric] == "higher"
    relative = rule.metric != "peak_memory_mib" and (drop or rule.metric == "speed")
    value, error = ratio(rule, candidate, place, relative)
    if not drop:
        unit = "×cal" if relative else UNITS.get(rule.metric, "")
        return Speed(float(np.log(value)), error, drop, higher, float("nan"), value, unit)
    assert reference is not None
    before, before_error = ratio(rule, reference, place, relative)
    return Speed(float(np.log(value / before)), float(np.hypot(error, before_error)), drop, higher, before, value, "%")


def ratio(rule: Rule, side: Side, place: str, relative: bool) -> tuple[float, float]:
    """A variant's value, divided by the calibration's where ``relative``, and its relative standard error."""
    there = rows(side.run)
    own = [row for row in there if row["variant"] == side.variant and cell(row) == place and measured(row, rule.metric)]
    if not own:
        raise IncomparableError(
            f"{rule.where}: rule '{rule.text}': {side.run.name} did not measure {side.variant} "
            f"at {place}; measure it there too"
        )
    name = column(rule.metric)
    value, error = float(own[0][name]), relative_error(own[0], name)
    if not relative:
        return value, error
    nearest = calibration_for(own[0], [row for row in there if measured(row, rule.metric)])
    if nearest is None:
        raise IncomparableError(
            f"{rule.where}: rule '{rule.text}': {side.run.name} holds no calibration workload on {own[0]['device']}; "
            "measure speed again with bench throughput"
        )
    return value / float(nearest[name]), float(np.hypot(error, relative_error(nearest, name)))


def relative_error(row: dict[str, Any], name: str) -> float:
    """The standard error of a median over its value, from its 95 % interval; infinite where there is none,
    which is under six samples. Memory is counted, not sampled."""
    if name == "peak_memory_mib":
        return 0.0
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    if low is None or high is None or not (np.isfinite(low) and np.isfinite(high)) or low <= 0:
        return float("inf")
    steady = AGAIN_CPU if str(row["device"]).startswith("cpu") else AGAIN_GPU
    return max(steady, float(np.log(high / low) / (2 * 1.959964)))


def too_briefly_timed(run: Run) -> list[str]:
    """Variants with a speed that has no interval: a rule about it would be undecided for ever."""
    short = [
        row["variant"]
        for row, nearest in calibrated(run)
        if not np.isfinite(relative_error(row, "images_per_s") + relative_error(nearest, "images_per_s"))
    ]
    return list(dict.fromkeys(short))


def ratios(run: Run) -> list[tuple[str, str, float]]:
    """Every variant's speed as a multiple of the calibration's: (variant, cell, ratio)."""
    return [
        (row["variant"], cell(row), float(row["images_per_s"]) / float(nearest["images_per_s"]))
        for row, nearest in calibrated(run)
    ]


def calibrated(run: Run) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every variant's rows with a speed, each with the calibration's that it is a multiple of."""
    there = [row for row in rows(run) if measured(row, "speed")]
    pairs = [(row, calibration_for(row, there)) for row in there if row["variant"] != CALIBRATION]
    return [(row, nearest) for row, nearest in pairs if nearest is not None]


def calibration_for(row: dict[str, Any], there: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The calibration's row of the same device that is most like ``row``."""
    found = [other for other in there if other["variant"] == CALIBRATION and other["device"] == row["device"]]
    return max(found, key=lambda other: sum(other.get(key) == row.get(key) for key in CELL), default=None)
