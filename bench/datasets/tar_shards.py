"""Pictures in tar archives, where they lie: ``shards:PATTERN``, in the layout of the ``webdataset`` package.

PATTERN is a path with ``{000..127}``, ``{a,b}``, ``*`` or ``?``. A sample is KEY.jpg (or another picture's suffix);
KEY, its folders included, is the id. Longer suffixes (KEY.seg.png) and other kinds (KEY.json) are passed over. Nothing
is unpacked: the headers are read once, and pictures from their place in the archive.
"""

from __future__ import annotations

import glob
import itertools
import re
import tarfile
from collections import Counter
from functools import lru_cache
from pathlib import Path, PurePosixPath

from bench.datasets.collection import entries_of, open_collection
from bench.datasets.member import Member
from bench.datasets.pictures import SUFFIXES
from bench.datasets.registry import Dataset, check_request, dataset, takes_path
from bench.datasets.unpack import ended
from bench.util.errors import UsageError
from bench.util.paths import Outside, relative
from bench.util.read_errors import reading
from bench.util.words import printable, some


@dataset("shards")
@takes_path
def open_shards(argument: str, split: str, size: int | None, count: int | None) -> Dataset:
    """The pictures in tar shards, shards:PATTERN (webdataset's layout), read where they lie.

    A key that several shards hold is told apart by the shard's name. Raises UsageError where a shard is missing, is
    compressed or no tar, or none holds a picture.
    """
    check_request(size, count)
    shards = find_shards(argument)
    found: list[tuple[Path, Member]] = []
    skipped: list[tuple[str, str]] = []
    for shard in shards:
        status = shard.stat()
        members, left_out = read_index(shard, status.st_size, status.st_mtime_ns)
        found += [(shard, member) for member in members]
        skipped += left_out
    if not found:
        raise UsageError(
            f"no pictures in {len(shards)} shards (the first, {shards[0]}): a sample's picture is KEY.jpg, KEY.png, …"
        )
    taken = Counter(member.name for _, member in found)
    sources: dict[str, Path | Member] = {}
    for shard, member in found:
        name = f"{shard.stem}/{member.name}" if taken[member.name] > 1 else member.name
        if name in sources:
            raise UsageError(f"{sources[name]} and {member} would both be '{name}': rename one of the shards")
        sources[name] = member
    return open_collection("shards", title_of(argument), argument, entries_of(sources), skipped, split, size, count)


def title_of(pattern: str) -> str:
    """What people call shards: the part of their name before the numbers."""
    return re.split(r"[-_.]*[{*?\[]", PurePosixPath(pattern).name)[0].removesuffix(".tar") or "shards"


def find_shards(pattern: str) -> list[Path]:
    """The files that a pattern means, each once, in its order. Raises UsageError where one is missing."""
    if not pattern:
        raise UsageError("shards needs a pattern: write shards:DIR/train-{000..127}.tar")
    if "://" in pattern or pattern.startswith("pipe:"):
        raise UsageError(f"shards:{pattern} must be files of this machine, or of a folder that it mounts")
    found: dict[Path, None] = {}
    missing = []
    for text in expand_braces(str(Path(pattern).expanduser())):
        matches = [text] if Path(text).is_file() else sorted(glob.glob(text))  # noqa: PTH207 - any path, absolute too
        if not matches:
            missing.append(text)
        found.update((Path(match).absolute(), None) for match in matches)
    if missing:
        raise UsageError(f"missing shards: {some(missing, 3)}")
    return [*found]


def expand_braces(text: str) -> list[str]:
    """``a{00..02}.tar`` as three texts, ``{a,b}`` as two; zeros in front are kept."""
    match = re.search(r"\{([^{}]*)\}", text)
    if match is None:
        return [text]
    numbers = re.fullmatch(r"(\d+)\.\.(\d+)", match[1])
    if numbers:
        first, last = numbers.groups()
        width = len(first) if first.startswith("0") or len(first) == len(last) else 0
        choices = [str(number).zfill(width) for number in range(int(first), int(last) + 1)]
    else:
        choices = match[1].split(",")
    rests = expand_braces(text[match.end() :])
    return [text[: match.start()] + choice + rest for choice, rest in itertools.product(choices, rests)]


@lru_cache(maxsize=4096)
def read_index(shard: Path, size: int, changed: int) -> tuple[tuple[Member, ...], tuple[tuple[str, str], ...]]:
    """The pictures of a shard, named KEY.SUFFIX, and what of it was left out, and why; its headers alone are read.

    size, changed: of the file, so that another file of that name is read again.
    """
    members: list[Member] = []
    skipped: list[tuple[str, str]] = []
    with reading(shard, "a tar archive", error=UsageError, limit_mib=None):
        try:
            with tarfile.open(shard, "r:") as archive:
                assert archive.fileobj is not None
                for entry in archive:
                    path = PurePosixPath(entry.name)
                    stem, _, suffix = path.name.partition(".")
                    if f".{suffix.lower()}" not in SUFFIXES or not stem:
                        continue
                    name = printable(f"{shard.name}:{entry.name}")
                    why = refusal(entry, size)
                    if why:
                        skipped.append((name, why))
                    else:
                        members.append(Member(shard, path.as_posix(), entry.offset_data, entry.size))
                archive.fileobj.seek(archive.offset)
                if not ended(archive.fileobj.read(tarfile.BLOCKSIZE)):
                    raise tarfile.ReadError("no end")
        except tarfile.TarError as error:
            if members:
                skipped.append((shard.name, f"it is truncated or damaged after {len(members)} pictures"))
            else:
                hint = "unpack its compression first" if compressed(shard) else str(error)
                raise UsageError(
                    f"{shard} is not a tar archive that pictures can be read from in place ({hint})"
                ) from error
    return tuple(members), tuple(skipped)


def refusal(entry: tarfile.TarInfo, length: int) -> str:
    """Why a member is left out; empty for one that may be a picture. length: of the archive, in bytes."""
    if not entry.isreg() or entry.issparse():
        return "not a regular file"
    try:
        relative(entry.name)
    except Outside:
        return "its name points outside the folder"
    try:
        entry.name.encode()
    except UnicodeEncodeError:
        return "its name is not valid UTF-8"
    return "the archive ends before it" if entry.offset_data + entry.size > length else ""


def compressed(file: Path) -> bool:
    """Whether a file begins as gzip, bzip2, xz or zstd does: members can then not be read in place."""
    with file.open("rb") as stream:
        return stream.read(6).startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"))
