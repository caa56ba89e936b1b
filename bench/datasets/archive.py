"""Data sets that come as one archive: added from a file or downloaded, kept in the user's data folder, verified.

::

    BENCH_DATA_DIR/<name>/pictures/…      as they lie in the archive
    BENCH_DATA_DIR/<name>/SHA256SUMS      of every picture; sha256sum -c reads it too
    BENCH_DATA_DIR/<name>/archive.json    what they were taken from; written last
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.datasets.collection import entries_of, open_collection
from bench.datasets.folder import find_pictures
from bench.datasets.registry import Dataset, check_request
from bench.datasets.unpack import unpack
from bench.util.errors import BenchError, UsageError
from bench.util.files import write_bytes, write_json
from bench.util.places import data_folder
from variants.registry import Registry


@dataclass(frozen=True)
class Archive:
    """A published archive. urls: where it was published. bytes, pictures: what it has. sha256: where that is known."""

    name: str
    title: str
    file: str
    urls: tuple[str, ...]
    bytes: int
    pictures: int
    sha256: str = ""

    @property
    def folder(self) -> Path:
        """Where the unpacked pictures lie; nothing need be there yet."""
        return data_folder() / self.name

    @property
    def download(self) -> Path:
        """Where it is downloaded to, before it is unpacked."""
        return data_folder() / "downloads" / self.file

    def facts(self) -> dict[str, Any] | None:
        """archive.json, or None where the data set is not here."""
        with contextlib.suppress(OSError, ValueError):
            return json.loads((self.folder / FACTS).read_text(encoding="utf-8"))
        return None


FACTS, SUMS, PICTURES = "archive.json", "SHA256SUMS", "pictures"
Progress = Callable[[int, int], None]

archive: Registry[Callable[[], Archive]] = Registry("archive", "bench.datasets", "data set")


def open_archive(which: Archive, split: str, size: int | None, count: int | None) -> Dataset:
    """The pictures of an archive that was added. Raises UsageError where it is not here."""
    check_request(size, count)
    facts = which.facts()
    if facts is None:
        raise UsageError(
            f"{which.name} is not in {which.folder}: bench data add {which.name} --archive {which.file}, "
            f"or bench data fetch {which.name} ({which.bytes / 1e9:.1f} GB)"
        )
    root = which.folder / PICTURES
    found, skipped = find_pictures(root)
    if len(found) + len(skipped) < facts["pictures"]:
        raise UsageError(
            f"{len(found):,} of {facts['pictures']:,} pictures are left in {root}: "
            f"bench data verify {which.name} lists what is missing"
        )
    where = f"{which.title}, {which.file}"
    if facts["pictures"] != which.pictures:
        where += f" ({facts['pictures']:,} pictures, not the published {which.pictures:,})"
    entries = entries_of({name: root / name for name in found})
    return open_collection(which.name, which.title, where, entries, skipped, split, size, count)


@contextlib.contextmanager
def owned(which: Archive) -> Iterator[None]:
    """The data set's folder for this process alone; what dead owners left half-made is removed.

    Raises UsageError while another process has it, BenchError where the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    try:
        data_folder().mkdir(parents=True, exist_ok=True)
        with FileLock(data_folder() / f".{which.name}.lock").acquire(timeout=0):
            for left in data_folder().glob(f".{which.name}-*.part"):
                shutil.rmtree(left, ignore_errors=True)
            yield
    except Timeout:
        raise UsageError(f"another process is adding {which.name}: wait for it to end") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BenchError(
            f"{error.filename or data_folder()} cannot be used ({reason}): nothing was added; "
            "BENCH_DATA_DIR names another folder"
        ) from error


def add(which: Archive, file: Path, force: bool, progress: Progress = lambda done, total: None) -> dict[str, Any]:
    """Take an archive in, whole or not at all; the facts that archive.json then has. Called with the folder owned.

    force: in place of one that is there. Raises UsageError for an archive that is no such, or another than is there;
    OSError where the disk is full.
    """
    if not file.is_file():
        raise UsageError(f"there is no archive at {file}: name the .tar or .tar.gz file")
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    there = which.facts()
    if there is not None and not force:
        if there["archive_sha256"] == digest:
            return there
        raise UsageError(f"{which.folder} holds {which.name} from another archive: --force replaces it")
    if shutil.disk_usage(data_folder()).free < file.stat().st_size:
        raise BenchError(
            f"{data_folder()} has less room than the {file.stat().st_size / 1e9:.1f} GB of {file}: nothing was added; "
            "BENCH_DATA_DIR names another folder"
        )
    made = Path(tempfile.mkdtemp(prefix=f".{which.name}-", suffix=".part", dir=data_folder()))
    try:
        made.chmod(0o755)
        found = unpack(file, made / PICTURES, progress)
        lines = [f"{sha256}  {PICTURES}/{name}\n" for name, (sha256, _) in sorted(found.sums.items())]
        write_bytes(made / SUMS, "".join(lines).encode())
        facts = {
            "schema": 1,
            "name": which.name,
            "archive": file.name,
            "archive_bytes": file.stat().st_size,
            "archive_sha256": digest,
            "pictures": len(found.sums),
            "bytes": sum(length for _, length in found.sums.values()),
            "other_files": found.others,
        }
        write_json(made / FACTS, facts)
        if hasattr(os, "sync"):
            os.sync()
        if which.folder.exists():
            old = made.with_name(f"{made.name.removesuffix('.part')}-old.part")
            which.folder.rename(old)
            made.rename(which.folder)
            shutil.rmtree(old, ignore_errors=True)
        else:
            made.rename(which.folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return facts


@dataclass(frozen=True)
class Found:
    """How an added archive looks now, by paths in its folder."""

    pictures: int
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether no file is missing, changed or too many."""
        return not (self.missing or self.changed or self.extra)


def verify(which: Archive, progress: Progress = lambda done, total: None) -> Found:
    """Hold every picture against the SHA-256 it had in the archive. Raises UsageError where the set is not here."""
    if which.facts() is None:
        raise UsageError(f"{which.name} is not in {which.folder}: bench data add {which.name} --archive FILE")
    try:
        lines = (which.folder / SUMS).read_text(encoding="utf-8").splitlines()
        sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    except (OSError, ValueError) as error:
        raise UsageError(f"{which.folder / SUMS} cannot be read: add the archive again with --force") from error
    missing, changed = [], []
    for done, (name, digest) in enumerate(sums.items()):
        try:
            with (which.folder / name).open("rb") as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() != digest:
                    changed.append(name)
        except OSError:
            missing.append(name)
        progress(done + 1, len(sums))
    there = {f"{PICTURES}/{name}" for name in find_pictures(which.folder / PICTURES)[0]}
    return Found(len(sums), tuple(missing), tuple(changed), tuple(sorted(there - sums.keys())))
