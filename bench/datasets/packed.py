"""Pictures decoded once: uint8 (N, size, size, 3) in one .npy file, which runs, trainings and workers map.

Pictures that come from files are packed into the user's cache (``BENCH_CACHE_DIR``), where every run finds them; those
that are made are packed into the run's own folder. A pack is found by all that its pixels depend on
(``Dataset.recipe``): the files with their sizes and times, size, crop, and the reader. It is written under another name
and renamed, by one process at a time, after its room on the disk was reserved: what has the name is whole.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.datasets.cache import LIMIT_MIB
from bench.datasets.registry import Dataset
from bench.util.errors import BenchError
from bench.util.files import write_json
from bench.util.places import cache_folder
from bench.util.progress import Reporter, say
from variants.atomic import TEMPORARY, CannotWrite, replacing, reserve

BATCH = 64
MANY = 2_000
"""Pictures from which on packing takes so long that progress is told."""


def packs_folder() -> Path:
    """Where packed pictures are kept; all in it can be made again."""
    return cache_folder() / "pictures"


def pack(parts: Sequence[Dataset], size: int, beside: Path) -> Path:
    """The file of all pictures of ``parts``, in their order; packed now where it is not there yet.

    beside: the file to write where some of the pictures are made, not read. Raises BenchError where the disk is full or
    the file cannot be written; nothing is left then.
    """
    shape = (sum(len(part) for part in parts), size, size, 3)
    recipes = [part.recipe() for part in parts if part.recipe is not None]
    if len(recipes) < len(parts):
        if not usable(beside, shape):
            write_pack(parts, shape, beside, durable=False)
        return beside
    key = hashlib.sha256("\n\n".join([f"pack {shape}", *recipes]).encode(errors="surrogateescape")).hexdigest()[:32]
    file = packs_folder() / f"{key}.npy"
    if not usable(file, shape):
        with owned(key):
            if not usable(file, shape):
                now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
                notes = [part.note for part in parts]
                # The pictures come last: once they have their name nothing is left to be done.
                facts = file.with_suffix(".json")
                write_json(facts, {"pictures": shape[0], "size": size, "made": now, "of": notes})
                try:
                    write_pack(parts, shape, file, durable=True)
                except BaseException:
                    facts.unlink(missing_ok=True)
                    raise
                say(f"packed {shape[0]:,} pictures ({file.stat().st_size / 1e6:,.0f} MB) in {file}")
    with contextlib.suppress(OSError):
        os.utime(file)  # When it was last used.
    return file


def usable(file: Path, shape: tuple[int, ...]) -> bool:
    """Whether a whole pack of this shape lies there."""
    if not file.is_file():  # a pipe would be waited for
        return False
    try:
        found = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    return found.shape == shape and found.dtype == np.uint8


def write_pack(parts: Sequence[Dataset], shape: tuple[int, ...], file: Path, durable: bool) -> None:
    """durable: on disk before the file has its name; what a run makes anew after a power cut need not be."""
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    lock, done = threading.Lock(), 0
    try:
        with (
            replacing(file, durable) as temporary,
            temporary.open("r+b") as stream,
            Reporter("pack") as reporter,
            ThreadPoolExecutor(os.cpu_count() or 1) as pool,
        ):
            np.lib.format.write_array_header_1_0(stream, header)
            begin, each = stream.tell(), int(np.prod(shape[1:]))
            stream.truncate(begin + shape[0] * each)
            reserve(temporary, file)

            def write(job: tuple[Dataset, int, int]) -> None:
                nonlocal done
                part, start, row = job
                pictures = part.batch(range(start, min(start + BATCH, len(part))))
                assert pictures.dtype == np.uint8 and pictures.shape[1:] == shape[1:], pictures.shape
                with lock:
                    stream.seek(begin + row * each)
                    stream.write(np.ascontiguousarray(pictures))
                    done += len(pictures)
                    if shape[0] >= MANY:
                        reporter.update("pictures", done, shape[0])

            try:
                for _ in pool.map(write, jobs(parts)):
                    pass
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    except CannotWrite as error:
        hint = " (bench data cache --clear, or BENCH_CACHE_DIR)" if file.parent == packs_folder() else ""
        raise BenchError(f"{error}{hint}") from error


def jobs(parts: Sequence[Dataset]) -> Iterator[tuple[Dataset, int, int]]:
    """(part, first picture, row in the pack) of each batch."""
    row = 0
    for part in parts:
        for start in range(0, len(part), BATCH):
            yield part, start, row + start
        row += len(part)


@contextlib.contextmanager
def owned(key: str) -> Iterator[None]:
    """One process at a time packs ``key``; others wait. What killed ones left half-written is removed.

    The system lets go of the lock when its process ends. Raises BenchError where the cache cannot be written.
    """
    from filelock import FileLock, Timeout

    folder = packs_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f".{key}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say("another process is packing these pictures: waiting for it")
            lock.acquire()
    except OSError as error:
        raise BenchError(
            f"{error.filename or folder} cannot be written ({error.strerror}): BENCH_CACHE_DIR names another folder"
        ) from error
    try:
        sweep(folder, key)
        yield
    finally:
        lock.release()


def sweep(folder: Path, mine: str = "") -> int:
    """Remove what packing left half-written, but for what another process is writing; the bytes that were freed.

    mine: the key whose lock this process holds.
    """
    from filelock import FileLock, Timeout

    freed = 0
    for left in folder.glob(f".*{TEMPORARY}"):
        key = left.name[1:33]
        with contextlib.suppress(OSError, Timeout):
            if key == mine:
                freed += remove(left)
            else:
                with FileLock(folder / f".{key}.lock").acquire(timeout=0):
                    freed += remove(left)
    return freed


def remove(file: Path) -> int:
    """Remove a file, and say how many bytes it had."""
    size = file.stat().st_size
    file.unlink()
    return size


@dataclass
class PackedPictures:
    """The pictures of a pack by row. Pickles by its path, so that workers map it themselves."""

    file: Path

    def __post_init__(self) -> None:
        self.array = np.load(self.file, mmap_mode="r", allow_pickle=False)

    def load(self, index: int) -> np.ndarray:
        """One picture, uint8 (size, size, 3), copied out of the mapped file."""
        return np.array(self.array[index])

    def batch(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Some pictures at once, uint8 (N, size, size, 3), copied out of the mapped file."""
        return np.array(self.array[np.asarray(indices)])

    def __getstate__(self) -> dict[str, Any]:
        return {"file": self.file}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["file"])  # type: ignore[misc]


