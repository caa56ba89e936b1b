"""Places365 as ``torchvision.datasets.Places365`` lays it out: ``places365:DIR``.

::

    DIR/data_256_standard/a/airfield/00000001.jpg    training pictures; also data_256_challenge, data_large_…
    DIR/val_256/Places365_val_00000001.jpg           validation pictures; also val_large

The publisher's validation pictures are ours for scoring; of its training pictures one in ten, by a hash of the name, is
for validation. Where one of the two folders is missing, all pictures are split by hash. The 256 px files are read where
they are there and large enough for the size asked for.
"""

from __future__ import annotations

from pathlib import Path

from bench.datasets.collection import entries_of, open_collection, share
from bench.datasets.folder import find_pictures, find_root
from bench.datasets.registry import Dataset, check_request, dataset, takes_path
from bench.util.errors import UsageError

SMALL = 256
VALIDATION_SHARE = 0.1


@dataset("places365")
@takes_path
def open_places365(argument: str, split: str, size: int | None, count: int | None) -> Dataset:
    """Places365 in torchvision's layout, places365:DIR: its own split where both parts are there.

    Raises UsageError where there is neither, or no picture of the split.
    """
    check_request(size, count)
    root = find_root(argument, "places365")
    scales = ("256", "large") if size is None or size <= SMALL else ("large", "256")
    train = first(root, [f"data_{scale}_{kind}" for scale in scales for kind in ("standard", "challenge")])
    held = first(root, [f"val_{scale}" for scale in scales])
    parts = [part for part in (train, held) if part is not None]
    if not parts:
        raise UsageError(f"{root} holds no Places365: it needs val_256, data_256_standard, val_large or the like")
    # What is not asked for is not looked at: 1.8 million pictures take minutes.
    if split in ("train", "validation") and train is not None:
        parts = [train]
    elif split == "test" and held is not None:
        parts = [held]
    found, skipped = [], []
    for part in parts:
        names, left_out = find_pictures(root / part)
        found += [f"{part}/{name}" for name in names]
        skipped += [(f"{part}/{name}", why) for name, why in left_out]
    where = " and ".join(str(root / part) for part in parts)
    if not found and not skipped:
        raise UsageError(f"no pictures in {where}")
    entries = entries_of({name: root.absolute() / name for name in found})
    given = None
    if train is not None and held is not None:
        given = {entry.key: _splits_of(entry.key, train) for entry in entries}
    return open_collection("places365", "Places365", where, entries, skipped, split, size, count, given)


def first(root: Path, names: list[str]) -> str | None:
    """The first of these folder names that exists below ``root``; None where none does."""
    return next((name for name in names if (root / name).is_dir()), None)


def _splits_of(key: str, train: str) -> tuple[str, ...]:
    if not key.startswith(f"{train}/"):
        return ("test",)
    return ("validation",) if share(key) < VALIDATION_SHARE else ("train",)
