"""The registry of metrics: what each declares, and how its values are judged.

A metric is a function of a :class:`bench.metrics.card.Card`, or (``batched=True``) of a list of cards
that share truth and hole::

    @metric("psnr_hole", region="hole", unit="dB", direction="higher", range=(0, 100),
            reference="scikit-image peak_signal_noise_ratio over the hole's pixels", version=1)
    def psnr_hole(card: Card) -> float: ...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from variants.registry import Registry

ARROWS = {"higher": "↑", "lower": "↓", "nearest": "→"}


@dataclass(frozen=True)
class Metric:
    """What a column of the records means.

    region: ``image``, ``hole``, ``seam`` or ``known``. direction: ``higher`` or ``lower`` is better, or
    ``nearest`` to ``target`` (a signed shift: 0; a sharpness ratio: 1). needs_raw: left out for finished
    pictures. batched: ``compute`` takes the list of cards of one truth and hole (one per method).
    unavailable: a function of the scoring context that says in a sentence why the column must stay empty.
    on_device: of a batched metric, the same values for many pictures at once, a function of
    (:class:`bench.metrics.on_device.Batch`, scoring context) that gives float64 (cards,) on the batch's device
    and waits for nothing; without it a batch is computed picture by picture on any device.
    """

    name: str
    region: str
    unit: str
    direction: str
    range: tuple[float, float]
    reference: str
    version: int
    summary: str
    compute: Callable[..., Any]
    target: float = 0.0
    needs_raw: bool = False
    batched: bool = False
    approximate: bool = False
    unavailable: Callable[[Any], str | None] | None = None
    on_device: Callable[[Any, Any], Any] | None = None

    @property
    def arrow(self) -> str:
        if self.direction == "nearest":
            return f"→{self.target:g}"
        return ARROWS[self.direction]

    @property
    def title(self) -> str:
        """Name, unit and direction, as every table prints it."""
        return f"{self.name} [{self.unit} {self.arrow}]" if self.unit else f"{self.name} [{self.arrow}]"

    def goodness(self, values: Any) -> Any:
        """Values turned so that higher is better; differences keep the metric's unit."""
        if self.direction == "higher":
            return np.asarray(values, float)
        if self.direction == "lower":
            return -np.asarray(values, float)
        return -np.abs(np.asarray(values, float) - self.target)


class MetricRegistry(Registry[Metric]):
    """Like any registry, but the decorator also takes what the metric declares."""

    def __call__(self, name: str, **facts: Any) -> Callable[[Any], Any]:  # type: ignore[override]
        def enter(compute: Callable[..., Any]) -> Callable[..., Any]:
            summary = (compute.__doc__ or "").strip().split("\n")[0]
            self.add(name, Metric(name=name, compute=compute, summary=summary, **facts))
            return compute

        return enter


metric = MetricRegistry("metric", "bench.metrics", "metric")
