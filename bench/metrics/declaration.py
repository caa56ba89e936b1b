"""What a metric is: declared once, in its own file, and asked by tables, comparison, gate, report and docs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

ARROWS = {"higher": "↑", "lower": "↓"}

DECIMALS = {"dB": 2, "levels": 2, "ΔE00": 2}
UNITLESS_DECIMALS = 3
"""What tables print of values, by unit, unless a metric says otherwise."""

TOLERANCES = {"dB": 0.1, "ΔE00": 0.2, "levels": 0.5}
"""By unit, unless a metric says otherwise: 0.1 dB is the last decimal that papers argue about, 0.5 is half an 8-bit
level, and 1 ΔE00 is about what an eye can see side by side."""

SHARE = 0.01
"""Of the reference's mean: the tolerance of a metric that declares none and has no unit."""


@dataclass(frozen=True)
class Metric:
    """What a column of the records means.

    name: of the column. region: ``image``, ``hole``, ``seam`` or ``known``. direction: ``higher`` or ``lower`` is
    better, or ``nearest`` to ``target``. range: the least and greatest value. reference: the library or formula that
    it agrees with. version: raised whenever a value changes; of another library's metric,
    that library's. summary: one sentence.

    label: what people call it (``hole PSNR``). rank: its place in tables; None: listed under further metrics.
    tolerance: the difference, in its unit, that nobody would publish; None: by unit, else 1 % of the reference's
    mean. decimals: what tables print; None: by unit, else 3. scale: ``linear``, or ``log2`` for a ratio, whose
    values are logarithms and are averaged and compared as such.
    group: metrics that a report shows together (``colour``). channel: the one channel that it is of. corrects: the
    metric that this one is after colour correction. approximate: stands in for another, from which it
    differs by ``mean_error`` on average. of: ``picture`` (one value a
    picture) or ``set`` (one value a set of pictures). code: SHA-256 of the code of a plug-in's, which may be edited
    without a new version; set by the run, empty of our own.

    What follows is there in the process that registered it, not in a finished run. compute: of a
    :class:`bench.metrics.card.Card`, or (``batched``) of the cards of one truth and hole and the scoring context.
    needs_raw: left out for finished pictures. unavailable: of the scoring context, why the column must stay empty, in
    a sentence. left_out: of the scoring context, whether there is no such column unless it is asked for
    by name. undefined: of a card without a value, why it has none. on_device: of a batched metric, the same values
    for many pictures at once, a function of (:class:`bench.metrics.on_device.Batch`, scoring context) that
    gives float64 (cards,) on the batch's device and waits for nothing. protocols: by the
    name of a protocol, what it changes of this declaration. from_error: (metric, function): the value of a mean error.
    resampled: of a set metric, whether it is computed again and again for its interval. features: of a set metric, the
    network that its features are of. least: of a set metric, the fewest pictures that it has a value of.
    """

    name: str
    region: str = "image"
    unit: str = ""
    direction: str = "higher"
    range: tuple[float, float] = (-np.inf, np.inf)
    reference: str = ""
    version: int | str = 1
    summary: str = ""
    target: float = 0.0
    label: str = ""
    rank: int | None = None
    tolerance: float | None = None
    decimals: int | None = None
    scale: str = "linear"
    group: str = ""
    channel: str = ""
    corrects: str = ""
    approximate: bool = False
    mean_error: float | None = None
    of: str = "picture"
    code: str = ""

    compute: Callable[..., Any] | None = None
    needs_raw: bool = False
    batched: bool = False
    unavailable: Callable[[Any], str | None] | None = None
    left_out: Callable[[Any], bool] | None = None
    undefined: Callable[[Any], str | None] | None = None
    on_device: Callable[[Any, Any], Any] | None = None
    protocols: Mapping[str, Mapping[str, Any]] | None = None
    from_error: tuple[str, Callable[[float], float]] | None = None
    resampled: bool = True
    features: str = "inception"
    least: int = 2

    @property
    def arrow(self) -> str:
        """↑, ↓, or → with the target.

        >>> [Metric("m", direction=d).arrow for d in ("higher", "lower", "nearest")]
        ['↑', '↓', '→0']
        """
        return ARROWS.get(self.direction) or f"→{self.target:g}"

    @property
    def title(self) -> str:
        """Name, unit and direction, as tables print it.

        >>> Metric("error", unit="levels", direction="lower").title
        'error [levels ↓]'
        """
        return f"{self.name} [{self.mark}]"

    @property
    def mark(self) -> str:
        """Unit and direction, with ≈ where it is approximate.

        >>> Metric("guess", approximate=True, direction="lower").mark
        '≈ ↓'
        """
        return " ".join(part for part in ("≈" * self.approximate, self.unit, self.arrow) if part)

    @property
    def caveat(self) -> str:
        """What must be said beside an approximate metric's numbers, in a sentence; empty for any other.

        >>> Metric("guess", summary="An estimate", approximate=True, mean_error=0.02).caveat
        'guess is approximate, off by 0.02 on average: An estimate.'
        """
        if not self.approximate:
            return ""
        error = f", off by {self.mean_error:g} on average" if self.mean_error is not None else ""
        return f"{self.name} is approximate{error}: {self.summary.rstrip('.')}."

    @property
    def heading(self) -> str:
        """What people call it: ``hole PSNR``.

        >>> Metric("worst_error").heading
        'worst error'
        """
        return self.label or self.name.replace("_", " ")

    @property
    def digits(self) -> int:
        """Decimals that tables print.

        >>> Metric("quality", unit="dB").digits, Metric("share").digits, Metric("share", decimals=5).digits
        (2, 3, 5)
        """
        return DECIMALS.get(self.unit, UNITLESS_DECIMALS) if self.decimals is None else self.decimals

    @property
    def order(self) -> tuple[bool, int]:
        """Sorts metrics as tables show them: by rank, those without one last.

        >>> metrics = [Metric("c"), Metric("b", rank=2), Metric("a", rank=1)]
        >>> [m.name for m in sorted(metrics, key=lambda m: m.order)]
        ['a', 'b', 'c']
        """
        return self.rank is None, self.rank or 0

    @property
    def whole(self) -> bool:
        """One value a set of pictures, none a picture."""
        return self.of == "set"

    def goodness(self, values: Any) -> Any:
        """Values turned so that higher is better; differences keep the metric's unit.

        >>> Metric("error", direction="lower").goodness([1, 3]).tolist()
        [-1.0, -3.0]
        >>> Metric("ratio", direction="nearest", target=1).goodness([0.5, 1.25]).tolist()
        [-0.5, -0.25]
        """
        values = np.asarray(values, float)
        if self.direction == "nearest":
            return -np.abs(values - self.target)
        return values if self.direction == "higher" else -values

    def same_within(self, reference_mean: float) -> float:
        """The difference, in the metric's unit, below which two means are the same.

        >>> Metric("quality", unit="dB").same_within(30.0), Metric("share").same_within(0.8)
        (0.1, 0.008)
        """
        if self.tolerance is not None:
            return self.tolerance
        if self.unit in TOLERANCES:
            return TOLERANCES[self.unit]
        return SHARE * abs(reference_mean) if np.isfinite(reference_mean) else 0.0

    def under(self, protocol: str) -> Metric:
        """The metric as a protocol computes it.

        >>> Metric("error", protocols={"theirs": {"region": "known"}}).under("theirs").region
        'known'
        """
        return replace(self, **(self.protocols or {}).get(protocol, {}))

    def as_json(self) -> dict[str, Any]:
        """What run.json says of it."""
        found = {name: getattr(self, name) for name in DECLARED}
        return {**found, "range": list(self.range), "title": self.title}


