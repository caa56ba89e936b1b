"""Taking the pictures out of a tar archive from anywhere, which may be made to do harm.

Refused, each in one sentence and before anything of it is written: names that lead out of the folder, links, devices
and pipes, a name that comes twice, headers of no sensible length, and archives that grow out of all proportion.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from bench.datasets.pictures import SUFFIXES
from bench.util.errors import UsageError
from bench.util.paths import Outside, relative
from bench.util.words import printable

MOST_GROWTH = 20
"""How many times its own bytes an archive may hold: compressed pictures hardly shrink any more."""

LEAST_LIMIT = 64 * 2**20
"""Bytes that any archive may hold, however small it is itself."""

MOST_PICTURES = 20_000_000
HEADER = 2**20
"""Bytes that one read of headers may ask for; names are shorter by far."""

CHUNK = 2**20


class Unpacked:
    """What was taken out. sums: path -> (SHA-256 in hex, bytes). others: files that were left in, as no pictures."""

    def __init__(self) -> None:
        self.sums: dict[str, tuple[str, int]] = {}
        self.others = 0


def unpack(archive: Path, folder: Path, progress: Callable[[int, int], None] = lambda done, total: None) -> Unpacked:
    """Write the pictures of a tar archive, plain or compressed with gzip, under ``folder``.

    progress: called with (bytes read of the archive, its bytes). Raises UsageError for an archive that is damaged,
    holds no picture, or would write anything but pictures below ``folder``; OSError where the disk is full.
    """
    total = archive.stat().st_size
    found = Unpacked()
    with archive.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream = Watched(gzip.GzipFile(fileobj=raw) if packed else raw, max(LEAST_LIMIT, MOST_GROWTH * total), archive)
        try:
            with tarfile.open(fileobj=stream, mode="r:") as tar:
                for name, member in pictures(tar, archive, found):
                    source = tar.extractfile(member)
                    assert source is not None
                    try:
                        found.sums[name] = write(source, folder / name, member.size)
                    except (FileExistsError, NotADirectoryError) as error:
                        raise UsageError(
                            f"{archive} is refused: another of its members lies where '{shown(name)}' would"
                        ) from error
                    progress(raw.tell(), total)
            if not ended(stream.last):
                raise EOFError
            while packed and stream.read(CHUNK):
                pass  # To the end, where gzip keeps the checksum of all before it.
        except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
            why = " ".join(str(error).split()) or "it is truncated"
            raise UsageError(f"{archive} is damaged or not a tar archive ({why}): fetch it again") from error
    if not found.sums:
        raise UsageError(f"{archive} contains no pictures ({found.others} other files)")
    progress(total, total)
    return found


def pictures(tar: tarfile.TarFile, archive: Path, found: Unpacked) -> Iterator[tuple[str, tarfile.TarInfo]]:
    """The members that are pictures, by the path to write. Raises UsageError at the first that is refused."""
    for member in tar:
        path = PurePosixPath(member.name)
        told = shown(member.name)
        if member.isdir() and not path.parts:  # the folder itself
            continue
        try:
            relative(member.name)
        except Outside as error:
            raise UsageError(f"{archive} is refused: its member '{told}' points outside the folder") from error
        if member.isdir():
            continue
        if not member.isreg() or member.issparse():
            kind = "a link" if member.issym() or member.islnk() else "no regular file"
            raise UsageError(f"{archive} is refused: its member '{told}' is {kind}")
        if path.suffix.lower() not in SUFFIXES or path.name.startswith(".") or "__MACOSX" in path.parts:
            found.others += 1
            continue
        if not member.name.isprintable():
            raise UsageError(f"{archive} is refused: the name of its member '{told}' is not plain text")
        name = path.as_posix()
        if name in found.sums:
            raise UsageError(f"{archive} is refused: it holds '{told}' twice")
        if len(found.sums) >= MOST_PICTURES:
            raise UsageError(f"{archive} is refused: it holds more than {MOST_PICTURES:,} pictures")
        yield name, member


def shown(name: str) -> str:
    """A member's name as it may go to a terminal: whole where it is plain text."""
    return printable(name[:120])


def write(source: IO[bytes], target: Path, size: int) -> tuple[str, int]:
    """Copy a member out; its SHA-256 and length."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    done = 0
    with target.open("xb") as stream:
        while chunk := source.read(CHUNK):
            stream.write(chunk)
            digest.update(chunk)
            done += len(chunk)
    if done != size:
        raise EOFError(f"{target.name} ends after {done:,} of {size:,} bytes")
    return digest.hexdigest(), done


def ended(block: bytes) -> bool:
    """Whether this is what a tar archive ends in: where a header is damaged, tarfile ends there without a word."""
    return len(block) == tarfile.BLOCKSIZE and not block.strip(b"\0")


class Watched(io.RawIOBase):
    """A stream that stops an archive of more than ``limit`` bytes, and headers that ask for absurd lengths."""

    def __init__(self, stream: Any, limit: int, archive: Path) -> None:
        self.stream, self.limit, self.archive = stream, limit, archive
        self.last = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.stream.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        if offset > self.limit:
            self.refuse()
        return self.stream.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > max(HEADER, CHUNK):
            raise UsageError(f"{self.archive} is refused: one of its headers asks for {size:,} bytes")
        self.last = content = self.stream.read(size)
        if self.stream.tell() > self.limit:
            self.refuse()
        return content

    def refuse(self) -> None:
        """Raises UsageError: the archive unpacks to far more than its size allows."""
        raise UsageError(
            f"{self.archive} is refused: it holds more than {self.limit / 2**20:,.0f} MiB, "
            f"over {MOST_GROWTH} times its own size"
        )
