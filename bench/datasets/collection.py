"""Pictures in files, wherever these lie: checked, named, split by a hash of the name, cut to size.

Every file is decoded once when a collection is opened; those that cannot be read are named in ``Dataset.skipped``.
Each picture's name decides its split (a hash of it: 20 % test, 10 % validation, the rest train), so adding a picture
moves no other. Where that leaves a split without pictures, the nearest hash moves over; of two pictures the one trained
on also validates; a single picture is all there is for every split, and the note says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.datasets.cache import PictureCache
from bench.datasets.fingerprint import picture_digest
from bench.datasets.member import Member
from bench.datasets.pictures import BrokenPicture, fit_square, measure_picture, random_crop, read_picture, shrink
from bench.datasets.registry import SPLITS, Dataset
from bench.util import draws
from bench.util.errors import BenchError, UsageError
from bench.util.files import write_json
from bench.util.places import cache_folder

MANY = 2_000
"""Pictures from which on decoding them once takes so long that its outcome is kept."""

TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1


@dataclass(frozen=True)
class Entry:
    """A picture of a collection. label: its file, for messages. key: what its split and its crops are drawn from."""

    id: str
    key: str
    label: str
    source: Path | Member


class Seen(NamedTuple):
    """What is known of a picture that could be read. digest: of its values as they will be loaded; empty where it was
    not decoded for that."""

    width: int
    height: int
    digest: str = ""


def entries_of(sources: dict[str, Path | Member]) -> list[Entry]:
    """Pictures by the path that names them: ids are paths without suffix, or whole where two would share an id."""
    ids = name_pictures([*sources])
    return [Entry(ids[name], stem(name), name, source) for name, source in sources.items()]


def open_collection(
    name: str,
    title: str,
    where: str,
    entries: Sequence[Entry],
    skipped: Sequence[tuple[str, str]],
    split: str,
    size: int | None,
    count: int | None,
    given: dict[str, tuple[str, ...]] | None = None,
) -> Dataset:
    """A data set of ``entries``, of which the broken ones are left out.

    With a ``size``, the train split goes on after its last picture: picture i is number ``i % n`` again, as a crop of
    random place and scale, mirrored half the time, drawn from its key and i; so any ``count`` can be asked for. Other
    splits hold ``count`` pictures at most, the same ones whatever else there is (lowest hashes first).
    where: what messages and the note call the place. skipped: what was left out already, and why. given: the splits of
    each key, where its publisher has set them. Raises UsageError where no picture can be read.
    """
    # Of a split only some will be asked for, and a JPEG is checked faster than it is decoded.
    decoded = PictureCache() if split == "all" else None
    sources = [entry.source for entry in entries]
    checked = dict(zip(entries, check_pictures(sources, decoded, size), strict=True))
    good = {entry: seen for entry, seen in checked.items() if not isinstance(seen, str)}
    broken = [(entry.label, why) for entry, why in checked.items() if isinstance(why, str)]
    skipped = sorted([*skipped, *broken])
    if not good:
        first, why = skipped[0]
        raise UsageError(
            f"none of the {len(skipped)} pictures in {where} can be read (the first, {first}: {why}): "
            "repair or replace them"
        )
    splits = given or assign_splits([entry.key for entry in good])
    chosen = [entry for entry in good if split in ("all", *splits[entry.key])]
    if not chosen:
        raise UsageError(f"no {split} picture in {where} can be read")
    if count is not None:
        chosen = sorted(chosen, key=lambda entry: (share(entry.key), entry.label))[:count]
    chosen.sort(key=lambda entry: entry.id)
    endless = split == "train" and size is not None
    length = count if endless and count is not None else len(chosen)
    again = "@"
    while any(again in entry.id for entry in chosen):
        again += "@"
    pictures = FilePictures(tuple(chosen), size, endless)
    if decoded is not None:
        pictures.take(decoded)
    known = [good[entry] for entry in chosen]
    note = describe(where, split, size, known, length, [splits[e.key] for e in good], given is None)
    shapes = [(each.height, each.width) if size is None else (size, size) for each in known]
    return Dataset(
        name=name,
        split=split,
        size=size,
        ids=[
            chosen[i % len(chosen)].id + (f"{again}{i // len(chosen)}" if i >= len(chosen) else "")
            for i in range(length)
        ],
        load=pictures.load,
        load_batch=pictures.batch if size is not None else None,
        recipe=partial(pictures.recipe, length),
        path=pictures.path if all(isinstance(entry.source, Path) for entry in chosen) else None,
        note=note,
        title=title,
        skipped=tuple(skipped),
        digests=tuple(zip(shapes, (each.digest for each in known), strict=True)) if decoded is not None else (),
    )


def facts_of(source: Path | Member) -> str:
    """A file by path, size and times; of one in an archive, those of the archive and its place there.

    The time of the last change of the entry counts too: a copy may keep the time of the content, but not that.
    """
    file = source if isinstance(source, Path) else source.tar
    place = "" if isinstance(source, Path) else f"{source.name!r} {source.offset} {source.size} in "
    try:
        status = file.stat()
    except OSError as error:
        return f"{place}{file!r} {error.strerror}"
    return f"{place}{str(file)!r} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


@cache
def reader_version() -> str:
    """Of what turns files into pixels: the text of these modules, and the libraries' versions."""
    import cv2
    import PIL
    from PIL import features

    from bench.datasets import member, pictures, plain_png

    source = hashlib.sha256()
    for module in (__file__, member.__file__, pictures.__file__, plain_png.__file__, draws.__file__):
        source.update(Path(module).read_bytes())
    return f"reader {source.hexdigest()} Pillow {PIL.__version__} {features.version('jpg')} OpenCV {cv2.__version__}"


