"""Where ``--save-predictions`` may write: nowhere among the files that the evaluation reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.methods.predictions import Predictions
from bench.profiles.profile import Profile
from bench.stages.block import folder_of
from bench.suites.of_profile import path_of
from bench.suites.suite_file import entries_in
from bench.util.errors import UsageError
from variants.method import Method


def refuse_target(target: Path, methods: Sequence[Method], profile: Profile) -> None:
    """Raises UsageError where fills saved under ``target`` would replace what is scored, or be read as pictures, holes
    or fills of their own by the next evaluation."""
    fills = (method.root for method in methods if isinstance(method, Predictions))
    read = [place.resolve() for place in (*folders_of(profile), *fills)]
    for method in methods:
        own = (target / folder_of(method, methods)).resolve()
        for place in read:
            if own.is_relative_to(place) or place.is_relative_to(own):
                raise UsageError(
                    f"--save-predictions {target} would write {own.name} into {place}, which is being scored: choose "
                    "a folder outside it"
                )


def folders_of(profile: Profile) -> Iterator[Path]:
    """The folders of pictures and holes that a profile is scored on."""
    entries = entries_in(profile.suite_entries)
    specs = [entry.data for entry in entries] or list(profile.data)
    masks = [part for entry in entries for part in entry.masks.split(",")] or list(profile.masks)
    for spec in (*specs, *masks):
        if path_of(spec) and (place := Path(path_of(spec)).expanduser()).is_dir():
            yield place
