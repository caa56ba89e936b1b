"""Reading the manifest of a suite on disk (:mod:`bench.suites.export` writes it)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from bench.datasets.digest import VERSIONS
from bench.util.errors import UsageError

MANIFEST = "manifest.json"
KIND = "inpaint-bench suite"


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of an exported suite; without a ``suite_version`` it is of version 1.

    Raises UsageError where there is none, or one that cannot be used."""
    file = folder / MANIFEST
    if not file.is_file():
        raise UsageError(f"no suite at {folder}: it holds no {MANIFEST} (bench suite export makes one)")
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        if manifest["kind"] != KIND or manifest["schema"] != 1:
            raise ValueError("its kind or schema is another")
        if manifest.setdefault("suite_version", 1) not in VERSIONS:
            raise ValueError(f"its version is {manifest['suite_version']}, made by a later release")
        for key in ("fingerprint", "protocol", "seed", "dataset", "masks"):
            manifest[key]
        for entry in manifest["images"]:
            path = PurePosixPath(entry["id"])
            if path.is_absolute() or ".." in path.parts or "\\" in entry["id"]:
                raise ValueError(f"the id {entry['id']!r} leads out of the folder")
            for name in manifest["masks"]:
                {**entry["holes"][name]}["area"], entry["sha256"], (entry["height"], entry["width"])
    except (ValueError, KeyError, TypeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise UsageError(f"{file} is no manifest of a suite ({reason}): export the suite again") from error
    return manifest


def files_of(manifest: dict[str, Any]) -> Iterator[str]:
    """Every file that a manifest lists, relative to its folder."""
    for entry in manifest["images"]:
        yield f"images/{entry['id']}.png"
        for name in manifest["masks"]:
            yield f"holes/{name}/{entry['id']}.png"
            yield f"masked/{name}/{entry['id']}.png"
