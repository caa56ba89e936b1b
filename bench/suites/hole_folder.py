"""Holes read from picture files (``--masks folder:DIR``), paired with the pictures' ids by name.

``<stem>_mask*.png`` counts as the hole of ``<stem>``. How a file becomes a hole: :mod:`bench.suites.hole_file`. A hole
without a missing pixel is allowed and said in a note; so is, without one, a hole that covers everything. Files that are
the hole of no picture are named in a note: they may be another split's, or misnamed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from bench.datasets.collection import stem
from bench.datasets.folder import find_pictures, first_skipped
from bench.datasets.lama import MARK
from bench.datasets.name_pattern import named, split_pattern
from bench.datasets.pictures import SUFFIXES
from bench.suites.hole_file import PLAIN, Reading, two_valued
from bench.suites.mask_sets import hole_key, recognised
from bench.util.errors import UsageError
from bench.util.words import some

LARGE = 0.5
"""Mean share of the picture from which holes may be what is known."""


@dataclass(frozen=True)
class HoleFolder:
    """One mask type read from files. pattern: how they are called, see :mod:`bench.datasets.name_pattern`."""

    name: str
    folder: Path
    reading: Reading = PLAIN
    pattern: str = ""
    _paths: dict[str, Path] = field(default_factory=dict, init=False, repr=False, compare=False)
    _stems: dict[str, list[Path]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _marked: dict[str, list[Path]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _skipped: list[tuple[str, str]] = field(default_factory=list, init=False, repr=False, compare=False)
    _grey: set[str] = field(default_factory=set, init=False, repr=False, compare=False)
    _transparent: set[str] = field(default_factory=set, init=False, repr=False, compare=False)
    _areas: dict[str, float] = field(default_factory=dict, init=False, repr=False, compare=False)
    _empty: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)
    _keys: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)
    _spare: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found, skipped = find_pictures(self.folder)
        self._skipped.extend(skipped)
        for name in found:
            path, key = self.folder / name, stem(name)
            if key in self._paths:
                raise UsageError(
                    f"two holes with the same name in {path.parent}: {self._paths[key].name} and {path.name}; keep one"
                )
            self._paths[key] = path
            self._stems.setdefault(PurePosixPath(key).name, []).append(path)
        for key, path in self._paths.items():
            match = MARK.fullmatch(key)
            if match:
                self._marked.setdefault(match[1], []).append(path)

    def find(self, image_id: str) -> Path | None:
        """The file of a picture's hole: by the id as a path, else by its last part alone.

        Raises UsageError where several files have that last part.
        """
        for wanted in (image_id, without_suffix(image_id)):
            name = named(self.pattern, wanted)
            marked = self._marked.get(name, [])
            if len(marked) > 1:
                raise UsageError(
                    f"the picture '{image_id}' has {len(marked)} holes in {self.folder}, {self._key(marked[0])} and "
                    f"{self._key(marked[1])}: --data lama:DIR scores a picture with each of its holes"
                )
            if marked:
                return marked[0]
            if name in self._paths:
                return self._paths[name]
            same = self._stems.get(PurePosixPath(name).name, [])
            if len(same) > 1:
                raise UsageError(
                    f"the picture '{image_id}' could have any of {len(same)} holes in {self.folder}, "
                    f"{self._key(same[0])} or {self._key(same[1])}: name them by the pictures' paths"
                )
            if same:
                return same[0]
        return None

    def require(self, ids: Sequence[str]) -> None:
        """Raises UsageError that lists the pictures without a hole; holes without a picture get a note."""
        found = {image_id: self.find(image_id) for image_id in ids}
        missing = [image_id for image_id, path in found.items() if path is None]
        if missing:
            pool = f"; --masks pool:{self.folder} assigns holes of any name" if len(missing) == len(ids) else ""
            raise UsageError(
                f"{self.folder} has no hole for {len(missing)} of {len(ids)} pictures ({some(missing)}): "
                f"a hole has the name of its picture, {named(self.pattern, missing[0])}.png "
                f"(?name={{id}}_hole.png sets another pattern){pool}"
            )
        self._spare.clear()
        # Where holes are marked as such, the rest are the pictures that lie beside them.
        marked = {path for paths in self._marked.values() for path in paths}
        holes = marked or {*self._paths.values()}
        self._spare.update(self._key(path) for path in holes.difference(found.values()))

    def refuse_own(self, image_id: str, picture: Path) -> None:
        """Raises UsageError where the hole of a picture is the picture's own file."""
        path = self.find(image_id)
        if path is not None and path.name == picture.name and path.exists() and path.samefile(picture):
            raise UsageError(
                f"the hole of '{image_id}' would be the picture's own file, {path}: pictures and holes in one folder "
                "are --data lama:DIR"
            )

    def read(self, image_id: str, size: tuple[int, int]) -> np.ndarray:
        """The hole of a picture of ``size`` (height, width), bool (H, W).

        Raises UsageError for a hole that is missing, unreadable or of another size.
        """
        path = self.find(image_id)
        if path is None:
            raise UsageError(f"{self.folder} has no hole for the picture '{image_id}'")
        grey, _, transparent = self.reading.read(path)
        if grey.shape != size:
            raise UsageError(
                f"the hole {path} is {grey.shape[1]}x{grey.shape[0]} pixels but its picture '{image_id}' is "
                f"{size[1]}x{size[0]} pixels: give holes of the size that pictures are scored at"
            )
        hole = self.reading.hole(grey)
        self._keys[self._key(path)] = hole_key(hole)
        self._areas[self._key(path)] = float(hole.mean())
        if transparent:
            self._transparent.add(self._key(path))
        if not two_valued(grey):
            self._grey.add(self._key(path))
        if not hole.any():
            self._empty[self._key(path)] = int(grey.max() if self.reading.polarity == "white" else grey.min())
        return hole

    def _key(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def notes(self) -> list[str]:
        """Sentences on the holes read so far: whose they are, which were grey or empty; and on those of no picture."""
        said = [f"the holes of '{self.name}' {clause}" for clause in recognised({*self._keys.values()})]
        if self._grey:
            said.append(
                f"holes of '{self.name}' with grey pixels, read as white above {self.reading.level} and as black up "
                f"to it: {len(self._grey)} ({some(sorted(self._grey))})"
            )
        if self._transparent:
            said.append(told_transparent(self.name, self._transparent))
        area = sum(self._areas.values()) / max(len(self._areas), 1)
        if area > LARGE and self.reading.polarity == "white":
            said.append(
                f"the holes of '{self.name}' cover {area:.0%} of their pictures on average: if white is what is known, "
                "use --mask-polarity black"
            )
        if self._empty:
            name, value = sorted(self._empty.items())[0]
            extreme = "brightest" if self.reading.polarity == "white" else "darkest"
            said.append(
                f"empty holes of '{self.name}', whose scores of the hole stay empty: "
                f"{len(self._empty)} ({some(sorted(self._empty))}); the {extreme} pixel of {name} is {value} of 255 "
                "(--mask-polarity says which colour is the hole, --mask-threshold where white begins)"
            )
        if self._skipped:
            said.append(told_skipped(self.name, self._skipped))
        if self._spare:
            said.append(
                f"holes of '{self.name}' that belong to no picture of the suite and were left out: "
                f"{len(self._spare)} ({some(sorted(self._spare))})"
            )
        return said


def told_transparent(name: str, files: Collection[str]) -> str:
    """A note on hole files with transparent pixels, which some tools mean by a hole. name: of the mask type."""
    return f"holes of '{name}' with transparent pixels, read as known: {len(files)} ({some(sorted(files))})"


def told_skipped(name: str, skipped: Sequence[tuple[str, str]]) -> str:
    """A note on hole files that cannot be read. name: of the mask type."""
    told = some([f"{file}: {why}" for file, why in skipped], 3)
    return f"files of '{name}' that cannot be read and were left out: {len(skipped)} ({told})"


def without_suffix(image_id: str) -> str:
    """An id without a picture's suffix, which ids carry where two pictures share the rest."""
    path = PurePosixPath(image_id)
    return path.with_suffix("").as_posix() if path.suffix.lower() in SUFFIXES else image_id


def folder_types(folder: str, reading: Reading = PLAIN, ids: Sequence[str] = ()) -> list[HoleFolder]:
    """The mask types of a folder: itself, or each sub-folder (the layout ``holes/<mask>/<id>.png``).

    Sub-folders are mask types unless holes lie beside them, or a hole's path is a picture's id. An exported
    suite stands for its ``holes``. Raises UsageError where there is no such folder or no hole in it.
    """
    folder, pattern = split_pattern(folder)
    root = Path(folder).expanduser()
    if not folder or not root.is_dir():
        raise UsageError(f"no folder of holes at '{folder}': folder:DIR takes one")
    if (root / "manifest.json").is_file() and (root / "holes").is_dir():
        root = root / "holes"
    found, skipped = find_pictures(root)
    files = [stem(name) for name in found]
    if not files:
        raise UsageError(
            f"no holes in {root}{first_skipped(skipped)}: it needs PNG files named like the pictures, white where "
            "missing"
        )
    if any("/" not in name for name in files) or not {*files}.isdisjoint(ids):
        return [HoleFolder(safe_name(root.resolve().name), root, reading, pattern)]
    types: dict[str, Path] = {}
    for part in sorted({name.split("/")[0] for name in files}):
        name = safe_name(part)
        if name in types:
            raise UsageError(f"{types[name].name} and {part} in {root} would both be '{name}': rename one")
        types[name] = root / part
    return [HoleFolder(name, path, reading, pattern) for name, path in types.items()]


def safe_name(name: str) -> str:
    """A folder's name as a mask type's: a-z, 0-9 and _ only, never ``all``."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "holes"
    return "all_holes" if plain == "all" else plain
