"""Holes read from a folder of pictures (``--masks folder:DIR``), paired with the data set's ids by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from bench.errors import UsageError

SUFFIXES = (".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".jpg", ".jpeg")
POLARITIES = ("white", "black")
THRESHOLD = 127
SHOWN = 5


@dataclass(frozen=True)
class HoleFolder:
    """One mask type read from files: ``polarity`` is the colour of the hole in them."""

    name: str
    folder: Path
    polarity: str = "white"
    _paths: dict[str, Path] = field(default_factory=dict, init=False, repr=False, compare=False)
    _stems: dict[str, list[Path]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _seen: dict[str, dict[str, None]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.polarity not in POLARITIES:
            raise UsageError(f"unknown mask polarity '{self.polarity}': choose from {', '.join(POLARITIES)}")
        for path in hole_files(self.folder):
            key = path.relative_to(self.folder).with_suffix("").as_posix()
            if key in self._paths:
                raise UsageError(f"two holes of one name in {self.folder}: {self._paths[key].name} and {path.name}")
            self._paths[key] = path
            self._stems.setdefault(path.stem, []).append(path)

    def find(self, id: str) -> Path | None:
        """The file of a picture's hole: by its relative path, else by its stem alone if that is unique."""
        if id in self._paths:
            return self._paths[id]
        stem = self._stems.get(PurePosixPath(id).name, [])
        if len(stem) > 1:
            raise UsageError(f"picture '{id}' has {len(stem)} holes in {self.folder}: {stem[0]} and {stem[1]}")
        return stem[0] if stem else None

    def require(self, ids: Sequence[str]) -> None:
        """Raises UsageError that lists the pictures without a hole."""
        missing = [id for id in ids if self.find(id) is None]
        if missing:
            more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
            raise UsageError(
                f"{self.folder} has no hole for {len(missing)} of {len(ids)} pictures: "
                f"{', '.join(missing[:SHOWN])}{more} (a hole is named like its picture, with .png)"
            )

    def read(self, id: str, size: tuple[int, int]) -> np.ndarray:
        """The hole of a picture of ``size`` (height, width), bool (H, W)."""
        path = self.find(id)
        if path is None:
            raise UsageError(f"{self.folder} has no hole for {id}")
        grey = read_grey(path, self.polarity)
        if grey.shape != size:
            raise UsageError(
                f"the hole {path} is {grey.shape[1]}x{grey.shape[0]} pixels but its picture is "
                f"{size[1]}x{size[0]}: give holes of the pictures' size"
            )
        white = grey > THRESHOLD
        if ((grey != 0) & (grey != 255)).any():
            self._note("grey", path)
        hole = white if self.polarity == "white" else ~white
        if not hole.any():
            self._note("empty", path)
        return hole

    def _note(self, kind: str, path: Path) -> None:
        self._seen.setdefault(kind, {})[path.name] = None

    def notes(self) -> list[str]:
        """Sentences on the holes read so far that were grey or empty."""
        said = []
        for kind, words in (
            ("grey", f"holes of '{self.name}' hold grey pixels, taken as white above {THRESHOLD}"),
            ("empty", f"holes of '{self.name}' are empty (no missing pixel), so scores of the hole are left out"),
        ):
            names = sorted(self._seen.get(kind, {}))
            if names:
                said.append(f"{len(names)} {words}: {', '.join(names[:SHOWN])}{' …' if len(names) > SHOWN else ''}")
        return said


def read_grey(path: Path, polarity: str) -> np.ndarray:
    """A picture as uint8 grey (H, W). Transparent pixels are known, whatever the polarity."""
    from PIL import Image

    try:
        with Image.open(path) as file:
            file.load()
            if file.mode.startswith("I") or file.mode == "F":
                values = np.asarray(file).astype(float)
                return np.clip(np.rint(values / 257), 0, 255).astype(np.uint8)
            if file.mode in ("RGBA", "LA", "PA") or "transparency" in file.info:
                known = 0 if polarity == "white" else 255
                below = Image.new("RGBA", file.size, (known, known, known, 255))
                return np.asarray(Image.alpha_composite(below, file.convert("RGBA")).convert("L"))
            return np.asarray(file.convert("L"))
    except (OSError, SyntaxError, ValueError) as error:
        raise UsageError(f"the hole {path} cannot be read as a picture ({error})") from error


def hole_files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def folder_types(folder: str, polarity: str = "white", ids: Sequence[str] = ()) -> list[HoleFolder]:
    """The mask types of a folder: itself, or one per sub-folder (the layout ``holes/<mask>/<id>.png``).

    Sub-folders are mask types unless the folder itself holds files, or a file under a picture's own id.
    Raises UsageError where there is no such folder or no hole in it.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise UsageError(f"no folder of holes at {root}")
    if (root / "manifest.json").is_file() and (root / "holes").is_dir():
        root = root / "holes"
    files = hole_files(root)
    if not files:
        raise UsageError(f"no hole in {root}: it needs PNG files named like the pictures")
    own = {path.relative_to(root).with_suffix("").as_posix() for path in files}
    if any("/" not in name for name in own) or any(id in own for id in ids):
        return [HoleFolder(safe_name(root.resolve().name), root, polarity)]
    names: dict[str, Path] = {}
    for part in sorted({name.split("/")[0] for name in own}):
        if safe_name(part) in names:
            raise UsageError(f"the folders {names[safe_name(part)].name} and {part} in {root} give one mask name")
        names[safe_name(part)] = root / part
    return [HoleFolder(name, path, polarity) for name, path in names.items()]


def safe_name(name: str) -> str:
    """A folder's name as a mask type's: a-z, 0-9 and _ only."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "holes"
