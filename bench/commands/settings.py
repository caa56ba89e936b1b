"""Settling what a command was asked for, before anything heavy is imported."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bench.profiles.profile import Profile
from bench.util.errors import UsageError
from variants.checkpoint_every import Every

SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def with_data(profile: Profile, data: Sequence[str] | None) -> Profile:
    """The profile trained and scored on ``data`` instead of its own; counts are spread over them."""
    if not data:
        return profile
    from bench.datasets.registry import absolute_spec

    specs = tuple(absolute_spec(spec) for spec in data)
    return replace(
        profile,
        train_data=specs,
        train_count=(max(profile.train_count),) * len(specs),
        data=specs,
        count=(max(profile.count),) * len(specs),
    )


def check_names(profile: Profile) -> None:
    """Refuse wrong variants, masks, metrics and data sets before anything heavy is imported."""
    from bench.datasets.registry import check_known
    from bench.metrics.registry import metric
    from bench.set_metrics.registry import set_metric
    from bench.suites.hole_file import Reading
    from bench.suites.suite import parse_masks
    from bench.suites.suite_file import entries_in
    from variants.registry import suggest, variant

    for spec in (*profile.data, *profile.train_data):
        check_known(spec)
    for noun, known, names in (
        ("variant", variant.names(), profile.variants),
        ("metric", [*metric.names(), *set_metric.names()], profile.metrics),
    ):
        for name in names:
            if noun == "metric" and ":" in name:
                metric.get(name)
            elif name not in known:
                raise suggest(noun, name, known)
    if not profile.suite_entries:
        parse_masks(",".join(profile.masks), Reading(profile.mask_polarity, profile.mask_threshold))
    for entry in entries_in(profile.suite_entries):
        parse_masks(entry.masks, entry.reading)


def read_every(text: str | None) -> Every:
    """How often trainings keep a state: ``500`` steps, ``30s``, ``10m`` or ``1h``, or both, ``500,10m``.

    Raises UsageError.
    """
    if text is None:
        return Every()
    steps: int | None = None
    seconds: float | None = None
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", part)
        number = float(match[1]) if match else 0.0
        if match is None or number <= 0 or (not match[2] and number != int(number)):
            raise UsageError(f"--checkpoint-every {text}: give steps (500), a time (30s, 10m, 1h), or both (500,10m)")
        if match[2]:
            seconds = number * SECONDS[match[2]]
        else:
            steps = int(number)
    return Every(seconds, steps)
