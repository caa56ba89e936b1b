"""Sets of holes that are known by their bits: "these are the masks of X", whatever files, names and order they come in.

A set is a text file, NAME.masks, which holds facts and no hole: three lines of text, then a key for each hole, sorted::

    # inpaint-bench mask set 1
    title: the middle half of each side, at 64 to 1024 px
    digest: <SHA-256 of all keys, one a line>
    <first 16 hex digits of the SHA-256 of "<height>x<width> <SHA-256 of the bits>">

The bits are those of :mod:`bench.datasets.fingerprint`, at the file's own size. Ours lie beside this module, the user's
in ``mask_sets`` of the data folder (``bench suite masks DIR --add NAME`` writes one).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from bench.datasets.fingerprint import hole_digest, text_digest
from bench.util.errors import UsageError
from bench.util.files import write_text
from bench.util.places import data_folder
from bench.util.progress import say

HEAD = "# inpaint-bench mask set 1"
SUFFIX = ".masks"
OURS = Path(__file__).parent / "known_masks"


@dataclass(frozen=True)
class MaskSet:
    """Holes by their keys, and what people call them."""

    name: str
    title: str
    keys: frozenset[str]

    @property
    def digest(self) -> str:
        """The same for the same holes, whatever their order and names."""
        return text_digest(f"{key}\n" for key in sorted(self.keys))

    def text(self) -> str:
        """The set as its file holds it."""
        return "\n".join([HEAD, f"title: {self.title}", f"digest: {self.digest}", *sorted(self.keys), ""])


def hole_key(hole: np.ndarray) -> str:
    """What a hole, bool (H, W), is known by."""
    return hashlib.sha256(f"{hole.shape[0]}x{hole.shape[1]} {hole_digest(hole)}".encode()).hexdigest()[:16]


def read_set(file: Path) -> MaskSet:
    """Raises UsageError for a file that is no set, or was changed."""
    lines = [*file.read_text(encoding="utf-8").splitlines(), "", "", ""]
    title, digest = lines[1].removeprefix("title: "), lines[2].removeprefix("digest: ")
    found = MaskSet(file.stem, title, frozenset(line for line in lines[3:] if line))
    if lines[0] != HEAD or found.digest != digest:
        raise UsageError(f"{file} is not a mask set, or was changed: bench suite masks DIR --add NAME makes one")
    return found


@lru_cache(maxsize=1)
def known_sets(users: Path) -> tuple[MaskSet, ...]:
    """Ours and the user's, by name; one that is damaged is left out, with a warning."""
    found = []
    for file in [*sorted(OURS.glob(f"*{SUFFIX}")), *sorted(users.glob(f"*{SUFFIX}"))]:
        try:
            found.append(read_set(file))
        except (UsageError, OSError, ValueError) as error:
            say(f"warning: {error}")
    return tuple(found)


def users_folder() -> Path:
    """Where the user's own sets lie."""
    return data_folder() / "mask_sets"


def recognised(keys: Collection[str]) -> list[str]:
    """What is known of holes: a clause for each set that half of them or more belong to, the most first."""
    clauses = []
    for known in known_sets(users_folder()):
        shared = len(known.keys.intersection(keys))
        if shared and shared >= len(keys) / 2:
            how = "are" if shared == len(keys) else f"are, {shared:,} of {len(keys):,} of them,"
            clauses.append((shared, f"{how} masks of {known.name} ({known.title}), a set of {len(known.keys):,}"))
    return [clause for _, clause in sorted(clauses, key=lambda pair: -pair[0])]


def keys_of(
    files: Iterable[Path], hole: Callable[[Path], np.ndarray], progress: Callable[[int], None] = lambda done: None
) -> set[str]:
    """The keys of hole files. hole: a file to bool (H, W). progress: told how many more are read."""
    keys = set()
    for file in files:
        keys.add(hole_key(hole(file)))
        progress(1)
    return keys


def add_set(name: str, title: str, keys: Collection[str]) -> Path:
    """Keep a set for this user. Raises UsageError for a name that is taken by other holes, or is none."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise UsageError(f"--add {name} must be of a-z, 0-9, '_' and '-'")
    made = MaskSet(name, " ".join(title.split()) or "added here", frozenset(keys))
    there = next((known for known in known_sets(users_folder()) if known.name == name), None)
    if there is not None and there.keys != made.keys:
        raise UsageError(f"--add {name}: that name is taken by {len(there.keys):,} other holes; choose another")
    file = users_folder() / f"{name}{SUFFIX}"
    write_text(file, made.text())
    known_sets.cache_clear()
    return file