_checked: dict[tuple[str, int, int, int, object], Seen] = {}
"""What was found of a file by path, length, both times, and what it was decoded for: a run opens a folder often."""


def check_pictures(
    sources: Sequence[Path | Member], decoded: PictureCache | None = None, size: int | None = None
) -> list[Seen | str]:
    """What is known of each file, or why it cannot be read. Decoding releases the GIL: threads gain.

    Of many files the cache keeps what was found of those that can be read. decoded: every picture is decoded, cut to
    ``size`` and hashed; as many as it has room for are kept in it, by :func:`place_of`.
    """
    file = None
    known: list[list[Any] | None] = [None] * len(sources)
    if len(sources) >= MANY:
        wanted = "measured" if decoded is None else f"hashed at {size}"
        text = "\n".join([reader_version(), wanted, *map(facts_of, sources)])
        file = cache_folder() / "checked" / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"
        with contextlib.suppress(OSError, ValueError, RecursionError):
            kept = json.loads(file.read_text(encoding="utf-8"))
            known = kept if fits(kept, len(sources), decoded is not None) else known

    def check(source: Path | Member, kept: list[Any] | None) -> Seen | str:
        return Seen(*kept) if kept else check_picture(source, decoded, size)

    with ThreadPoolExecutor(max_workers=min(16, os.cpu_count() or 1)) as pool:
        found = list(pool.map(check, sources, known))
    if file is not None and None in known:
        with contextlib.suppress(BenchError, OSError):
            write_json(file, [None if isinstance(seen, str) else seen for seen in found])
    return found


def fits(kept: Any, count: int, hashed: bool) -> bool:
    """Whether this is what :func:`check_pictures` writes of so many pictures: the cache may hold any file.

    >>> fits([None, [3, 2, ""]], 2, hashed=False), fits([None, [3, 2, ""]], 2, hashed=True), fits({}, 0, False)
    (True, False, False)
    """

    def fit(seen: Any) -> bool:
        if not isinstance(seen, list) or [type(value) for value in seen] != [int, int, str]:
            return False
        return min(seen[:2]) > 0 and bool(re.fullmatch("[0-9a-f]{64}" if hashed else "", seen[2]))

    return isinstance(kept, list) and len(kept) == count and all(seen is None or fit(seen) for seen in kept)


def check_picture(source: Path | Member, decoded: PictureCache | None, size: int | None) -> Seen | str:
    """See :func:`check_pictures`."""
    file = source if isinstance(source, Path) else source.tar
    wanted = "measured" if decoded is None else size
    try:
        status = file.stat()
        key = (_place_of(source), status.st_size, status.st_mtime_ns, status.st_ctime_ns, wanted)
    except OSError:
        key = (str(source), -1, -1, -1, wanted)
    if key not in _checked:
        try:
            if decoded is None:
                _checked[key] = Seen(*measure_picture(source))
            else:
                pixels = read_picture(source)
                shown = pixels if size is None else fit_square(pixels, size)
                decoded.get(key[0], lambda _: shown)
                _checked[key] = Seen(pixels.shape[1], pixels.shape[0], picture_digest(shown))
        except BrokenPicture as error:
            return str(error)
    return _checked[key]