def packed_where_large(dataset: Dataset) -> Dataset:
    """The data set read from its pack, where its files decode to more than is kept in memory anyway."""
    if dataset.recipe is None or dataset.size is None or len(dataset) * dataset.size**2 * 3 <= LIMIT_MIB * 2**20:
        return dataset
    pictures = PackedPictures(pack([dataset], dataset.size, Path()))
    return replace(dataset, load=pictures.load, load_batch=pictures.batch)


def listed() -> list[dict[str, Any]]:
    """Every pack of the cache: file, bytes, when it was last used, and what of, the newest first."""
    rows = []
    for file in packs_folder().glob("*.npy"):
        facts: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            facts = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        with contextlib.suppress(OSError):
            status = file.stat()
            used = datetime.datetime.fromtimestamp(status.st_mtime, datetime.UTC).isoformat(timespec="seconds")
            rows.append({"file": str(file), "bytes": status.st_size, "used": used, **facts})
    return sorted(rows, key=lambda row: row["used"], reverse=True)


def clear() -> int:
    """Remove every pack, what was remembered of files, and leftovers; the bytes that were freed.

    A pack that a process has mapped stays readable to it.
    """
    freed = sweep(packs_folder())
    for pattern in ("pictures/*.npy", "pictures/*.json", "pictures/.*.lock", "checked/*.json"):
        for file in cache_folder().glob(pattern):
            if file.suffix == ".lock" and not free(file):
                continue
            with contextlib.suppress(OSError):
                freed += remove(file)
    return freed


def free(lock: Path) -> bool:
    """Whether no process holds a lock."""
    from filelock import FileLock, Timeout

    with contextlib.suppress(OSError, Timeout), FileLock(lock).acquire(timeout=0):
        return True
    return False
