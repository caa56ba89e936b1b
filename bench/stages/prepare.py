"""Before anything is trained: what a run compares, on which suite, and what run.json says of both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.datasets.registry import Dataset
from bench.profiles.profile import Profile
from bench.runs.manifest import DatasetEntry, Manifest
from bench.runs.provenance import cores
from bench.runs.reader import Run
from bench.runs.writer import RunWriter
from bench.stages.context import Context
from bench.suites.of_profile import open_suite
from bench.suites.suite import Suite
from bench.util.errors import UsageError
from bench.util.progress import say
from bench.util.words import some
from variants.method import Network, Reference
from variants.registry import variant

if TYPE_CHECKING:
    from bench.metrics.scorer import Scorer


@dataclass(frozen=True)
class Members:
    """What a run compares: networks to be trained, as (name, seed), and all specs in the order of the tables.

    missing: variant -> why it is left out, a clause.
    """

    specs: tuple[str, ...]
    networks: tuple[tuple[str, int], ...]
    missing: Mapping[str, str] = field(default_factory=dict)


def members_of(profile: Profile) -> Members:
    """Each network with each seed, each reference once, but for those that lack something here.

    Raises UnknownName for a wrong variant, UsageError where none can be used.
    """
    specs: list[str] = []
    missing: dict[str, str] = {}
    networks: list[tuple[str, int]] = []
    for name in profile.variants:
        if name not in variant.names():
            variant.get(name)
    for name in profile.variants:
        entry = variant.get(name)
        if isinstance(entry, type) and issubclass(entry, Network | Reference) and (why := entry().missing()):
            missing[name] = why
        elif isinstance(entry, type) and issubclass(entry, Network):
            networks += [(name, seed) for seed in profile.seeds]
            specs += [f"{name}@{seed}" for seed in profile.seeds]
        else:
            specs.append(name)
    if missing and not specs:
        raise UsageError("; ".join(f"{name} cannot be used: {why}" for name, why in missing.items()))
    return Members(tuple(specs), tuple(networks), missing)


def describe(dataset: Dataset) -> DatasetEntry:
    """What run.json says of a data set."""
    skipped = [list(pair) for pair in dataset.skipped]
    return DatasetEntry(dataset.name, dataset.split, len(dataset), dataset.note, skipped, dataset.title)


def suite_facts(suite: Suite, profile: Profile) -> Manifest:
    """What run.json says of the settings and of the suite, fingerprint and all."""
    return Manifest(
        name=profile.name,
        suite=suite.fingerprint(workers=cores()),
        profile=profile.as_dict(),
        protocol=profile.protocol,
        suite_seed=profile.suite_seed,
        size=profile.size,
        datasets=[describe(dataset) for dataset in suite.datasets],
        masks=list(suite.masks),
    )


def tell_of_suite(suite: Suite, writer: RunWriter) -> None:
    """Warn of pictures that were skipped and of what was found odd in holes."""
    for dataset in suite.datasets:
        if dataset.skipped:
            names = "; ".join(f"{name} ({why})" for name, why in dataset.skipped[:5])
            more = f" and {len(dataset.skipped) - 5} more" if len(dataset.skipped) > 5 else ""
            count = f"{len(dataset.skipped)} picture{'s' if len(dataset.skipped) > 1 else ''}"
            called = writer.manifest.titles.get(dataset.name, dataset.name)
            text = f"{called}: {count} could not be read and left out: {names}{more}"
            writer.note(text)
            say(f"warning: {text}")
    for text in suite.notes():
        writer.note(text)
        say(f"note: {text}")


def run_name(profile: Profile, changed: bool) -> str:
    """The run's default name: the profile's, with a mark of the settings where they were changed."""
    if not changed:
        return profile.name
    text = json.dumps(profile.as_dict(), sort_keys=True)
    return f"{profile.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def prepare(
    profile: Profile,
    members: Members,
    folder: Callable[[str], Path],
    changed: bool,
    fresh: bool,
    device: str,
    wait: bool = False,
) -> Context:
    """Open the suite and the run folder; nothing is written before everything was found usable.

    folder: a run's default name to its place. changed: whether settings differ from the profile's own. wait: for a
    process that writes the run.
    Raises UsageError where there is no size to train at, or the folder holds another run.
    """
    require_size(profile)
    suite = open_suite(profile)
    writer = RunWriter(folder(run_name(profile, changed)))
    going_on = writer.begin(suite_facts(suite, profile), fresh, wait)
    say(f"{'resuming' if going_on else 'writing'} {writer.path}")
    tell_of_suite(suite, writer)
    for name, why in members.missing.items():
        writer.note(f"{name} is left out: {why}")
        say(f"note: {name} is left out: {why}")
    return Context(profile, suite, writer, device)


def refuse_to_lose(run: Path, scorer: Scorer) -> None:
    """Raises UsageError where the run has values of a column that cannot be computed now: scored again, they would be
    lost."""
    if not (run / "run.json").is_file():
        return
    manifest = Run(run).manifest
    lost = [name for name in manifest.metrics if name in scorer.missing and name not in manifest.missing]
    if lost and any((run / "records").rglob("*.parquet")):
        raise UsageError(
            f"{run} holds {some(lost)}, which cannot be computed now: {scorer.missing[lost[0]]}. Or keep it and choose "
            "another --out, or replace it with --fresh."
        )


def require_size(profile: Profile) -> None:
    """Raises UsageError for a profile that keeps pictures at their own size: a batch needs one size for all."""
    if profile.size is None:
        raise UsageError("a run that trains needs a size: networks learn from square pictures (--size 64)")
