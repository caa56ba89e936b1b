"""The pictures of a suite that ``bench suite export`` wrote, in its order and under its ids.

With its holes (``--masks folder:DIR``) and its protocol it has the fingerprint it was exported with.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.datasets.fingerprint import picture_digest, picture_key
from bench.datasets.pictures import BrokenPicture, read_picture
from bench.datasets.registry import Dataset, check_request, dataset
from bench.datasets.suite_manifest import read_manifest
from bench.util.errors import BenchError, UsageError
from bench.util.paths import Outside, inside
from bench.util.words import some


@dataset("suite")
def open_suite_folder(argument: str, split: str, size: int | None, count: int | None) -> Dataset:
    """The pictures of an exported suite, suite:DIR, exactly as they were exported.

    They are for scoring: there is no train or validation split, and no other ``size`` than their own. ``count`` keeps
    those of the lowest keys of their ids, so that fewer are a part of more. ``load`` raises BenchError for a picture
    that is not the exported one. Raises UsageError where there is no suite, or a picture of it is missing.
    """

    check_request(size, count)
    if not argument:
        raise UsageError("suite needs a path: write suite:DIR, the folder of an exported suite")
    root = Path(argument).expanduser()
    manifest = read_manifest(root)
    kept = {entry["id"] for entry in sorted(manifest["images"], key=lambda entry: picture_key(entry["id"]))[:count]}
    entries = [entry for entry in manifest["images"] if entry["id"] in kept]
    if split not in ("test", "all"):
        raise UsageError(f"the suite at {root} is for scoring only: it has no {split} pictures; train on other data")
    sides = {(entry["height"], entry["width"]) for entry in entries}
    own = entries[0]["height"] if len(sides) == 1 and len({*next(iter(sides))}) == 1 else None
    if size is not None and size != own:
        raise UsageError(f"the pictures of the suite at {root} are frozen: leave out the size ({size} px)")
    try:
        missing = [entry["id"] for entry in entries if not file_of(root, entry["id"]).is_file()]
    except Outside as error:
        raise UsageError(f"the suite at {root} cannot be used: {error}") from error
    if missing:
        raise UsageError(
            f"{len(missing)} of {len(entries)} pictures are missing from the suite at {root} ({some(missing)}): "
            "bench suite verify lists all faults"
        )

    def load(index: int) -> np.ndarray:
        entry = entries[index]
        path = file_of(root, entry["id"])
        try:
            image = read_picture(path)
        except BrokenPicture as error:
            raise BenchError(f"{path} cannot be read: {error} (bench suite verify lists all faults)") from error
        if image.shape[:2] != (entry["height"], entry["width"]) or picture_digest(image) != entry["sha256"]:
            raise BenchError(f"{path} is not the picture that was exported (bench suite verify lists all faults)")
        return image

    return Dataset(
        name=manifest["dataset"]["name"],
        split=manifest["dataset"]["split"],
        size=own,
        ids=[entry["id"] for entry in entries],
        load=load,
        note=f"exported suite {manifest['fingerprint'][:12]}: {manifest['dataset']['note']}",
        suite_version=manifest["suite_version"],
    )


def file_of(root: Path, image_id: str) -> Path:
    """The picture of an id; raises where the id would lead out of the suite's folder."""
    return inside(root, f"images/{image_id}.png")
