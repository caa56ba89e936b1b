"""A suite: pictures x mask types, frozen, with a fingerprint (what it hashes: :mod:`bench.datasets.fingerprint`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.datasets.fingerprint import (
    VERSION,
    hole_digest,
    hole_line,
    image_line,
    picture_digest,
    picture_key,
    suite_digest,
    text_digest,
)
from bench.datasets.registry import Dataset
from bench.masks.registry import draw, mask
from bench.suites.hole_file import PLAIN, Reading
from bench.suites.hole_folder import HoleFolder, folder_types, safe_name
from bench.suites.hole_pool import HolePool
from bench.util.errors import UsageError
from bench.util.words import titles_of
from variants.registry import suggest

FOLDER, POOL = "folder:", "pool:"
Files = HoleFolder | HolePool
BATCH = 16


@dataclass(frozen=True)
class Batch:
    """Pictures of one size: positions in the data set, ids, uint8 RGB (H, W, 3) each, holes bool (H, W) each."""

    indices: list[int]
    ids: list[str]
    images: list[np.ndarray]
    holes: list[np.ndarray]


@dataclass(frozen=True)
class Suite:
    """Pictures x mask types. A hole depends on (seed, mask type, picture id, size) alone.

    masks: names of the registry or of ``folders``. protocol: the preset that the scores follow. own: masks and folders
    of the data sets, by name, that have others than the rest; ``masks`` then names all there are.
    Raises UnknownName for a wrong mask type, UsageError where a folder lacks the hole of a picture.
    """

    datasets: tuple[Dataset, ...]
    masks: tuple[str, ...]
    seed: int = 0
    folders: tuple[Files, ...] = ()
    protocol: str = "native"
    own: Mapping[str, tuple[tuple[str, ...], tuple[Files, ...]]] = field(default_factory=dict)
    _fingerprint: list[str] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in self.masks:
            asked: dict[int, tuple[Files, list[Dataset]]] = {}
            for dataset in self.datasets:
                if name in self.masks_of(dataset):
                    folder = self.folder(name, dataset)
                    if folder is None:
                        mask.get(name)
                    else:
                        asked.setdefault(id(folder), (folder, []))[1].append(dataset)
            for folder, datasets in asked.values():
                folder.require([image_id for dataset in datasets for image_id in dataset.ids])
                if isinstance(folder, HoleFolder):
                    for dataset in datasets:
                        if dataset.path is not None:
                            for index, image_id in enumerate(dataset.ids):
                                folder.refuse_own(image_id, dataset.path(index))

    @classmethod
    def open(
        cls,
        datasets: Sequence[Dataset],
        masks: str,
        seed: int = 0,
        reading: Reading = PLAIN,
        protocol: str = "native",
    ) -> Suite:
        """A suite from the text of ``--masks``: see :func:`parse_masks`."""
        ids = [image_id for dataset in datasets for image_id in dataset.ids] if FOLDER in masks else []
        names, folders = parse_masks(masks, reading, ids, seed)
        return cls(tuple(datasets), names, seed, folders, protocol)

    @property
    def titles(self) -> dict[str, str]:
        """What people call each data set: a folder by its own name, unless another would be called the same."""
        return titles_of((dataset.name, dataset.title) for dataset in self.datasets)

    def masks_of(self, dataset: Dataset) -> tuple[str, ...]:
        """The mask types that a data set is scored on."""
        return self.own[dataset.name][0] if dataset.name in self.own else self.masks

    def folder(self, name: str, dataset: Dataset) -> Files | None:
        """The folder or pool that mask type ``name`` of a data set is read from, or None where it is drawn."""
        folders = self.own[dataset.name][1] if dataset.name in self.own else self.folders
        return next((folder for folder in folders if folder.name == name), None)

    @property
    def drawn(self) -> bool:
        """Whether some hole is drawn here, not read from a file."""
        return any(self.folder(name, dataset) is None for dataset in self.datasets for name in self.masks_of(dataset))

    @property
    def version(self) -> int:
        """Of the fingerprint's text: the exported suite's where all holes are read from files, else the current one."""
        if self.drawn:
            return VERSION
        return min((dataset.suite_version for dataset in self.datasets), default=VERSION)

    def holes(
        self, dataset: Dataset, mask: str, indices: Sequence[int], shapes: Sequence[Sequence[int]]
    ) -> list[np.ndarray]:
        """The holes of pictures ``indices``, whose shapes begin with (height, width): bool (H, W) each.

        Raises UsageError where a hole file is not of its picture's size.
        """
        sizes = [(int(shape[0]), int(shape[1])) for shape in shapes]
        folder = self.folder(mask, dataset)
        if folder is not None:
            return [folder.read(dataset.ids[i], size) for i, size in zip(indices, sizes, strict=True)]
        found: dict[int, np.ndarray] = {}
        for size in dict.fromkeys(sizes):
            members = [place for place, other in enumerate(sizes) if other == size]
            drawn = draw(mask, size, self.seed, [picture_key(dataset.ids[indices[place]]) for place in members])
            found.update(zip(members, drawn, strict=True))
        return [found[place] for place in range(len(sizes))]

    def batches(self, dataset: Dataset, mask: str, batch: int = BATCH) -> Iterator[Batch]:
        """The pictures in the data set's order, up to ``batch`` at a time; a change of size begins a new one."""
        for start in range(0, len(dataset), batch):
            for indices, images in same_size(dataset, range(start, min(start + batch, len(dataset)))):
                yield self.batch(dataset, mask, indices, images)

    def batch(self, dataset: Dataset, mask: str, indices: Sequence[int], images: Sequence[np.ndarray]) -> Batch:
        """Pictures ``indices``, which are at hand, with their holes."""
        holes = self.holes(dataset, mask, indices, [image.shape for image in images])
        return Batch(list(indices), [dataset.ids[i] for i in indices], list(images), holes)

    def fingerprint(
        self, batch: int = BATCH, workers: int = 1, progress: Callable[[int], None] = lambda done: None
    ) -> str:
        """Hex SHA-256 over all pictures and holes; the same whatever ``batch`` and ``workers`` (threads).

        Pictures whose digests are not known yet are loaded and hashed, once. ``progress`` is told how many more
        pictures are done. Raises UsageError where a hole file cannot be used.
        """
        if not self._fingerprint:
            digests = [self._dataset_digest(dataset, batch, workers, progress) for dataset in self.datasets]
            self._fingerprint.append(suite_digest(self.protocol, digests, self.version))
        return self._fingerprint[0]

    def _dataset_digest(self, dataset: Dataset, batch: int, workers: int, progress: Callable[[int], None]) -> str:
        names = sorted(set(self.masks_of(dataset)))

        def shown(indices: Sequence[int]) -> Iterator[list[tuple[int, Sequence[int], str]]]:
            if dataset.digests:
                yield [(i, *dataset.digests[i]) for i in indices]
                return
            for places, images in same_size(dataset, indices):
                yield [(i, image.shape, picture_digest(image)) for i, image in zip(places, images, strict=True)]

        def lines(start: int) -> list[list[str]]:
            found: list[list[str]] = [[] for _ in range(1 + len(names))]
            for pictures in shown(range(start, min(start + batch, len(dataset)))):
                found[0] += [image_line(dataset.ids[i], shape, digest) for i, shape, digest in pictures]
                indices, shapes, _ = zip(*pictures, strict=True)
                for column, name in zip(found[1:], names, strict=True):
                    holes = self.holes(dataset, name, indices, shapes)
                    column += [
                        hole_line(name, dataset.ids[i], shape, hole_digest(hole))
                        for i, shape, hole in zip(indices, shapes, holes, strict=True)
                    ]
            return found

        columns: list[list[str]] = [[] for _ in range(1 + len(names))]
        with ThreadPoolExecutor(max(workers, 1)) as pool:
            for part in pool.map(lines, range(0, len(dataset), batch)):
                for column, more in zip(columns, part, strict=True):
                    column.extend(more)
                progress(len(part[0]))
        return text_digest(line for column in columns for line in column)

    def notes(self) -> list[str]:
        """What a reader should know of the hole files read so far: after :meth:`fingerprint`, of all."""
        folders = [*self.folders, *(folder for _, own in self.own.values() for folder in own)]
        return [note for folder in folders for note in folder.notes()]


