"""Pictures named in a text file, one path a line: ``files:LIST.txt``.

Relative paths begin at the list's folder. An id is the path as it would be written from there, or from the root for a
file outside that folder, without its suffix; so a line more changes no other id. Empty lines and those that begin with
``#`` are passed over, and a path that comes twice counts once.
"""

from __future__ import annotations

import os
from pathlib import Path

from bench.datasets.collection import entries_of, open_collection
from bench.datasets.member import Member
from bench.datasets.pictures import SUFFIXES
from bench.datasets.registry import Dataset, check_request, dataset, takes_path
from bench.util.errors import UsageError
from bench.util.words import printable


@dataset("files")
@takes_path
def open_files(argument: str, split: str, size: int | None, count: int | None) -> Dataset:
    """The pictures that a text file lists, files:LIST.txt, one path a line.

    Files that are not there, or are no pictures, are named in ``skipped``. Raises UsageError where the list cannot be
    read or names no picture that can be.
    """
    check_request(size, count)
    file = Path(argument).expanduser()
    if not argument or not file.is_file():
        raise UsageError(f"there is no list of pictures at '{argument}': write files:LIST.txt, one path a line")
    base = Path(os.path.abspath(file.parent))  # noqa: PTH100 - removes "..", follows no link
    sources: dict[str, Path | Member] = {}
    skipped: list[tuple[str, str]] = []
    for line in _read_lines(file):
        path = Path(os.path.abspath(base / Path(line).expanduser()))  # noqa: PTH100
        name = (path.relative_to(base) if path.is_relative_to(base) else path.relative_to(path.anchor)).as_posix()
        why = refusal(name, path)
        if why:
            shown = name if path.is_relative_to(base) else str(path)
            skipped.append((printable(shown), why))
        else:
            sources[name] = path
    if not sources:
        first = f" (the first, {skipped[0][0]}: {skipped[0][1]})" if skipped else ""
        raise UsageError(f"{file} names no picture that can be read{first}: write one path a line")
    return open_collection("files", file.stem, str(file), entries_of(sources), skipped, split, size, count)


def _read_lines(file: Path) -> list[str]:
    text = file.read_bytes().decode("utf-8-sig", errors="surrogateescape")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def refusal(name: str, path: Path) -> str:
    """Why a listed file is left out; empty for one that may be a picture."""
    if any("\udc80" <= letter <= "\udcff" for letter in name):
        return "its name is not valid UTF-8"
    if path.suffix.lower() not in SUFFIXES:
        return "its suffix is not that of a picture"
    return "" if path.is_file() else "no such file"
