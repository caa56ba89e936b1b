"""The registry of data sets, and what every one of them looks like from outside.

A data set is opened by a spec, ``NAME`` or ``NAME:ARGUMENT`` (``scenes``, ``photos``, ``folder:PATH``)::

    @dataset("scenes")
    def open_scenes(argument: str, split: str, size: int | None, count: int | None) -> Dataset:
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from bench.datasets.fingerprint import VERSION
from bench.util.errors import UsageError
from bench.util.guard import guarded
from variants.errors import PluginError
from variants.plugins import an
from variants.registry import Registry, UnknownName, suggest

MOST_PX, MOST = 16_384, 10**9
"""The side of a picture and the number of pictures that may be asked for."""

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Dataset:
    """Pictures by index: ``ids`` are unique and file-name safe (``/`` allowed), ``load(i)`` gives picture i.

    ``load`` returns uint8 RGB (H, W, 3); with a ``size``, all are (size, size, 3).
    ``title`` is what people call it, where ``name`` says less (a folder's own name).
    ``skipped`` names what could not be read and why; ``note`` says in words where the pictures come from.
    """

    name: str
    split: str
    size: int | None
    ids: Sequence[str]
    load: Callable[[int], np.ndarray] = field(repr=False)
    note: str = ""
    title: str = ""
    skipped: tuple[tuple[str, str], ...] = ()
    load_batch: Callable[[Sequence[int] | np.ndarray], np.ndarray] | None = field(default=None, repr=False)
    """Many pictures at once, where that is faster than one by one; the same pixels."""
    path: Callable[[int], Path] | None = field(default=None, repr=False)
    """The file of picture i, where each is a file of the user's."""
    recipe: Callable[[], str] | None = field(default=None, repr=False)
    """All that the pixels depend on, as text; None where pictures are made, not read from files."""
    digests: Sequence[tuple[tuple[int, int], str]] = field(default=(), repr=False)
    """Of each picture height and width and :func:`bench.datasets.fingerprint.picture_digest`, where they are known
    without loading it; else empty."""
    suite_version: int = VERSION
    """Of the exported suite that these pictures are; else the current one."""

    def __len__(self) -> int:
        return len(self.ids)

    def batch(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Pictures stacked, uint8 (N, H, W, 3); they must be of one size."""
        if self.load_batch is not None:
            return self.load_batch(indices)
        return np.stack([self.load(int(i)) for i in indices])


Opener = Callable[[str, str, "int | None", "int | None"], Dataset]

dataset: Registry[Opener] = Registry(
    "dataset", "bench.datasets", "data set", "a function of argument, split, size and count"
)


def takes_path(opener: Opener) -> Opener:
    """Decorator, below the registry's: the argument is a path, which a run must tell whole."""
    setattr(opener, "takes_path", True)  # noqa: B010 - functions have no such attribute of their own
    return opener


def check_known(spec: str) -> None:
    """Raises UnknownName where a spec names no data set; of a folder it says how folders are named."""
    name = spec.partition(":")[0]
    if name not in dataset.names():
        if Path(spec).expanduser().is_dir():
            raise UnknownName(f"unknown data set '{spec}': did you mean folder:{spec}?")
        raise suggest(dataset.noun, name, dataset.names())


def open_dataset(spec: str, split: str = "test", size: int | None = None, count: int | None = None) -> Dataset:
    """Open ``NAME`` or ``NAME:ARGUMENT``.

    split: ``train``, ``validation``, ``test``, or ``all`` (every picture of a folder, no split).
    size: shorter side resized to it, then centre crop; None keeps each picture's own size (scenes: 256).
    count: at most that many pictures (scenes: how many; None is the data set's own number).
    Raises UnknownName for a wrong name, UsageError for a wrong argument or where no picture is left.
    """
    if split not in (*SPLITS, "all"):
        raise UsageError(f"unknown split '{split}': choose from {', '.join(SPLITS)}, all")
    name, _, argument = spec.partition(":")
    check_known(spec)
    opener = dataset.get(name)
    with guarded(dataset, name):
        found = opener(argument, split, size, count)
    if not isinstance(found, Dataset):
        raise PluginError(f"{dataset.origin(name)}: the data set '{name}' gave {an(found)}, not a Dataset")
    return checked(found, name) if dataset.plugin(name) else found


def checked(found: Dataset, name: str) -> Dataset:
    """A plug-in's data set, whose pictures are looked at as they come."""

    def load(index: int) -> np.ndarray:
        with guarded(dataset, name):
            picture = found.load(index)
        side = found.size
        if (
            not isinstance(picture, np.ndarray)
            or picture.dtype != np.uint8
            or picture.ndim != 3
            or picture.shape[2] != 3
            or (side is not None and picture.shape[:2] != (side, side))
        ):
            got = f"{picture.dtype} {picture.shape}" if isinstance(picture, np.ndarray) else an(picture)
            wanted = "(H, W, 3)" if side is None else str((side, side, 3))
            raise PluginError(
                f"{dataset.origin(name)}: the data set '{name}' gave {got} for '{found.ids[index]}', not a NumPy array "
                f"uint8 {wanted}"
            )
        return picture

    # The rest may be of a data set that the plug-in opened, whose pictures it changes as they are loaded.
    return replace(found, load=load, load_batch=None, recipe=None, digests=())


def check_request(size: int | None, count: int | None) -> None:
    """Raises UsageError for a size or a count that no data set can give."""
    if size is not None and size < 8:
        raise UsageError(f"a picture size of {size} px is too small: ask for 8 px or more")
    if size is not None and size > MOST_PX:
        raise UsageError(f"a picture size of {size} px is too large: ask for {MOST_PX:,} px or less")
    if count is not None and count > MOST:
        raise UsageError(f"a count of {count} pictures is too large: ask for {MOST:,} or less")
    if count is not None and count < 1:
        raise UsageError(f"a count of {count} pictures leaves none: ask for 1 or more")


def absolute_spec(spec: str) -> str:
    """A spec whose argument is a path with that path absolute, so that run.json says where; other specs as they are."""
    name, _, argument = spec.partition(":")
    if not argument or "://" in argument:
        return spec
    paths = name in dataset.names() and getattr(dataset.get(name), "takes_path", False)
    return f"{name}:{Path(argument).resolve()}" if paths else spec


OWN = ("folder", "files", "shards")
"""Pictures of the user's own, which are all scored where nothing was trained on them."""


def is_own(spec: str) -> bool:
    """Whether a SPEC names the user's own pictures: folder:, files: or shards:."""
    return spec.partition(":")[0] in OWN
