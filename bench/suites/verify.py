"""Checking an exported suite: every file is read again and held against the manifest."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.datasets.fingerprint import hole_digest, hole_line, image_line, picture_digest, suite_digest, text_digest
from bench.datasets.pictures import BrokenPicture, read_picture
from bench.datasets.suite_manifest import MANIFEST, files_of, read_manifest
from bench.suites.hole_file import THRESHOLD, read_hole_file, two_valued
from bench.util.errors import UsageError
from bench.util.paths import Outside, inside

FOLDERS = ("images", "holes", "masked")


@dataclass(frozen=True)
class Verification:
    """What differs between an exported suite and its manifest; file names are relative to its folder.

    changed: (file, how) pairs. fingerprint: of what lies there; None where a picture or a hole is missing or
    cannot be read.
    """

    expected: str
    fingerprint: str | None
    missing: tuple[str, ...]
    changed: tuple[tuple[str, str], ...]
    extra: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether the folder is what was exported, no more and no less."""
        return self.fingerprint == self.expected and not (self.missing or self.changed or self.extra)


@dataclass
class Entry:
    """What was found of one picture: its lines of the fingerprint's text, and what is wrong."""

    lines: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    changed: list[tuple[str, str]] = field(default_factory=list)


def verify_suite(folder: Path, progress: Callable[[int], None] = lambda done: None) -> Verification:
    """Hold an exported suite against its manifest. progress: told how many more pictures are checked.

    Raises UsageError where ``folder`` is no suite.
    """
    manifest = read_manifest(folder)

    def check(facts: dict[str, Any]) -> Entry:
        found = check_entry(folder, manifest["masks"], facts)
        progress(1)
        return found

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        entries = list(pool.map(check, manifest["images"]))
    listed = {*files_of(manifest)}
    there = {
        path.relative_to(folder).as_posix()
        for name in FOLDERS
        for path in (folder / name).rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
    return Verification(
        expected=manifest["fingerprint"],
        fingerprint=found_fingerprint(manifest, entries),
        missing=tuple(name for entry in entries for name in entry.missing),
        changed=tuple(pair for entry in entries for pair in entry.changed),
        extra=tuple(sorted(there - listed)),
    )


def found_fingerprint(manifest: dict[str, Any], entries: list[Entry]) -> str | None:
    """The fingerprint of the files as they are, or None where some picture or hole could not be read."""
    columns = ["", *sorted(manifest["masks"])]
    if any(column not in entry.lines for entry in entries for column in columns):
        return None
    text = (entry.lines[column] for column in columns for entry in entries)
    return suite_digest(manifest["protocol"], [text_digest(text)], manifest["suite_version"])


def check_entry(folder: Path, masks: list[str], facts: dict[str, Any]) -> Entry:
    """Read the files of one picture. ``lines`` has the picture's under "" and each hole's under its mask type."""
    found = Entry()
    image_id, size = facts["id"], (facts["height"], facts["width"])

    def read(name: str, how: Callable[[Path], np.ndarray]) -> np.ndarray | None:
        try:
            inside(folder, name)
        except Outside as error:
            found.changed.append((name, str(error)))
            return None
        if not (folder / name).is_file():
            found.missing.append(name)
            return None
        try:
            picture = how(folder / name)
        except (BrokenPicture, UsageError) as error:
            found.changed.append((name, f"cannot be read as a picture: {error}"))
            return None
        if picture.shape[:2] != size:
            height, width = picture.shape[:2]
            found.changed.append((name, f"is {width}x{height} pixels, not {size[1]}x{size[0]}"))
        return picture

    def compare(name: str, digest: str, expected: str) -> None:
        if digest != expected and name not in dict(found.changed):
            found.changed.append((name, "has other pixels"))

    name = f"images/{image_id}.png"
    image = read(name, read_picture)
    if image is not None:
        digest = picture_digest(image)
        compare(name, digest, facts["sha256"])
        found.lines[""] = image_line(image_id, image.shape, digest)
    for mask in masks:
        name = f"holes/{mask}/{image_id}.png"
        grey = read(name, lambda path: read_hole_file(path)[0])
        if grey is not None:
            hole = grey > THRESHOLD
            digest = hole_digest(hole)
            compare(name, digest, facts["holes"][mask]["sha256"])
            if not two_valued(grey):
                found.changed.append((name, "has pixels that are neither black nor white"))
            elif digest == facts["holes"][mask]["sha256"] and hole.mean() != facts["holes"][mask]["area"]:
                found.changed.append((MANIFEST, f"says another hole area of {name} than {hole.mean():.6f}"))
            found.lines[mask] = hole_line(mask, image_id, hole.shape, digest)
        name = f"masked/{mask}/{image_id}.png"
        masked = read(name, read_picture)
        if masked is not None:
            compare(name, picture_digest(masked), facts["holes"][mask]["masked_sha256"])
    return found
