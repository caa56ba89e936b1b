"""A suite: pictures x mask types, frozen, and its fingerprint.

The fingerprint is the SHA-256 of a short text, so that anyone can compute it from the files alone::

    inpaint-bench suite 1
    protocol <name>
    <digest of a data set>            one line per data set, sorted

The digest of a data set is the SHA-256 of its own text: one line per picture in the data set's order, and
after all the pictures, per mask type sorted by name, one line per hole in the same order::

    image <id as JSON> <height>x<width> <pixels>
    hole <mask> <id as JSON> <height>x<width> <bits>

``pixels`` is the SHA-256 of the uint8 RGB values row by row, ``bits`` that of the hole packed eight pixels to
a byte row by row (the first pixel in the highest bit, zeros after the last; rows are not padded). Every line
ends in one newline; texts are UTF-8 and the JSON is ASCII. Names of data sets, the seed and the file format
are not in it: whoever has the same pictures and the same holes has the same suite.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from bench.datasets.registry import Dataset
from bench.errors import UsageError
from bench.masks.registry import draw, mask
from bench.suite_files import HoleFolder, folder_types
from variants.registry import suggest

FOLDER = "folder:"
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
    """Pictures x mask types. A hole depends on (seed, mask type, position in the data set, size) alone.

    masks: names of the registry, or of ``folders``. Raises UnknownName for a wrong name, UsageError where a
    folder lacks the hole of a picture.
    """

    datasets: tuple[Dataset, ...]
    masks: tuple[str, ...]
    seed: int = 0
    folders: tuple[HoleFolder, ...] = ()
    protocol: str = "native"
    _known: dict = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in self.masks:
            folder = self.folder(name)
            if folder is None:
                mask.get(name)
                continue
            for dataset in self.datasets:
                folder.require(dataset.ids)

    @classmethod
    def open(
        cls,
        datasets: Sequence[Dataset],
        masks: str,
        seed: int = 0,
        polarity: str = "white",
        protocol: str = "native",
    ) -> Suite:
        """A suite from the text of ``--masks``: see :func:`parse_masks`."""
        ids = [id for dataset in datasets for id in dataset.ids]
        names, folders = parse_masks(masks, polarity, ids)
        return cls(tuple(datasets), names, seed, folders, protocol)

    def folder(self, name: str) -> HoleFolder | None:
        return next((folder for folder in self.folders if folder.name == name), None)

    def holes(
        self, dataset: Dataset, mask: str, indices: Sequence[int], shapes: Sequence[tuple[int, ...]]
    ) -> list[np.ndarray]:
        """The holes of pictures ``indices`` whose shapes begin with (height, width): bool (H, W) each.

        Raises UsageError where a hole file is not of its picture's size.
        """
        sizes = [(int(shape[0]), int(shape[1])) for shape in shapes]
        folder = self.folder(mask)
        if folder is not None:
            return [folder.read(dataset.ids[i], size) for i, size in zip(indices, sizes, strict=True)]
        found: dict[int, np.ndarray] = {}
        for size in dict.fromkeys(sizes):
            members = [place for place, other in enumerate(sizes) if other == size]
            drawn = draw(mask, size, self.seed, [indices[place] for place in members])
            found.update(zip(members, drawn, strict=True))
        return [found[place] for place in range(len(sizes))]

    def batches(self, dataset: Dataset, mask: str, batch: int = BATCH) -> Iterator[Batch]:
        """The pictures in the data set's order, up to ``batch`` at a time; a change of size begins a new one."""
        indices: list[int] = []
        images: list[np.ndarray] = []

        def full() -> Batch:
            holes = self.holes(dataset, mask, indices, [image.shape for image in images])
            return Batch(indices, [dataset.ids[i] for i in indices], images, holes)

        for index in range(len(dataset)):
            image = dataset.load(index)
            if images and (len(images) == batch or image.shape != images[0].shape):
                yield full()
                indices, images = [], []
            indices.append(index)
            images.append(image)
        if images:
            yield full()

    def fingerprint(self, batch: int = BATCH, workers: int = 1, progress: Callable[[int], None] | None = None) -> str:
        """The hex SHA-256 that this module's text defines; the same whatever ``batch`` and ``workers``.

        Every picture is loaded and hashed once. ``progress`` is called with the number of pictures done.
        """
        if "fingerprint" not in self._known:
            texts = [self._dataset_text(dataset, batch, workers, progress) for dataset in self.datasets]
            self._known["fingerprint"] = suite_digest(self.protocol, texts)
        return self._known["fingerprint"]

    def _dataset_text(self, dataset: Dataset, batch: int, workers: int, progress: Callable[[int], None] | None) -> str:
        starts = range(0, len(dataset), batch)
        names = sorted(set(self.masks))

        def lines(start: int) -> list[list[str]]:
            indices = range(start, min(start + batch, len(dataset)))
            ids = [dataset.ids[i] for i in indices]
            images = [dataset.load(i) for i in indices]
            shapes = [image.shape for image in images]
            found = [
                [image_line(id, picture_digest(image), image.shape) for id, image in zip(ids, images, strict=True)]
            ]
            for name in names:
                holes = self.holes(dataset, name, indices, shapes)
                found.append([hole_line(name, id, hole_digest(h), h.shape) for id, h in zip(ids, holes, strict=True)])
            return found

        columns: list[list[str]] = [[] for _ in range(1 + len(names))]
        with ThreadPoolExecutor(max(workers, 1)) as pool:
            done = 0
            for part in pool.map(lines, starts):
                for column, more in zip(columns, part, strict=True):
                    column.extend(more)
                done += len(part[0])
                if progress:
                    progress(done)
        return "".join(line for column in columns for line in column)

    def notes(self) -> list[str]:
        """What a reader should know of the holes read so far (after :meth:`fingerprint`: of all of them)."""
        return [note for folder in self.folders for note in folder.notes()]


