"""Any folder of pictures.

``folder:PATH`` finds pictures in PATH and below it. An id is the path below PATH without its suffix (with
it where two files would share an id). Every file is decoded once when the folder is opened; those that
cannot be read are named in ``Dataset.skipped``.

Each picture's name decides its split (a hash of it: 20 % test, 10 % validation, the rest train), so adding a
picture moves no other. Where that leaves a split without pictures, the nearest hash moves over; of two
pictures the one trained on also validates; a single picture is all there is for every split, and the note says so.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.datasets.cache import PictureCache
from bench.datasets.pictures import (
    SUFFIXES,
    BrokenPicture,
    fit_square,
    measure_picture,
    random_crop,
    read_picture,
    shrink,
)
from bench.datasets.registry import SPLITS, Dataset, check_request, dataset
from bench.util import draws
from bench.util.errors import BenchError, UsageError

TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1


@dataset("folder")
def open_folder(argument: str, split: str, size: int | None, count: int | None) -> Dataset:
    """The pictures of a folder.

    With a ``size``, the train split goes on after its last picture: picture i is number ``i % n`` again, as
    a crop of random place and scale, mirrored half the time, drawn from its name and i; so any ``count`` can
    be asked for. Other splits hold ``count`` pictures at most, the same ones whatever else is in the folder
    (lowest hashes first). Raises UsageError where the folder is missing, or holds no picture that can be read.
    """
    check_request(size, count)
    root = find_root(argument)
    found, skipped = find_pictures(root)
    checked = check_pictures([root / name for name in found])
    good = {name: sides for name, sides in zip(found, checked, strict=True) if not isinstance(sides, str)}
    skipped += [(name, why) for name, why in zip(found, checked, strict=True) if isinstance(why, str)]
    if not good:
        refuse_empty(root, skipped)
    ids = name_pictures(found)
    splits = assign_splits([stem(name) for name in good])
    chosen = [name for name in good if split in ("all", *splits[stem(name)])]
    if count is not None:
        chosen = sorted(chosen, key=lambda name: (share(stem(name)), name))[:count]
    chosen.sort(key=lambda name: ids[name])
    endless = split == "train" and size is not None
    length = count if endless and count is not None else len(chosen)
    source = FolderPictures(root.absolute(), tuple(chosen), size, endless)
    again = "@"
    while any(again in ids[name] for name in chosen):
        again += "@"
    return Dataset(
        name="folder",
        split=split,
        size=size,
        ids=[
            ids[chosen[i % len(chosen)]] + (f"{again}{i // len(chosen)}" if i >= len(chosen) else "")
            for i in range(length)
        ],
        load=source.load,
        path=source.path,
        note=describe(
            root, split, size, [good[name] for name in chosen], length, [splits[stem(name)] for name in good]
        ),
        title=root.absolute().name,
        skipped=tuple(sorted(skipped)),
    )


def find_root(argument: str) -> Path:
    if not argument:
        raise UsageError("folder needs a path: write folder:PATH, the path of a folder of pictures")
    root = Path(argument).expanduser()
    if not root.exists():
        raise UsageError(f"the folder {root} does not exist: give folder:PATH the path of a folder of pictures")
    if not root.is_dir():
        raise UsageError(f"{root} is a file: give folder:PATH the path of a folder of pictures")
    return root


def refuse_empty(root: Path, skipped: list[tuple[str, str]]) -> None:
    if not skipped:
        endings = " ".join(sorted(SUFFIXES))
        raise UsageError(f"no pictures in {root} or below it: give a folder that holds some ({endings})")
    name, why = skipped[0]
    raise UsageError(
        f"none of the {len(skipped)} pictures in {root} can be read (the first, {name}: {why}): "
        "mend them or give another folder"
    )


def find_pictures(root: Path) -> tuple[list[str], list[tuple[str, str]]]:
    """Relative POSIX paths of the pictures below ``root``, sorted, and what could not be looked into.

    Links to folders are followed, each folder once. Hidden files and folders are left out.
    """
    found: list[str] = []
    skipped: list[tuple[str, str]] = []
    visited: set[tuple[int, int]] = set()

    def refused(error: OSError) -> None:
        where = Path(str(error.filename))
        skipped.append((where.relative_to(root).as_posix(), error.strerror or type(error).__name__))

    for folder, folders, files in os.walk(root, followlinks=True, onerror=refused):
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in visited:
            folders.clear()
            continue
        visited.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        for name in files:
            if name.startswith(".") or Path(name).suffix.lower() not in SUFFIXES:
                continue
            path = (Path(folder) / name).relative_to(root).as_posix()
            try:
                path.encode()
            except UnicodeEncodeError:
                skipped.append((path.encode(errors="backslashreplace").decode(), "its name is not valid UTF-8"))
            else:
                found.append(path)
    return sorted(found), skipped


_checked: dict[tuple[str, int, int], tuple[int, int] | str] = {}
"""(path, bytes, time of change) -> (width, height), or why it cannot be read; a run opens a folder often."""


def check_pictures(paths: list[Path]) -> list[tuple[int, int] | str]:
    """(width, height) of each file, or why it cannot be read. Decoding releases the GIL: threads gain."""
    with ThreadPoolExecutor(max_workers=min(16, os.cpu_count() or 1)) as pool:
        return list(pool.map(check_picture, paths))


def check_picture(path: Path) -> tuple[int, int] | str:
    try:
        status = path.stat()
        key = (str(path.absolute()), status.st_size, status.st_mtime_ns)
    except OSError:
        key = (str(path), -1, -1)
    if key not in _checked:
        try:
            _checked[key] = measure_picture(path)
        except BrokenPicture as error:
            return str(error)
    return _checked[key]


def stem(name: str) -> str:
    """The path without its suffix; what splits are drawn from, so that a.jpg and a.png never part."""
    return name[: -len(Path(name).suffix)]


def name_pictures(names: list[str]) -> dict[str, str]:
    """Path -> id: the path without suffix, or whole where two paths would share an id."""
    ids = {name: stem(name) for name in names}
    while True:
        taken = Counter(ids.values())
        shared = [name for name, picture in ids.items() if taken[picture] > 1 and picture != name]
        if not shared:
            return ids
        ids.update((name, name) for name in shared)


def share(key: str) -> float:
    """A number in [0, 1) that depends on the name alone."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little") / 2**64


