"""All backbones by name: what ``bench weights`` shows, fetches and takes in."""

from __future__ import annotations

import os
import re
import shutil
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from bench.backbones.backbone import (
    Backbone,
    WeightsError,
    candidates,
    find,
    folders,
    read_tensors,
    require_model,
    sha256,
    user_folder,
)
from bench.backbones.dinov2 import DINOV2
from bench.backbones.inception import INCEPTION
from bench.backbones.lpips import BACKBONES as LPIPS
from bench.backbones.lpips import SUFFIXES
from bench.backbones.vgg16 import OXFORD
from bench.util.errors import UsageError
from bench.util.files import replacing
from variants.registry import suggest

CATALOGUE: dict[str, Backbone] = {**LPIPS, OXFORD.name: OXFORD, INCEPTION.name: INCEPTION, DINOV2.name: DINOV2}

MIRROR = "BENCH_WEIGHTS_URL"


def backbone(name: str) -> Backbone:
    """The backbone called ``name``. Raises UnknownName for a wrong name."""
    if name not in CATALOGUE:
        raise suggest("backbone", name, CATALOGUE)
    return CATALOGUE[name]


def address(which: Backbone, url: str | None = None) -> tuple[str, str, str]:
    """Where to fetch a backbone: the URL, the file's name, and what its SHA-256 begins with.

    url: the folder to fetch from, or a file whose name ends in the first digits of its SHA-256
    (``name-0123abcd.pth``); None: the mirror that BENCH_WEIGHTS_URL names, else the publisher's. Raises UsageError for
    anything else.
    """
    url = url or os.environ.get(MIRROR)
    if not url:
        return f"{which.base_url}/{which.file}", which.file, which.sha256_prefix
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"--url {url} must begin with http:// or https://")
    path = url.split("?", 1)[0].split("#", 1)[0]
    if not path.endswith(SUFFIXES):
        return f"{url.rstrip('/')}/{which.file}", which.file, which.sha256_prefix
    file = path.rsplit("/", 1)[1]
    if file == which.file:
        return url, file, which.sha256_prefix
    match = re.search(r"-([0-9a-f]{8,64})$", Path(file).stem)
    if match is None:
        raise UsageError(f"--url {url} names a file without the first digits of its SHA-256 (name-0123abcd.pth)")
    if not fnmatchcase(file, which.pattern):
        file = f"{Path(which.file).stem.rsplit('-', 1)[0]}-{match[1]}{Path(file).suffix}"
    return url, file, match[1]


def recognise(path: Path) -> tuple[Backbone, str]:
    """Which backbone a file holds, by its layers' shapes and its values, and the check that it passed. Raises
    WeightsError where it is none."""
    state = read_tensors(path)
    refused: list[WeightsError] = []
    # Of the two files of VGG16's shapes Oxford's is told by three small pictures, the other by many large ones.
    for which in sorted(CATALOGUE.values(), key=lambda backbone: backbone is not OXFORD):
        if which.recognises(state):
            try:
                return which, which.check(path)[1]
            except WeightsError as error:
                refused.append(error)
    if refused:
        raise refused[-1]
    raise WeightsError(f"{path} holds none of {', '.join(CATALOGUE)}: give a checkpoint of one of these")


def add(path: Path) -> tuple[Backbone, Path, str]:
    """Check a file and copy it to the user's folder: which backbone, where it lies now, the check passed.

    Raises UsageError where it cannot be used; nothing is copied then.
    """
    if not path.is_file():
        raise UsageError(f"file not found: {path}; name a .pth or .safetensors file")
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path} is not a {' or '.join(SUFFIXES)} file")
    try:
        which, passed = recognise(path)
    except WeightsError as error:
        raise UsageError(str(error)) from error
    name = path.name
    if not fnmatchcase(name, which.pattern):
        published = sha256(path).startswith(which.sha256_prefix)
        name = which.file if published else f"{which.name}_features{path.suffix}"
    target = user_folder() / name
    if not (target.exists() and target.samefile(path)):
        with replacing(target) as temporary:
            shutil.copyfile(path, temporary)
    return which, target, passed


def status(weights_dir: Path | None = None) -> list[dict[str, Any]]:
    """Per backbone: where it was looked for, the file found, its SHA-256, and the check passed or why not."""
    rows = []
    for which in CATALOGUE.values():
        looked = [
            {
                "where": why,
                "folder": str(folder),
                "exists": folder.is_dir(),
                "files": [path.name for path in candidates(which, folder)],
            }
            for why, folder in folders(weights_dir)
        ]
        path = find(which, weights_dir)
        row: dict[str, Any] = {"backbone": which.name, "scores": which.scores, "looked": looked}
        if path is None:
            why = f"not found: bench weights fetch {which.name}"
            row |= {"file": None, "sha256": None, "usable": False, "check": None, "why": why}
        else:
            row |= {"file": str(path), "sha256": None}
            try:
                require_model(path)
                row |= {"sha256": sha256(path), "usable": True, "check": which.check(path)[1], "why": None}
            except WeightsError as error:
                row |= {"usable": False, "check": None, "why": str(error)}
        rows.append(row)
    return rows