def picture_digest(image: np.ndarray) -> str:
    """Hex SHA-256 of uint8 RGB (H, W, 3), row by row."""
    return hashlib.sha256(np.ascontiguousarray(image)).hexdigest()


def hole_digest(hole: np.ndarray) -> str:
    """Hex SHA-256 of a hole's bits, bool (H, W), packed row by row."""
    return hashlib.sha256(np.packbits(hole)).hexdigest()


def image_line(id: str, digest: str, shape: tuple[int, ...]) -> str:
    return f"image {json.dumps(id)} {shape[0]}x{shape[1]} {digest}\n"


def hole_line(mask: str, id: str, digest: str, shape: tuple[int, ...]) -> str:
    return f"hole {mask} {json.dumps(id)} {shape[0]}x{shape[1]} {digest}\n"


def suite_digest(protocol: str, texts: Sequence[str]) -> str:
    digests = sorted(hashlib.sha256(text.encode()).hexdigest() for text in texts)
    whole = "".join(f"{line}\n" for line in ("inpaint-bench suite 1", f"protocol {protocol}", *digests))
    return hashlib.sha256(whole.encode()).hexdigest()


def parse_masks(
    text: str, polarity: str = "white", ids: Sequence[str] = ()
) -> tuple[tuple[str, ...], tuple[HoleFolder, ...]]:
    """Names and hole folders from ``rect,circle``, ``all`` or ``folder:DIR``, mixed at will.

    polarity: the colour of the hole in files, ``white`` or ``black``. ids: the pictures' ids, which tell a
    folder of mask types from one whose sub-folders are the pictures' own.
    Raises UnknownName with the nearest names, UsageError for an empty list or a folder without holes.
    """
    parts = [text] if text.startswith(FOLDER) and "," not in text else [part.strip() for part in text.split(",")]
    names: list[str] = []
    folders: list[HoleFolder] = []
    for part in filter(None, parts):
        if part.startswith(FOLDER):
            found = folder_types(part.removeprefix(FOLDER), polarity, ids)
            folders.extend(found)
            names.extend(folder.name for folder in found)
        elif part == "all":
            names.extend(mask.names())
        elif part not in mask.names():
            raise suggest(mask.noun, part, [*mask.names(), "folder:DIR"])
        else:
            names.append(part)
    taken = [folder.name for folder in folders]
    double = sorted({name for name in taken if names.count(name) > 1})
    if double:
        raise UsageError(f"the mask type '{double[0]}' is named twice, once by a folder: rename the folder")
    if not names:
        raise UsageError(f"no mask type in '{text}': choose from {', '.join(mask.names())}, or folder:DIR")
    return tuple(dict.fromkeys(names)), tuple(folders)