def _place_of(source: Path | Member) -> str:
    return str(source.absolute() if isinstance(source, Path) else source)


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
class FilePictures:
    """Loads the pictures of one split. Pickles, so that workers can have it."""

    entries: tuple[Entry, ...]
    size: int | None
    endless: bool

    def __post_init__(self) -> None:
        self.cache = PictureCache()

    def take(self, decoded: PictureCache) -> None:
        """Take over pictures that are decoded already, by :func:`place_of`."""
        for number, entry in enumerate(self.entries):
            pixels = decoded.pop(_place_of(entry.source))
            if pixels is not None:
                self.cache.get(str(number), lambda _, pixels=pixels: pixels)  # type: ignore[misc]

    def load(self, i: int) -> np.ndarray:
        """Picture i, uint8 RGB (H, W, 3), the caller's own."""
        shown = self.shown(i)
        return shown if shown.flags.writeable else shown.copy()

    def batch(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Pictures of a size stacked, uint8 (N, size, size, 3), each copied once."""
        assert self.size is not None
        stacked = np.empty((len(indices), self.size, self.size, 3), np.uint8)
        for row, index in zip(stacked, indices, strict=True):
            row[:] = self.shown(int(index))
        return stacked

    def shown(self, i: int) -> np.ndarray:
        """Picture i, which may be the cache's own and read-only."""
        number, turn = i % len(self.entries), i // len(self.entries)
        pixels = self.cache.get(str(number), self.read)
        if not self.endless or turn == 0:
            return pixels if not self.endless or self.size is None else fit_square(pixels, self.size)
        assert self.size is not None
        return random_crop(pixels, self.size, draws.uniforms(0, f"folder/{self.entries[number].key}", turn, 4)[0])

    def path(self, i: int) -> Path:
        """The file of picture ``i``, counted around; only for pictures that are no members of a tar archive."""
        source = self.entries[i % len(self.entries)].source
        assert isinstance(source, Path)
        return source

    def recipe(self, length: int) -> str:
        """All that the first ``length`` pictures depend on: each file with its size and times, how it is cut, by what
        reader."""
        lines = [f"size {self.size} crops {self.endless} length {length}", reader_version()]
        return "\n".join([*lines, *(f"{entry.key!r} {facts_of(entry.source)}" for entry in self.entries)])

    def read(self, number: str) -> np.ndarray:
        """What is kept in the cache: the finished picture, or for crops the picture at twice the size."""
        source = self.entries[int(number)].source
        try:
            if not self.endless:
                pixels = read_picture(source)
                return pixels if self.size is None else fit_square(pixels, self.size)
            assert self.size is not None
            return shrink(read_picture(source, at_least=2 * self.size), 2 * self.size)
        except BrokenPicture as error:
            raise BenchError(f"{source} has become unreadable: {error}") from error


def describe(
    where: str,
    split: str,
    size: int | None,
    seen: Sequence[Seen],
    length: int,
    parts: list[tuple[str, ...]],
    hashed: bool,
) -> str:
    """The note: where the pictures come from, how they were split, how many had to be enlarged.

    seen: of the pictures chosen; length: of the data set; parts: the splits of every picture there is; hashed: whether
    all of these were drawn by hash.
    """
    total = len(parts)
    pictures = "picture" if total == 1 else "pictures"
    if split == "all":
        note = f"all {total} {pictures} of {where}" if len(seen) == total else f"{len(seen)} of {total} in {where}"
    elif parts[0] == SPLITS:
        note = (
            f"{total} {pictures} of one name in {where}: used to train, validate and score alike, so "
            "scores are optimistic; add pictures for a proper split"
        )
    else:
        counts = Counter(name for names in parts for name in names)
        shares = ", ".join(f"{counts[name]} {name}" for name in SPLITS)
        how = f"split by a hash of the name: {shares}" if hashed else shares
        note = f"{len(seen)} {split} of {total} {pictures} in {where} ({how})"
        if split == "validation" and ("train", "validation") in parts:
            note += "; too few to spare one: the validation picture is the one trained on"
    if length > len(seen):
        note += f"; {length - len(seen)} more are crops of these at random"
    small = sum(min(each.width, each.height) < size for each in seen) if size else 0
    if small:
        note += f"; {small} smaller than {size} px, enlarged"
    return note