TOGETHER = 8 * 1024 * 1024
"""Pixels of the pictures that are filled and scored together, one picture at least."""


def same_size(dataset: Dataset, indices: Sequence[int]) -> Iterator[tuple[list[int], list[np.ndarray]]]:
    """Pictures in order, uint8 RGB (H, W, 3), as many neighbours together as are of one size and fit :data:`TOGETHER`.
    Where each has a size of its own they are loaded one by one, as big ones would not all fit memory."""
    images = iter(dataset.batch(indices)) if dataset.size is not None else map(dataset.load, indices)
    places: list[int] = []
    group: list[np.ndarray] = []
    for index, image in zip(indices, images, strict=True):
        pixels = image.shape[0] * image.shape[1]
        if group and (image.shape != group[0].shape or pixels * (len(group) + 1) > TOGETHER):
            yield places, group
            places, group = [], []
        places.append(index)
        group.append(image)
    if group:
        yield places, group


def parse_masks(
    text: str, reading: Reading = PLAIN, ids: Sequence[str] = (), seed: int = 0
) -> tuple[tuple[str, ...], tuple[Files, ...]]:
    """Names and holes of files from ``rect,circle``, ``all`` (every type drawn here), ``folder:DIR`` or ``pool:DIR``,
    mixed at will.

    reading: how files become holes. ids: the pictures' ids, which tell sub-folders that mirror the pictures' own from
    sub-folders that are mask types. seed: what pools deal by.
    Raises UnknownName with the nearest names, UsageError for an empty list or a folder without holes.
    """
    whole = text.startswith((FOLDER, POOL)) and Path(text.partition(":")[2]).expanduser().is_dir()
    names: list[str] = []
    folders: list[Files] = []
    for part in [text] if whole else [part.strip() for part in text.split(",")]:
        if part.startswith(FOLDER):
            folders += folder_types(part.removeprefix(FOLDER), reading, ids)
        elif part.startswith(POOL):
            folders.append(open_pool(part.removeprefix(POOL), reading, seed))
        elif part == "all":
            names += mask.names()
        elif part in mask.names():
            names.append(part)
        elif part:
            raise suggest(mask.noun, part, [*mask.names(), "folder:DIR", "pool:DIR"])
    taken = [*dict.fromkeys(names), *(folder.name for folder in folders)]
    for name in taken:
        if taken.count(name) > 1:
            raise UsageError(f"two mask types are named '{name}', one by a folder's name: rename the folder")
    if not taken:
        raise UsageError(f"no mask type in '{text}': choose from {', '.join(mask.names())}, folder:DIR or pool:DIR")
    return tuple(taken), tuple(folders)


def open_pool(argument: str, reading: Reading, seed: int) -> HolePool:
    """``pool:DIR``. Raises UsageError where there is no such folder."""
    root = Path(argument).expanduser()
    if not argument or not root.is_dir():
        raise UsageError(f"no folder of holes at '{argument}': pool:DIR takes one")
    return HolePool(safe_name(root.resolve().name), root, reading, seed)