DECLARED = tuple(
    field.name
    for field in fields(Metric)
    if field.name not in ("name", "compute", "needs_raw", "batched", "unavailable", "left_out", "undefined",
                          "on_device", "protocols", "from_error", "resampled", "features", "least")
)  # fmt: skip
"""The fields that a run keeps."""


def of_json(name: str, entry: Mapping[str, Any]) -> Metric:
    """The metric that run.json declares under ``name``; what it does not say has its default.

    >>> of_json("error", {"unit": "levels", "direction": "lower", "rank": 5}).title
    'error [levels ↓]'
    """
    known = {key: entry[key] for key in DECLARED if entry.get(key) is not None}
    low, high = (known.get("range") or (None, None))[:2]
    known["range"] = (-np.inf if low is None else float(low), np.inf if high is None else float(high))
    return Metric(name, **known)


def in_order(metrics: Mapping[str, Metric], ranked: bool = True) -> list[str]:
    """Names of the metrics that have a rank, by rank; or, not ``ranked``, of those that have none, as they stand.

    >>> metrics = {"a": Metric("a"), "b": Metric("b", rank=2), "c": Metric("c", rank=1)}
    >>> in_order(metrics), in_order(metrics, ranked=False)
    (['c', 'b'], ['a'])
    """
    names = [name for name, entry in metrics.items() if (entry.rank is not None) == ranked]
    return sorted(names, key=lambda name: metrics[name].order) if ranked else names


def computed(entry: Metric) -> Callable[..., Any]:
    """The metric's function, which every registered one has.

    >>> computed(Metric("error", compute=abs))(-2)
    2
    """
    assert entry.compute is not None, entry.name
    return entry.compute
