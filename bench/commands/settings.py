"""Settling what a command was asked for, before anything heavy is imported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.profiles.profile import Profile


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
    from bench.datasets.registry import dataset
    from bench.metrics.registry import metric
    from bench.set_metrics.registry import set_metric
    from bench.suites.hole_file import Reading
    from bench.suites.suite import parse_masks
    from bench.suites.suite_file import entries_in
    from variants.registry import suggest, variant

    sources = [spec.partition(":")[0] for spec in (*profile.data, *profile.train_data)]
    for noun, known, names in (
        ("variant", variant.names(), profile.variants),
        ("metric", [*metric.names(), *set_metric.names()], profile.metrics),
        ("data set", dataset.names(), sources),
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
