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
from bench.util.words import counted, some
from variants.method import Method

LOOKED_AT = 8
"""Fills of a mask type that polarity is judged by."""

FAR = 4.0
"""How many times further from the truth known pixels must lie than the hole: whoever fills a hole knows what lies
outside it."""


REASONS = 8
"""Why fills could not be used: how many reasons the terminal names for a method."""

DOUBTFUL = 1.5
"""How many times further off known pixels may be without a note: a JPEG around a very good fill is."""


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
        elif there := sorted(name for name in names if PurePosixPath(name).parts[0] in suite.masks and not method.flat):
            why = f"it has {some(there, 3)}"
        elif folders := sorted({PurePosixPath(name).parts[0] for name in names if "/" in name}):
            why = f"it has the folders {some(folders)}"
        else:
            why = f"it has {some(sorted(names), 3)}"
        first = [f"{mask}/{image_id}" for mask, image_id in wanted[:3]]
        raise UsageError(
            f"predictions:{method.folder} has none of the {len(wanted)} fills ({', '.join(first)}, …); {why} "
            "(?name=case{id}_output.png says how files are named)"
        )


def check_polarity(methods: Iterable[Method], suite: Suite) -> list[str]:
    """Notes on folders of which most fills lie further from the truth outside the hole than in it: the holes may have
    the wrong polarity. Raises UsageError where they plainly have, as most fills leave the hole and paint the known."""
    notes = []
    for method in methods:
        if not isinstance(method, Predictions):
            continue
        for mask, members in members_by_mask(suite):
            found = [pair for data in members for pair in errors(method, suite, mask, data)]
            turned = sum(known > max(FAR * hole, 1.0) for known, hole in found)
            doubtful = sum(known > max(DOUBTFUL * hole, 1.0) for known, hole in found)
            if doubtful <= len(found) / 2:
                continue
            files = suite.folder(mask, members[0])
            other = "white" if files is not None and files.reading.polarity == "black" else "black"
            remedy = (
                f"score them with --mask-polarity {other}"
                if files is not None
                else "give the tool that filled them inverted holes"
            )
            if turned > len(found) / 2:
                raise UsageError(
                    f"{method.label} equals the truth in the holes of '{mask}' and differs outside, in {turned} of "
                    f"{len(found)} pictures looked at: {remedy}, or score them anyway with --force-polarity"
                )
            notes.append(
                f"{method.label} lies further from the truth outside the holes of '{mask}' than in them, in {doubtful} "
                f"of {len(found)} pictures looked at; if the holes have the wrong polarity, {remedy}"
            )
    return notes


def members_by_mask(suite: Suite) -> Iterator[tuple[str, list[Dataset]]]:
    """The data sets that share a mask type's source: all of the suite's, or each that has masks of its own."""
    common = [data for data in suite.datasets if data.name not in suite.own]
    for members in ([common] if common else []) + [[data] for data in suite.datasets if data.name in suite.own]:
        for mask in suite.masks_of(members[0]):
            yield mask, members


def errors(method: Predictions, suite: Suite, mask: str, dataset: Dataset) -> Iterator[tuple[float, float]]:
    """Of the first fills, the mean distance from the truth outside the hole and in it, in levels."""
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
                known, missing = float(error[~hole].mean()), float(error[hole].mean())
                # The hole's part alone, on one colour, is no repainting of the rest.
                if missing < 1 or one_colour(image[~hole]) or not one_colour(fill[~hole]):
                    yield known, missing


def one_colour(pixels: np.ndarray) -> bool:
    """Whether pixels, uint8 (N, 3), are all the same.

    >>> one_colour(np.array([[1, 2, 3], [1, 2, 3]])), one_colour(np.array([[1, 2, 3], [1, 2, 4]]))
    (True, False)
    """
    return not np.ptp(pixels, axis=0).any()


def summary(lines: Sequence[str]) -> list[str]:
    """``NAME: WHY`` lines as one sentence for each reason, with a count and three examples; of many reasons, the most
    frequent."""
    reasons: dict[str, list[str]] = {}
    for line in lines:
        name, _, why = line.partition(": ")
        reasons.setdefault(why, []).append(name)
    told = sorted(reasons, key=lambda why: -len(reasons[why])) if len(reasons) > REASONS else list(reasons)
    sentences = [f"{len(reasons[why])} × {why} ({some(reasons[why], 3)})" for why in told[:REASONS]]
    if rest := told[REASONS:]:
        sentences.append(f"{sum(len(reasons[why]) for why in rest)} × {counted(len(rest), 'other reason')}")
    return sentences
