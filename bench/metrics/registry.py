"""The registry of metrics (:class:`bench.metrics.declaration.Metric` says what each declares).

A metric is a function of a :class:`bench.metrics.card.Card`, or (``batched=True``) of a list of cards that share
truth and hole and of the scoring context::

    @metric("psnr_hole", region="hole", unit="dB", direction="higher", range=(0, 100), label="hole PSNR", rank=1,
            reference="scikit-image peak_signal_noise_ratio over the hole's pixels", version=1)
    def psnr_hole(card: Card) -> float: ...
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.metrics.declaration import Metric as Metric
from bench.util.words import first_sentence
from variants.registry import Registry


class MetricRegistry(Registry[Metric]):
    """Like any registry, but the decorator also takes what the metric declares. of: ``picture`` or ``set``."""

    def __init__(self, word: str, package: str, noun: str, of: str = "picture") -> None:
        super().__init__(word, package, noun, "declared with the decorator", lambda entry: isinstance(entry, Metric))
        self.of = of

    def __call__(self, name: str, **facts: Any) -> Callable[[Any], Any]:  # type: ignore[override]
        def enter(compute: Callable[..., Any]) -> Callable[..., Any]:
            summary = first_sentence(compute.__doc__)
            self.add(name, Metric(name=name, compute=compute, summary=summary, of=self.of, **facts))
            return compute

        return enter

    def get(self, name: str) -> Metric:
        """The metric called ``name``, ``library:metric`` of another library included. Raises UnknownName with the
        nearest names, and UsageError where that library is not installed."""
        from bench.metrics.libraries.column import column, is_outside

        return column(name) if self.of == "picture" and is_outside(name) else super().get(name)


metric = MetricRegistry("metric", "bench.metrics", "metric")
