"""Writing a suite to disk, for any tool to fill (:mod:`bench.datasets.suite_manifest` reads it).

::

    DIR/images/<id>.png            the pictures
    DIR/holes/<mask>/<id>.png      white = missing
    DIR/masked/<mask>/<id>.png     the picture with its hole painted white
    DIR/manifest.json              ids, sizes, digests, hole areas, fingerprint, how to score
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

import bench
from bench.datasets.fingerprint import hole_digest, picture_digest
from bench.datasets.suite_manifest import KIND, MANIFEST, files_of, read_manifest
from bench.suites.suite import Suite
from bench.util.errors import UsageError
from bench.util.files import replacing, write_json, write_text
from bench.util.paths import Outside, inside
from variants.atomic import TEMPORARY, is_temporary, sweep

UNFINISHED = f"{MANIFEST}{TEMPORARY}"
"""Lies in a folder while a suite is written into it; says whether there is anything else."""


def export_suite(
    suite: Suite, folder: Path, force: bool = False, progress: Callable[[int], None] = lambda done: None
) -> dict[str, Any]:
    """Write a suite of one data set under ``folder`` and return its manifest.

    The manifest comes last: a folder that has one is whole. force: write into a folder that is not empty; what
    an earlier suite left there is removed, other files are not touched. progress: told how many more pictures
    are written. Raises UsageError for a folder in use, or where a hole file cannot be used.
    """
    (dataset,) = suite.datasets
    prepare(folder, force)
    targets = {f"{place}/{image_id}" for place in places(suite.masks) for image_id in dataset.ids}
    refuse_links(folder, targets)
    # Reads every picture and hole once before anything is written.
    fingerprint = suite.fingerprint()
    begin(folder)
    forget(folder)

    def write(part: tuple[str, np.ndarray, dict[str, np.ndarray]]) -> dict[str, Any]:
        image_id, image, holes = part
        save_png(folder / "images" / f"{image_id}.png", image)
        entry = {
            "id": image_id,
            "height": image.shape[0],
            "width": image.shape[1],
            "sha256": picture_digest(image),
            "holes": {},
        }
        for name, hole in holes.items():
            masked = np.where(hole[..., None], np.uint8(255), image)
            save_png(folder / "holes" / name / f"{image_id}.png", hole.astype(np.uint8) * 255)
            save_png(folder / "masked" / name / f"{image_id}.png", masked)
            entry["holes"][name] = {
                "area": float(hole.mean()),
                "sha256": hole_digest(hole),
                "masked_sha256": picture_digest(masked),
            }
        progress(1)
        return entry

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        entries = list(pool.map(write, pictures(suite)))
    manifest = {
        "schema": 1,
        "suite_version": suite.version,
        "kind": KIND,
        "made_by": f"inpaint-bench {bench.__version__}",
        "fingerprint": fingerprint,
        "protocol": suite.protocol,
        "seed": suite.seed if suite.drawn else None,
        "dataset": {
            "name": dataset.name,
            "split": dataset.split,
            "size": dataset.size,
            "count": len(dataset),
            "note": dataset.note,
        },
        "masks": list(suite.masks),
        "notes": suite.notes(),
        "how_to_score": how_to_score(suite.protocol),
        "images": entries,
    }
    write_json(folder / MANIFEST, manifest)
    (folder / UNFINISHED).unlink()
    return manifest


def pictures(suite: Suite) -> Iterator[tuple[str, np.ndarray, dict[str, np.ndarray]]]:
    """(id, picture, its hole of each mask type), in the data set's order."""
    (dataset,) = suite.datasets
    for index, image_id in enumerate(dataset.ids):
        image = dataset.load(index)
        yield (
            image_id,
            image,
            {name: suite.holes(dataset, name, [index], [image.shape])[0] for name in suite.masks_of(dataset)},
        )


