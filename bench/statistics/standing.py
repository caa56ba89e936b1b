"""What methods are put in order by, and which of them are marked as best: one rule for every table."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from bench.metrics.declaration import Metric

Row = Mapping[str, Any]
"""A row of summary.json's ``scores``."""

Label = TypeVar("Label", bound=Hashable)

ROUNDING = 1e-9
"""Means no farther apart than this, relatively or, near 0, absolutely, are the same but for rounding."""


def distance(values: np.ndarray, metric: Metric) -> float:
    """Mean distance of values from the metric's target; NaN where there is none. Values off on both sides of a target
    have a fine mean and are far off all the same.

    >>> distance(np.array([-3.0, 3.0, np.nan]), Metric("seam", direction="nearest", target=0.0))
    3.0
    """
    there = np.isfinite(values)
    return float(np.abs(values[there] - metric.target).mean()) if there.any() else math.nan


def standing(row: Row | None, metric: Metric) -> float:
    """What a row of summary.json is put in order by, higher is better: its mean, turned; of a metric with a target, its
    mean distance from that. NaN where it has no value.

    >>> standing({"mean": 0.2}, Metric("lpips", direction="lower"))
    -0.2
    >>> standing({"mean": 0.0, "distance": 3.0}, Metric("seam", direction="nearest", target=0.0))
    -3.0
    """
    if row is None or row["mean"] is None:
        return math.nan
    off = row.get("distance")
    return float(metric.goodness(row["mean"]) if off is None else -off)


@dataclass(frozen=True)
class Best:
    """Who is marked as best in a column. labels: several where they stand equally, none where nobody can be called
    best. why: of none, the reason in words, empty where fewer than two methods have a value. unmeasured: methods that
    pasted all that the column is of, so nothing of them was measured."""

    labels: frozenset[str] = frozenset()
    why: str = ""
    unmeasured: tuple[str, ...] = ()


def best(rows: Mapping[str, Row | None], metric: Metric) -> Best:
    """The methods to mark as best in a column: those that stand highest, where that says anything.

    It says nothing where all stand equally, where the highest has no interval (one picture; a score of a whole set of
    few or very many pictures), and where its mean is over fewer fills than another's. rows: by method.

    >>> quality = Metric("quality")
    >>> rows = {name: {"mean": mean, "low": mean - 1, "n": 9} for name, mean in (("a", 20.0), ("b", 22.0))}
    >>> sorted(best(rows, quality).labels), best({**rows, "b": rows["a"]}, quality).why
    (['b'], 'all methods have the same value')
    """
    there = {label: row for label, row in rows.items() if row is not None and row["mean"] is not None}
    unmeasured = tuple(label for label, row in there.items() if not measured(row["mean"], metric))
    there = {label: row for label, row in there.items() if label not in unmeasured}
    if len(there) < 2:
        return Best(unmeasured=unmeasured)
    labels = ahead({label: standing(row, metric) for label, row in there.items()})
    most = max(row.get("n") or 0 for row in there.values())
    if not labels:
        why = "all methods have the same value"
    elif any(there[label].get("low") is None for label in labels):
        why = "there are no intervals to say whether one is better"
    elif short := [label for label in labels if (there[label].get("n") or 0) < most]:
        why = f"the value of {short[0]} is over fewer fills than others'"
    else:
        return Best(labels, unmeasured=unmeasured)
    return Best(why=why, unmeasured=unmeasured)


def ahead(standings: Mapping[Label, float]) -> frozenset[Label]:
    """Those with the highest standing; none where there are fewer than two, or all stand equally but for rounding. NaN
    does not stand.

    >>> sorted(ahead({"a": 1.0, "b": 2.0, "c": 2.0})), sorted(ahead({"a": 2.0, "b": 2.0, "c": float("nan")}))
    (['b', 'c'], [])
    """
    there = {label: value for label, value in standings.items() if not math.isnan(value)}
    top = max(there.values(), default=math.nan)
    found = frozenset(
        label for label, value in there.items() if math.isclose(value, top, rel_tol=ROUNDING, abs_tol=ROUNDING)
    )
    return found if len(found) < len(there) else frozenset()


def measured(mean: float, metric: Metric) -> bool:
    """Whether a mean says anything of a method: one of known pixels at its perfect end does not, for the method got
    there by pasting them.

    >>> drift = Metric("drift", region="known", direction="lower", range=(0.0, 255.0))
    >>> measured(0.5, drift), measured(0.0, drift)
    (True, False)
    """
    perfect = {"higher": metric.range[1], "lower": metric.range[0]}.get(metric.direction, metric.target)
    return metric.region != "known" or mean != perfect


def winners(places: Sequence[Mapping[str, Any]], metric: Metric) -> frozenset[str]:
    """The sides to mark as best in a ranking: those on the first of several places; none where all share one.

    >>> place = {"mean": 1.0, "rank": 1}
    >>> first, beaten = {**place, "side": "a"}, {"side": "b", "mean": 0.5, "rank": 2}
    >>> sorted(winners([first, beaten], Metric("m"))), sorted(winners([first, {**place, "side": "b"}], Metric("m")))
    (['a'], [])
    """
    return ahead({place["side"]: -place["rank"] for place in places if measured(place["mean"], metric)})
