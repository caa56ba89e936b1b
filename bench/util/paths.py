"""Names that come out of files: each must lead to a place inside its own folder, on every system."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

DRIVE = re.compile(r"[A-Za-z]:")


class Outside(ValueError):
    """A name that does not stay inside its folder; the message says which and why."""


def inside(folder: Path, name: Any) -> Path:
    """The place called ``name`` (parts separated by ``/``) in ``folder``, which need not exist.

    Raises Outside for what is no such name, or points outside the folder: absolute, through ``..``, through a link, to
    another drive.
    """
    relative(name)
    place = folder / name
    try:
        if place.resolve().is_relative_to(folder.resolve()):
            return place
    except (OSError, RuntimeError) as error:  # links in a circle, a name that is too long
        raise Outside(f"{name!r} leads nowhere") from error
    raise Outside(f"{name!r} points outside the folder")


def relative(name: Any) -> str:
    """``name`` itself, where it cannot lead out of a folder without links. Raises Outside."""
    if not isinstance(name, str):
        raise Outside(f"{str(name)[:40]!r} is not a file name")
    path = PurePosixPath(name)
    if not path.parts or "\0" in name or any(len(p.encode(errors="replace")) > 255 for p in path.parts):
        raise Outside(f"{name[:80]!r} is not a file name")
    if path.is_absolute() or ".." in path.parts or "\\" in name or DRIVE.match(name):
        raise Outside(f"{name!r} points outside the folder")
    return name


def plain(name: Any) -> str:
    """``name`` itself, where it is one part of a path. Raises Outside."""
    if len(PurePosixPath(relative(name)).parts) != 1:
        raise Outside(f"{name!r} is a path, not a name")
    return str(name)
