"""Folders of finished pictures held against the suite, before anything is scored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

import numpy as np

from bench.datasets.pictures import BrokenPicture, read_picture
from bench.datasets.registry import Dataset
from bench.methods.predictions import Predictions
from bench.suites.suite import Suite
from bench.util.errors import UsageError
from bench.util.words import some
from variants.method import Method

LOOKED_AT = 8
"""Fills of a mask type that polarity is judged by."""

FAR = 4.0
"""How many times further from the truth known pixels must lie than the hole: whoever fills a hole knows what lies
outside it."""


def require_fills(methods: Iterable[Method], suite: Suite) -> None:
    """Raises UsageError for a folder that has none of the fills, and says what it was looked for by."""
    for method in methods:
        if not isinstance(method, Predictions):
            continue
        wanted = [(mask, key) for data in suite.datasets for mask in suite.masks_of(data) for key in data.ids]
        if any(method.find(mask, image_id) for mask, image_id in wanted):
            continue
        names = [name for names in method.files.values() for name in names]
        beside = sum("/" not in name for name in names)
        where = method.folder.name
        if beside and not method.flat:
            why = f"{beside} file{'s lie' if beside > 1 else ' lies'} in the folder itself: expected {where}/<mask>/"
        elif folders := sorted({PurePosixPath(name).parts[0] for name in names if "/" in name}):
            why = f"it has the folders {some(folders)}"
        else:
            why = f"it has {some(sorted(names), 3)}"
        first = [f"{mask}/{image_id}" for mask, image_id in wanted[:3]]
        raise UsageError(
            f"predictions:{method.folder} has none of the {len(wanted)} fills ({', '.join(first)}, …); {why} "
            "(?name=case{id}_output.png says how files are named)"
        )


def refuse_reversed(methods: Iterable[Method], suite: Suite) -> None:
    """Raises UsageError where most fills equal the truth in the hole and differ from it outside: the holes have the
    wrong polarity."""
    for method in methods:
        if not isinstance(method, Predictions):
            continue
        for mask, members in members_by_mask(suite):
            found = [turned for data in members for turned in reversed_fills(method, suite, mask, data)]
            if found and sum(found) > len(found) / 2:
                files = suite.folder(mask, members[0])
                other = "white" if files is not None and files.reading.polarity == "black" else "black"
                remedy = (
                    f"score them with --mask-polarity {other}"
                    if files is not None
                    else "give the tool that filled them inverted holes"
                )
                raise UsageError(
                    f"{method.label} equals the truth in the holes of '{mask}' and differs outside, in {sum(found)} of "
                    f"{len(found)} pictures looked at: {remedy}, or score them anyway with --force-polarity"
                )


def members_by_mask(suite: Suite) -> Iterator[tuple[str, list[Dataset]]]:
    """The data sets that share a mask type's source: all of the suite's, or each that has masks of its own."""
    common = [data for data in suite.datasets if data.name not in suite.own]
    for members in ([common] if common else []) + [[data] for data in suite.datasets if data.name in suite.own]:
        for mask in suite.masks_of(members[0]):
            yield mask, members


def reversed_fills(method: Predictions, suite: Suite, mask: str, dataset: Dataset) -> Iterator[bool]:
    """Of the first fills, whether each leaves the hole and paints the known."""
    for index in range(min(LOOKED_AT, len(dataset))):
        file = method.find(mask, dataset.ids[index])
        if file is None:
            continue
        image = dataset.load(index)
        try:
            fill = read_picture(file)
        except BrokenPicture:
            continue
        if fill.shape == image.shape:
            hole = suite.holes(dataset, mask, [index], [image.shape])[0]
            if hole.any() and not hole.all():
                error = np.abs(fill.astype(np.int16) - image).mean(axis=2)
                yield bool(error[~hole].mean() > max(FAR * error[hole].mean(), 1.0))


def summary(lines: Sequence[str]) -> list[str]:
    """``NAME: WHY`` lines as one sentence for each reason, with a count and three examples."""
    reasons: dict[str, list[str]] = {}
    for line in lines:
        name, _, why = line.partition(": ")
        reasons.setdefault(why, []).append(name)
    return [f"{len(names)} × {why} ({some(names, 3)})" for why, names in reasons.items()]
