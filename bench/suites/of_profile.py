"""The suite that a profile is scored on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.datasets.packed import packed_where_large
from bench.datasets.registry import Dataset, open_dataset
from bench.profiles.profile import Profile
from bench.suites.hole_file import Reading
from bench.suites.suite import Suite, parse_masks
from bench.suites.suite_file import Entry, entries_in
from bench.util.errors import UsageError
from bench.util.files import file_safe

DEPTH = 4
"""How many folders above a data set may take part in its name."""


def open_suite(profile: Profile, split: str = "test", packed: bool = True) -> Suite:
    """The pictures and holes that a profile is scored on. split: entries of a suite file have their own instead.
    packed: large sets are decoded into the cache now; otherwise nothing is written."""
    if profile.suite_entries:
        return open_entries(entries_in(profile.suite_entries), profile, packed)
    datasets = tuple(
        open_dataset(spec, split, profile.size, count) for spec, count in zip(profile.data, profile.count, strict=True)
    )
    datasets = named_apart(datasets, profile.data)
    if packed:
        datasets = tuple(packed_where_large(dataset) for dataset in datasets)
    reading = Reading(profile.mask_polarity, profile.mask_threshold)
    return Suite.open(datasets, ",".join(profile.masks), profile.suite_seed, reading, profile.protocol)


def open_entries(entries: Sequence[Entry], profile: Profile, packed: bool = True) -> Suite:
    """A suite of data sets under names of their own, each with its masks."""
    datasets, own = [], {}
    for entry in entries:
        found = open_dataset(entry.data, entry.split, entry.size, entry.count)
        named = replace(found, name=entry.name, title="")
        datasets.append(packed_where_large(named) if packed else named)
        own[entry.name] = parse_masks(entry.masks, entry.reading, found.ids, profile.suite_seed)
    masks = dict.fromkeys(name for names, _ in own.values() for name in names)
    return Suite(tuple(datasets), tuple(masks), profile.suite_seed, (), profile.protocol, own)


def named_apart(datasets: tuple[Dataset, ...], specs: Sequence[str]) -> tuple[Dataset, ...]:
    """The data sets under names of their own: of two folders, each takes its folder's name along."""
    names = [dataset.name for dataset in datasets]
    if len(set(names)) == len(names):
        return datasets
    labels = names
    # Two folders called images are told apart by what they lie in.
    for depth in range(1, DEPTH + 1):
        labels = [
            "_".join([name, *Path(path_of(spec)).parts[-depth:]]) if names.count(name) > 1 else name
            for name, spec in zip(names, specs, strict=True)
        ]
        if len(shared(labels)) == 0:
            break
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice:
        raise UsageError(f"two data sets would both be called {twice}: name each once, in folders of different names")
    # "a b" and "a_b", or "A" and "a", would be one file.
    alike = shared(labels)
    labels = [
        f"{label}_{hashlib.sha256(label.encode(errors='replace')).hexdigest()[:6]}" if label in alike else label
        for label in labels
    ]
    return tuple(replace(dataset, name=label) for dataset, label in zip(datasets, labels, strict=True))


def path_of(spec: str) -> str:
    """The path of a spec, without its pattern.

    >>> path_of("folder:holes?name={id}_hole.png")
    'holes'
    """
    return spec.partition(":")[2].partition("?name=")[0]


def shared(labels: Sequence[str]) -> set[str]:
    """The names that would be the same file as another of them."""
    files = [file_safe(label).casefold() for label in labels]
    return {label for label, file in zip(labels, files, strict=True) if files.count(file) > 1}


def refuse_shared_ids(suite: Suite) -> None:
    """Finished pictures are named by id alone. Raises UsageError where two data sets share one."""
    seen: dict[str, str] = {}
    for dataset in suite.datasets:
        title = suite.titles[dataset.name]
        for image_id in dataset.ids:
            if image_id in seen:
                raise UsageError(
                    f"{seen[image_id]} and {title} both hold a picture called {image_id}, and predictions are "
                    "named after it: score them separately"
                )
        seen.update(dict.fromkeys(dataset.ids, title))
