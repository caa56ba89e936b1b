"""Any folder of pictures.

``folder:PATH`` finds pictures in PATH and below it. An id is the path below PATH without its suffix (with it where two
files would share an id). ``folder:PATH?name=case{id}_input.png`` takes only the files that are called like that, and
``{id}`` is then the last part of the id. Splits: :mod:`bench.datasets.collection`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from bench.datasets.collection import Entry, entries_of, open_collection
from bench.datasets.name_pattern import id_in, split_pattern
from bench.datasets.pictures import FOREIGN, SUFFIXES
from bench.datasets.registry import Dataset, check_request, dataset, takes_path
from bench.util.errors import UsageError
from bench.util.words import printable


@dataset("folder")
@takes_path
def open_folder(argument: str, split: str, size: int | None, count: int | None) -> Dataset:
    """The pictures of a folder and all below it, folder:PATH.

    See :func:`bench.datasets.collection.open_collection`. Raises UsageError where the folder is missing, or holds no
    picture that can be read.
    """
    check_request(size, count)
    argument, pattern = split_pattern(argument)
    root = find_root(argument)
    found, skipped = find_pictures(root)
    if not found and not skipped:
        endings = " ".join(sorted(SUFFIXES))
        raise UsageError(f"no pictures in {root} or below it: give a folder that holds some ({endings})")
    entries = entries_of({name: root.absolute() / name for name in found})
    if pattern:
        entries = named_entries(root, found, pattern)
    return open_collection("folder", root.absolute().name, str(root), entries, skipped, split, size, count)


def named_entries(root: Path, found: list[str], pattern: str) -> list[Entry]:
    """The pictures that are called like ``pattern``. Raises UsageError where none is, or two would have one id."""
    entries: dict[str, Entry] = {}
    for name in found:
        image_id = id_in(pattern, name)
        if image_id is None:
            continue
        if image_id in entries:
            raise UsageError(
                f"{entries[image_id].label} and {name} in {root} would both be '{image_id}': "
                f"give name={pattern} a suffix"
            )
        entries[image_id] = Entry(image_id, image_id, name, root.absolute() / name)
    if not entries:
        raise UsageError(f"none of the {len(found)} pictures in {root} matches name={pattern} (one is {found[0]})")
    return [*entries.values()]


def find_root(argument: str, kind: str = "folder") -> Path:
    """The folder that ``folder:PATH``, or another ``kind`` of data, names; raises UsageError where there is none."""
    if not argument:
        raise UsageError(f"{kind} needs a path: write {kind}:PATH, the path of a folder of pictures")
    root = Path(argument).expanduser()
    if not root.exists():
        raise UsageError(f"the folder {root} does not exist: {kind}:PATH takes a folder of pictures")
    if not root.is_dir():
        raise UsageError(f"{root} is a file: {kind}:PATH takes a folder of pictures")
    return root


def find_pictures(root: Path) -> tuple[list[str], list[tuple[str, str]]]:
    """Relative POSIX paths of the pictures below ``root``, sorted, and what cannot be read, with the reason.

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
            suffix = Path(name).suffix.lower()
            if name.startswith(".") or suffix not in SUFFIXES | FOREIGN:
                continue
            path = (Path(folder) / name).relative_to(root).as_posix()
            try:
                path.encode()
            except UnicodeEncodeError:
                skipped.append((printable(path), "its name is not valid UTF-8"))
            else:
                if suffix in FOREIGN:
                    skipped.append((path, f"{suffix[1:].upper()} is not read: convert it to PNG or JPEG"))
                else:
                    found.append(path)
    return sorted(found), sorted(skipped)


def first_skipped(skipped: Sequence[tuple[str, str]]) -> str:
    """A clause on what cannot be read, for a message that nothing was found; empty where all can."""
    if not skipped:
        return ""
    name, why = skipped[0]
    return f" that can be read ({len(skipped)} cannot; {name}: {why})"
