"""Reading the manifest of a suite on disk (:mod:`bench.suites.export` writes it)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.datasets.fingerprint import VERSIONS
from bench.util.errors import UsageError
from bench.util.paths import Outside, relative
from bench.util.read_errors import Unfit, require_regular, why

MANIFEST = "manifest.json"
KIND = "inpaint-bench suite"
MASK = re.compile(r"[a-z0-9_]+")


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of an exported suite; without a ``suite_version`` it is of version 1.

    Raises UsageError where there is none, or one that cannot be used."""
    file = folder / MANIFEST
    if not file.is_file():
        raise UsageError(f"no suite at {folder}: it holds no {MANIFEST} (bench suite export makes one)")
    try:
        require_regular(file)
        manifest = json.loads(file.read_text(encoding="utf-8"))
        check(manifest)
    except (Exception, RecursionError) as error:
        raise UsageError(f"{file} is not a suite manifest ({why(error)}): export the suite again") from error
    return manifest


def check(manifest: dict[str, Any]) -> None:
    """Raises Unfit or Outside, or what Python raises for keys and types that are wrong, for what is no manifest."""
    if manifest["kind"] != KIND or manifest["schema"] != 1:
        raise Unfit("its kind or schema is different")
    if manifest.setdefault("suite_version", 1) not in VERSIONS:
        raise Unfit(f"its version is {manifest['suite_version']}, made by a later release")
    words(manifest, "fingerprint", "protocol")
    words(manifest["dataset"], "name", "split", "note")
    manifest["seed"]
    masks, images = manifest["masks"], manifest["images"]
    if not isinstance(masks, list) or not isinstance(images, list) or not masks or not images:
        raise Unfit("it lists no pictures or no mask types")
    for name in masks:
        if not isinstance(name, str) or not MASK.fullmatch(name):
            raise Outside(f"the mask type {str(name)[:40]!r} is not a valid name")
    seen: set[str] = set()
    for entry in images:
        relative(entry["id"])
        if entry["id"] in seen:
            raise Unfit(f"it lists {entry['id']} twice")
        seen.add(entry["id"])
        words(entry, "sha256")
        for key in ("height", "width"):
            if type(entry[key]) is not int or entry[key] < 1:
                raise Unfit(f"the {key} of {entry['id']} is not a number of pixels")
        for name in masks:
            words(entry["holes"][name], "sha256", "masked_sha256")
            float(entry["holes"][name]["area"])


def words(facts: dict[str, Any], *keys: str) -> None:
    """Raises Unfit unless all these facts are text."""
    for key in keys:
        if not isinstance(facts[key], str):
            raise Unfit(f"its {key} is not text")


def files_of(manifest: dict[str, Any]) -> Iterator[str]:
    """Every file that a manifest lists, relative to its folder."""
    for entry in manifest["images"]:
        yield f"images/{entry['id']}.png"
        for name in manifest["masks"]:
            yield f"holes/{name}/{entry['id']}.png"
            yield f"masked/{name}/{entry['id']}.png"
