"""Atomic writes: temporary file, then rename; and what is said where the disk has no room."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

TEMPORARY = ".part"
"""The suffix of files that are being written: no reader looks for it, so leftovers of a killed process hurt nobody."""


@contextlib.contextmanager
def replacing(path: Path, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it takes the name, on failure it goes away.

    durable: file and folder are on disk before this returns, so that a power cut leaves the old file or the new one.
    Raises CannotWrite where nothing can be written there, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:50]}-", suffix=TEMPORARY, dir=path.parent)
    except (OSError, ValueError) as error:
        raise cannot_write(path, error) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        try:
            temporary.chmod(0o644)
            if durable:
                sync(temporary)
            temporary.replace(path)
            if durable:
                sync(path.parent)
        except FileNotFoundError:  # taken away by whoever was to write it
            raise
        except OSError as error:
            raise cannot_write(path, error) from error
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, Exception) and not isinstance(error, CannotWrite) and number_of(error) in NO_ROOM:
            raise cannot_write(path, error) from error
        raise


class CannotWrite(OSError):
    """A file that cannot be written; the message is a sentence: which, why, what to do."""


NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)


def number_of(error: Exception) -> int | None:
    """The system's number of an error of writing; libraries put it into words, PyTorch leaves it out."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    told = re.search(r"os error (\d+)", str(error))
    if told:
        return int(told[1])
    return errno.ENOSPC if "inline_container" in str(error) else None


def cannot_write(path: Path, error: Exception, wanted: int | None = None) -> CannotWrite:
    """wanted: bytes, where that is known."""
    number = number_of(error)
    why = os.strerror(number) if number else str(error)
    if number not in NO_ROOM:
        return CannotWrite(f"{path} cannot be written ({why}): choose another path")
    folder = next((above for above in path.absolute().parents if above.is_dir()), Path("/"))
    room = f"{shutil.disk_usage(folder).free / 2**20:,.1f} MiB free"
    if wanted is not None:
        room = f"{wanted / 2**20:,.1f} MiB wanted, {room}"
    return CannotWrite(f"{path} cannot be written ({why}; {room}): make room, or choose another path")


def reserve(temporary: Path, path: Path) -> None:
    """Have the blocks of a file, which is to become ``path``, on its disk: writing into a mapped file that has holes
    ends the process where the disk is full. Raises CannotWrite with what was wanted and what is free."""
    size = temporary.stat().st_size
    if size and hasattr(os, "posix_fallocate"):
        handle = os.open(temporary, os.O_RDWR)
        try:
            os.posix_fallocate(handle, 0, size)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise cannot_write(path, error, size) from error
            # A file system that cannot reserve.
        finally:
            os.close(handle)


def sync(path: Path) -> None:
    """Put a file, or a folder's entries, on disk; some file systems have no way to sync a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def is_temporary(path: Path) -> bool:
    """Whether a file is a write in progress, or one left by a killed process; nothing reads such a file."""
    return path.name.startswith(".") and path.suffix == TEMPORARY


def sweep(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder and below. Only for whoever owns the folder."""
    for path in folder.rglob(f".*{TEMPORARY}"):
        if path.is_file() and not path.is_symlink():
            path.unlink(missing_ok=True)
