"""Putting two sides beside each other, picture by picture, or refusing to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.comparison.sides import Side
from bench.metrics.declaration import Metric
from bench.runs.manifest import shared_titles
from bench.runs.reader import Run
from bench.statistics.scores import Scores
from bench.util.errors import IncomparableError


@dataclass(frozen=True)
class Pair:
    """Two sides' scores of the same pictures under the same holes.

    reference, candidate: (seeds, images, masks, metrics), NaN where either side has no value.
    failed: rows that could not be scored, per side (reference, candidate), (images, masks) counts of seeds.
    hole_area: (images, masks), share of the picture.
    """

    sides: tuple[Side, Side]
    dataset: str
    ids: np.ndarray
    masks: tuple[str, ...]
    facts: tuple[Metric, ...]
    reference: np.ndarray
    candidate: np.ndarray
    failed: tuple[np.ndarray, np.ndarray]
    hole_area: np.ndarray
    missing: int

    def only(self, rows: np.ndarray) -> Pair:
        """The pair with the scores of some rows alone, bool (images, masks)."""
        reference, candidate = (
            np.where(rows[..., None], values, np.nan) for values in (self.reference, self.candidate)
        )
        failed = (self.failed[0] * rows, self.failed[1] * rows)
        return replace(self, reference=reference, candidate=candidate, failed=failed)

    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """Both sides' scores over their seeds, (images, masks, metrics); what a scatter plot shows."""
        return self.reference.mean(0), self.candidate.mean(0)


def _differences(reference: Run, candidate: Run) -> list[str]:
    """What was measured differently, in words; empty where the runs can be compared."""
    found = []
    for key, word in (("suite", "suite fingerprint"), ("protocol", "protocol"), ("precision", "precision")):
        ours, theirs = getattr(reference.manifest, key), getattr(candidate.manifest, key)
        if ours != theirs:
            found.append(f"{word} ({short(ours)} in {reference.name}, {short(theirs)} in {candidate.name})")
    found += [f"metric version of {text}" for text in _versions(reference, candidate).values()]
    return found


def _versions(reference: Run, candidate: Run) -> dict[str, str]:
    """The metrics of both runs whose versions differ."""
    ours, theirs = reference.manifest.metrics, candidate.manifest.metrics
    return {
        name: f"{name} ({ours[name].version} in {reference.name}, {theirs[name].version} in {candidate.name})"
        for name in ours
        if name in theirs and ours[name].version != theirs[name].version
    }


def _edited(reference: Run, candidate: Run) -> list[str]:
    """A sentence about plug-ins' metrics of one version whose code differs. A run that keeps no digest does not say."""
    ours, theirs = reference.manifest.metrics, candidate.manifest.metrics
    shared = [(ours[name], theirs[name]) for name in ours if name in theirs]
    names = [a.name for a, b in shared if a.version == b.version and a.code and b.code and a.code != b.code]
    if not names:
        return []
    return [
        f"The code of {', '.join(names)} is not the same in {reference.name} and {candidate.name}, though the version "
        "is: the difference may be the metric's own; score both with the same code."
    ]


def short(value: Any) -> str:
    """A fingerprint's first twelve digits; anything else as it is.

    >>> short("ab" * 32), short(5)
    ('abababababab', '5')
    """
    return value[:12] if isinstance(value, str) and len(value) == 64 else str(value)


def require_comparable(reference: Run, candidate: Run, common: bool | None = None) -> list[str]:
    """Sentences about what ``common`` leaves out. Raises IncomparableError saying what differs.

    Different suites share pictures soundly only where the holes were drawn alike (same suite seed, same
    size); metrics of different versions are left out; protocol and precision cannot be shared.

    >>> from types import SimpleNamespace as Facts
    >>> old = Facts(name="old", manifest=Facts(suite="5e", protocol=1, precision="fp32", metrics={}))
    >>> new = Facts(name="new", manifest=Facts(suite="5e", protocol=2, precision="fp32", metrics={}))
    >>> require_comparable(old, old)
    []
    >>> require_comparable(old, new)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    bench.util.errors.IncomparableError: the sides were measured differently: protocol (1 in old, 2 in new); ...
    """
    found = _differences(reference, candidate)
    if not found:
        return []
    fatal = [text for text in found if text.startswith(("protocol", "precision"))]
    if reference.manifest.suite != candidate.manifest.suite:
        fatal += [
            f"{key.replace('_', ' ')} ({getattr(reference.manifest, key)} in {reference.name}, "
            f"{getattr(candidate.manifest, key)} in {candidate.name})"
            for key in ("suite_seed", "size")
            if getattr(reference.manifest, key) != getattr(candidate.manifest, key)
        ]
    if not common:
        # Named only where there is such an option, and it helps.
        hint = "" if common is None or fatal else ", or --common for the shared pairs"
        raise IncomparableError(
            f"the sides were measured differently: {'; '.join(found)}; score both the same way{hint}"
        )
    if fatal:
        raise IncomparableError(f"--common does not help: the sides differ in {'; '.join(fatal)}, so no pair is shared")
    left = list(_versions(reference, candidate).values())
    return [f"Left out, measured by different versions: {', '.join(left)}."] if left else []