def assign_splits(keys: list[str]) -> dict[str, tuple[str, ...]]:
    """Key -> its splits: one each, drawn by hash, and none of the three is left empty.

    Of two pictures the train one also validates; a single one is in all three.
    """
    unique = sorted(set(keys), key=lambda key: (share(key), key))
    if len(unique) == 1:
        return {unique[0]: SPLITS}
    test = [key for key in unique if share(key) < TEST_SHARE]
    validation = [key for key in unique if TEST_SHARE <= share(key) < TEST_SHARE + VALIDATION_SHARE]
    train = [key for key in unique if share(key) >= TEST_SHARE + VALIDATION_SHARE]
    if not test:
        test.append((validation or train).pop(0))
    if not train:
        train.append((validation or test).pop())
    if not validation and len(unique) > 2:
        validation.append(train.pop(0) if len(train) > 1 else test.pop())
    splits: dict[str, tuple[str, ...]] = dict.fromkeys(test, ("test",))
    splits.update((key, ("validation",)) for key in validation)
    splits.update((key, ("train",) if validation else ("train", "validation")) for key in train)
    return splits


@dataclass
class FolderPictures:
    """Loads the pictures of one split. Pickles, so that workers can have it."""

    root: Path
    names: tuple[str, ...]
    size: int | None
    endless: bool

    def __post_init__(self) -> None:
        self.cache = PictureCache()

    def load(self, i: int) -> np.ndarray:
        name = self.names[i % len(self.names)]
        pixels = self.cache.get(name, self.read)
        turn = i // len(self.names)
        if not self.endless or turn == 0:
            return pixels.copy() if not self.endless or self.size is None else fit_square(pixels, self.size)
        assert self.size is not None
        return random_crop(pixels, self.size, draws.uniforms(0, f"folder/{stem(name)}", turn, 4)[0])

    def path(self, i: int) -> Path:
        return self.root / self.names[i % len(self.names)]

    def read(self, name: str) -> np.ndarray:
        """What is kept in the cache: the finished picture, or for crops the picture at twice the size."""
        try:
            if not self.endless:
                pixels = read_picture(self.root / name)
                return pixels if self.size is None else fit_square(pixels, self.size)
            assert self.size is not None
            return shrink(read_picture(self.root / name, at_least=2 * self.size), 2 * self.size)
        except BrokenPicture as error:
            raise BenchError(f"{self.root / name} was readable before and is not now: {error}") from error


def describe(
    root: Path,
    split: str,
    size: int | None,
    sides: list[tuple[int, int]],
    length: int,
    parts: list[tuple[str, ...]],
) -> str:
    """The note: where the pictures come from, how they were split, how many had to be enlarged.

    sides: of the pictures chosen; length: of the data set; parts: the splits of every picture there is.
    """
    total = len(parts)
    pictures = "picture" if total == 1 else "pictures"
    if split == "all":
        note = f"all {total} {pictures} of {root}" if len(sides) == total else f"{len(sides)} of {total} in {root}"
    elif parts[0] == SPLITS:
        note = (
            f"{total} {pictures} of one name in {root}: trained on, validated on and scored, so scores flatter; "
            "add pictures for an honest split"
        )
    else:
        counts = Counter(name for names in parts for name in names)
        shares = ", ".join(f"{counts[name]} {name}" for name in SPLITS)
        note = f"{len(sides)} {split} of {total} {pictures} in {root} (split by a hash of the name: {shares})"
        if split == "validation" and ("train", "validation") in parts:
            note += "; too few to spare one: the validation picture is the one trained on"
    if length > len(sides):
        note += f"; {length - len(sides)} more are crops of these at random"
    small = sum(min(pair) < size for pair in sides) if size else 0
    if small:
        note += f"; {small} smaller than {size} px, enlarged"
    return note