def how_to_score(protocol: str) -> dict[str, Any]:
    """The manifest's words for whoever fills the suite with a tool of their own."""
    from bench.metrics.registry import metric

    here = {name: entry for name, entry in metric.all().items() if entry.region != "known"}
    as_came = [name for name, entry in here.items() if entry.under(protocol).region == "known"]
    return {
        "task": "For every mask type and id, fill the picture where holes/<mask>/<id>.png is white. The picture is "
        "images/<id>.png; masked/<mask>/<id>.png is the same with the hole painted white. A method may look at the "
        "known pixels only.",
        "save": "PREDICTIONS/<mask>/<id>.png: the whole filled picture, 8-bit RGB, of the picture's own size. Pairing "
        "is by name; what is missing, extra, unreadable or of another size is listed and scored as failed.",
        "known_pixels": "Scores are of 8-bit pictures whose known pixels are restored from images/ first"
        + (f", but not for {', '.join(as_came)}" if as_came else "")
        + "; how far they were changed is reported as known_drift (--no-composite scores the files as they are).",
        "commands": [
            "bench suite verify DIR",
            f"bench eval predictions:PREDICTIONS --data suite:DIR --masks folder:DIR --protocol {protocol}",
        ],
        "words": "DIR is the folder of this manifest, PREDICTIONS the folder of the filled pictures.",
        "report": "State the fingerprint with every score: scores of different suites are not comparable.",
    }


def prepare(folder: Path, force: bool) -> None:
    """Raises UsageError where ``folder`` cannot be written to."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a folder for the suite")
    if folder.is_dir() and not unused(folder) and not force and not alone(folder):
        raise UsageError(f"{folder} is not empty: name a new folder, or --force to write into it")


def places(masks: Iterable[str]) -> list[str]:
    """The folders of a suite's pictures."""
    return ["images", *(f"{kind}/{mask}" for kind in ("holes", "masked") for mask in masks)]


def refuse_links(folder: Path, targets: Iterable[str]) -> None:
    """Raises UsageError where a file would be written to another place, through a link, or two of them to one on file
    systems that do not tell upper case from lower."""
    seen: dict[str, str] = {}
    for name in sorted(targets):
        try:
            inside(folder, f"{name}.png")
        except Outside as error:
            raise UsageError(f"{folder} cannot take the suite: {error}; name a new folder") from error
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise UsageError(
                f"{name} and {other} differ only in case, and some file systems cannot hold both: rename one"
            )
    for place in ("images", "holes", "masked"):
        if (folder / place).is_symlink():
            raise UsageError(f"{folder / place} is a link, and a suite is written into its own folder: remove the link")


def alone(folder: Path) -> bool:
    """Whether the folder holds nothing but an export that was killed."""
    try:
        return (folder / UNFINISHED).read_text(encoding="utf-8") == "alone"
    except (OSError, ValueError):
        return False


def unused(folder: Path) -> bool:
    """Whether nothing lies in a folder but what an export left there that was killed as it began."""
    return all(path.name.startswith(f".{UNFINISHED}-") and is_temporary(path) for path in folder.iterdir())


def begin(folder: Path) -> None:
    """Mark the folder as being written, and remove what an export that was killed left there."""
    only = not folder.exists() or unused(folder) or alone(folder)
    sweep(folder)
    write_text(folder / UNFINISHED, "alone" if only else "beside other files")
    if only:
        for place in ("images", "holes", "masked"):
            shutil.rmtree(folder / place, ignore_errors=True)


def forget(folder: Path) -> None:
    """Remove an earlier suite's manifest, so that nothing half-written passes for whole, and its files."""
    if not (folder / MANIFEST).is_file():
        return
    try:
        earlier = [*files_of(read_manifest(folder))]
    except UsageError:
        earlier = []
    (folder / MANIFEST).unlink()
    for name in earlier:
        with contextlib.suppress(Outside):  # through a link: another's file
            inside(folder, name).unlink(missing_ok=True)
    for above in sorted({parent for name in earlier for parent in PurePosixPath(name).parents}, reverse=True):
        # A folder that still holds something stays.
        with contextlib.suppress(OSError):
            (folder / above).rmdir()


def save_png(path: Path, picture: np.ndarray) -> None:
    """Write a picture, uint8 (H, W, 3) or (H, W), atomically."""
    from PIL import Image

    with replacing(path, durable=False) as temporary:
        Image.fromarray(picture).save(temporary, "PNG")