def pair_sides(reference: Side, candidate: Side, common: bool | None = None) -> tuple[list[Pair], list[str]]:
    """The pairs of two sides by data set, and notes. Raises IncomparableError where nothing is shared."""
    notes = require_comparable(reference.run, candidate.run, common) + _edited(reference.run, candidate.run)
    changed = _versions(reference.run, candidate.run)
    facts = [fact for name, fact in reference.run.manifest.metrics.items() if name not in changed]
    pairs = []
    for dataset in reference.scores:
        if dataset in candidate.scores:
            found = _pair_scores(reference, candidate, dataset, facts, notes)
            pairs += [found] if found else []
    if not pairs:
        raise IncomparableError(_nothing_shared(reference, candidate))
    return pairs, notes


def _nothing_shared(reference: Side, candidate: Side) -> str:
    """Why two sides have no pair, in a sentence: most often their mask types have other names."""
    ours, theirs = (
        sorted({mask for data in side.scores.values() for mask in data.masks}) for side in (reference, candidate)
    )
    if ours and theirs and not set(ours) & set(theirs):
        return (
            f"{reference.label} was scored under {', '.join(ours)} and {candidate.label} under {', '.join(theirs)}: "
            "holes are paired by the name of their mask type, so name the folders of holes alike and score again"
        )
    return f"{reference.label} and {candidate.label} share no scored picture: score both on the same data"


def _pair_scores(reference: Side, candidate: Side, dataset: str, facts: list[Metric], notes: list[str]) -> Pair | None:
    """Both sides' scores of one data set, picture by picture; None where they share nothing. Adds to ``notes``."""
    ours, theirs = reference.scores[dataset], candidate.scores[dataset]
    masks = [mask for mask in ours.masks if mask in theirs.masks]
    _, left, right = np.intersect1d(ours.ids, theirs.ids, return_indices=True)
    kept = [fact for fact in facts if fact.name in ours.columns and fact.name in theirs.columns]
    if not masks or not len(left) or not kept:
        return None
    union = _pairs_present(ours, theirs)
    title = shared_titles(side.run.manifest for side in (reference, candidate)).get(dataset, dataset)
    a, b = _select(ours, left, masks, kept), _select(theirs, right, masks, kept)
    both = a.present.all(0) & b.present.all(0)
    same = _same_pairs(a, b)
    if not same[both].all():
        n = int((both & ~same).sum())
        pairs, verb = ("pair", "is") if n == 1 else ("pairs", "are")
        notes.append(f"{n} {pairs} of {title} with the same name but different pixels {verb} left out.")
    if reference.run.manifest.suite != candidate.run.manifest.suite and not _told(a, b)[both & same].all():
        notes.append(
            f"Records of {title} without the column 'content' were paired by name and hole area alone: a picture "
            "that was replaced shows only if both sides are scored again."
        )
    shared = both & same
    if not shared.any():
        return None
    there = shared[..., None] & np.isfinite(a.values).all(0) & np.isfinite(b.values).all(0)
    x, y = (np.where(there, side.values, np.nan) for side in (a, b))
    missing = union - int(shared.sum())
    failed = ((a.failed & shared).sum(0), (b.failed & shared).sum(0))
    return Pair((reference, candidate), dataset, a.ids, tuple(masks), tuple(kept), x, y, failed, a.hole_area, missing)


def _told(ours: Scores, theirs: Scores) -> np.ndarray:
    """Where both sides keep a key of picture and hole, bool (images, masks)."""
    return (ours.content != 0) & (theirs.content != 0)


def _same_pairs(ours: Scores, theirs: Scores) -> np.ndarray:
    """Whether picture and hole are the same, bool (images, masks); by the hole's area where either keeps no key."""
    area = ~(np.abs(ours.hole_area - theirs.hole_area) > 1e-9)
    return np.where(_told(ours, theirs), ours.content == theirs.content, area)


def _select(scores: Scores, images: np.ndarray, masks: list[str], facts: list[Metric]) -> Scores:
    """The scores of these images, mask types and metrics, in this order."""
    return scores.take(
        images, [scores.masks.index(mask) for mask in masks], [scores.columns.index(fact.name) for fact in facts]
    )


def _pairs_present(ours: Scores, theirs: Scores) -> int:
    """How many (image, mask) pairs either side holds."""
    masks = sorted({*ours.masks, *theirs.masks})
    ids = np.union1d(ours.ids, theirs.ids)
    held = np.zeros((len(ids), len(masks)), bool)
    for side in (ours, theirs):
        rows, columns = np.searchsorted(ids, side.ids), np.array([masks.index(mask) for mask in side.masks])
        held[np.ix_(rows, columns)] |= side.present.any(0)
    return int(held.sum())
