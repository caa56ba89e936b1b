"""Atomic writes: temporary file, then rename."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

TEMPORARY = ".part"
"""The suffix of files that are being written: no reader looks for it, so leftovers of a killed process hurt nobody."""


@contextlib.contextmanager
def replacing(path: Path, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it takes the name, on failure it goes away.

    durable: file and folder are on disk before this returns, so that a power cut leaves the old file or the new one.
    Raises OSError where nothing can be written there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}-", suffix=TEMPORARY, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        if durable:
            sync(temporary)
        temporary.replace(path)
        if durable:
            sync(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sync(path: Path) -> None:
    """Put a file, or a folder's entries, on disk; some file systems have no way to sync a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def is_temporary(path: Path) -> bool:
    return path.name.startswith(".") and path.suffix == TEMPORARY


def sweep(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder and below. Only for whoever owns the folder."""
    for path in folder.rglob(f".*{TEMPORARY}"):
        if path.is_file() and not path.is_symlink():
            path.unlink(missing_ok=True)
