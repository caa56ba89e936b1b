"""Finished pictures from any tool, scored as they lie in a folder (``predictions:DIR``); no code of theirs runs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path, PurePosixPath

import numpy as np

from bench.datasets.collection import stem
from bench.datasets.folder import find_pictures, first_skipped
from bench.datasets.name_pattern import named
from bench.datasets.pictures import BrokenPicture, read_picture
from bench.methods.callable import safe_name
from bench.methods.spec import Spec
from bench.util.errors import UsageError
from variants.errors import ExternalError
from variants.method import Findings, Method

LOSSY = frozenset([".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".gif"])
"""Endings that stand back where a fill is there twice."""


class Predictions(Method):
    """A folder of finished pictures, ``<mask>/<id>.png``, paired by name and never by order.

    They are read as data is: whatever ``folder:`` takes as a picture counts as a fill. pattern: how files are called,
    ``case{id}_output.png``; empty: as the id. flat: the pictures of the one mask type lie in the folder itself.
    ``problems`` collects what could not be used: (mask, id) -> why. Such pictures come back as NaN. ``asked`` collects
    what was looked for, so that extra files can be named afterwards.
    """

    gives_raw = False
    forks = True

    def __init__(self, name: str, folder: Path, pattern: str = "", root: Path | None = None) -> None:
        self.name = safe_name(name)
        self.folder = folder
        self.pattern = pattern
        self.root = root or folder
        self.called = ""  # by the user, where what they called may yet turn out to be several
        self.opening: object = self
        self.flat = False
        self.convention = f"name={pattern}" if pattern else ""
        self.summary = f"finished pictures in {folder.name}"
        self.problems: dict[tuple[str, str], str] = {}
        self.asked: set[str] = set()
        self.files: dict[str, list[str]] = {}
        found, skipped = find_pictures(folder)
        self.unread = dict(skipped)
        for name in found:
            self.files.setdefault(stem(name), []).append(name)

    def find(self, mask: str, image_id: str) -> Path | None:
        """The file of a fill; of several that differ in their ending alone the PNG, else one that is not
        :data:`LOSSY`."""
        wanted = named(self.pattern, image_id) if self.flat else f"{mask}/{named(self.pattern, image_id)}"
        found = self.files.get(wanted, [])
        # An id that carries a suffix, as where two pictures share the rest, may be the file's whole name.
        if not found and wanted in self.files.get(stem(wanted), []):
            found = [wanted]
        if not found:
            return None
        best = min(
            found, key=lambda name: (not name.lower().endswith(".png"), Path(name).suffix.lower() in LOSSY, name)
        )
        self.asked.add(best)
        return self.folder / best

    def digest(self, wanted: Iterable[tuple[str, str]]) -> str:
        """SHA-256 of the fills of these (mask type, picture id) as they lie there; of those missing, that they are."""
        total = hashlib.sha256()
        for mask, image_id in wanted:
            file = self.find(mask, image_id)
            try:
                own = "missing" if file is None else hashlib.sha256(file.read_bytes()).hexdigest()
            except OSError as error:
                own = f"unreadable {error.strerror}"
            total.update(f"{mask}/{image_id} {own}\n".encode())
        return total.hexdigest()

    def finished(self, images: np.ndarray, ids: list[str], mask: str) -> list[np.ndarray | None]:
        return [self.read(mask, image_id, image.shape) for image_id, image in zip(ids, images, strict=True)]

    def read(self, mask: str, image_id: str, shape: tuple[int, ...]) -> np.ndarray | None:
        """One fill, uint8 of that shape; None where it cannot be used, for one of ``problems``."""
        file = self.find(mask, image_id)
        if file is None:
            self.problems[mask, image_id] = "missing"
            return None
        try:
            picture = read_picture(file)
        except BrokenPicture as error:
            self.problems[mask, image_id] = f"unreadable: {error}"
            return None
        if picture.shape != shape:
            have, want = (f"{s[1]}×{s[0]}" for s in (picture.shape, shape))
            self.problems[mask, image_id] = f"wrong size: {have}, not {want}"
            return None
        return picture

    def fill(self, images: np.ndarray, holes: np.ndarray, ids: list[str] | None = None, mask: str = "") -> np.ndarray:
        assert ids is not None
        raw = np.full(images.shape, np.nan, np.float32)
        for out, picture in zip(raw, self.finished(images, ids, mask), strict=True):
            if picture is not None:
                out[:] = picture / np.float32(255)
        return raw

    def findings(self) -> Findings:
        """Extra: pictures in the folder that nothing asked for; unread: those that nothing can ask for."""
        unasked = {name for names in self.files.values() for name in names} - self.asked
        return Findings(self.problems, sorted(unasked), unread=self.unread)


def open_predictions(folder: Path, pattern: str = "") -> list[Predictions]:
    """DIR/<mask>/<id>.png is one method, DIR/<variant>/<mask>/<id>.png one for each sub-folder.

    Where ids have folders of their own, which of the two it is shows once the suite is there: :func:`settle_layout`.
    """
    if not folder.is_dir():
        raise ExternalError(f"predictions:{folder} is not a folder")
    found_files, skipped = find_pictures(folder)
    files = [PurePosixPath(name).parts for name in found_files]
    if not files:
        raise ExternalError(
            f"predictions:{folder} contains no pictures{first_skipped(skipped)} (expected <mask>/<id>.png)"
        )
    if any(len(parts) == 2 for parts in files):
        return [Predictions(folder.name, folder, pattern)]
    nested = sorted({parts[0] for parts in files if len(parts) > 2})
    found = [Predictions(name, folder / name, pattern, folder) for name in nested]
    for method in found:
        method.opening = found[0]
    return found or [Predictions(folder.name, folder, pattern)]


def settle_layout(methods: Sequence[Method], masks: Sequence[str]) -> list[Method]:
    """The methods with each folder of fills read as these mask types have it.

    Sub-folders that are named like mask types are those, whatever lies in them; a folder without one holds the fills of
    the only mask type. Raises ExternalError where one name was given to several methods, UsageError where two then
    share name and seed.
    """
    settled: list[Method] = []
    for _, group in groupby(methods, key=lambda method: id(getattr(method, "opening", method))):
        members = list(group)
        called = getattr(members[0], "called", "")
        nested = [method for method in members if isinstance(method, Predictions) and method.folder != method.root]
        if any(method.folder.name in masks for method in nested):
            first = nested[0]
            whole = Predictions(first.root.name, first.root, first.pattern)
            if first.name != safe_name(first.folder.name):
                whole.name = first.name  # the user's own
            whole.name = called or whole.name
            members = [whole]
        elif called:
            names = ", ".join(method.name for method in members)
            raise ExternalError(f"'{called}' names {len(members)} methods at once ({names}): leave {called}=")
        for method in members:
            if isinstance(method, Predictions) and len(masks) == 1:
                method.flat = not any(name.startswith(f"{masks[0]}/") for name in method.files)
        settled += members
    refuse_namesakes(settled)
    return settled


def refuse_namesakes(methods: Sequence[Method]) -> None:
    """Raises UsageError where two methods share name and seed; some file systems hold no two names that differ in case
    alone."""
    seen: set[tuple[str, int]] = set()
    for method in methods:
        if (method.name.casefold(), method.seed) in seen:
            spec = getattr(method, "spec", None)
            other = str(replace(spec, name="other")) if isinstance(spec, Spec) else f"other={method.name}"
            raise UsageError(f"{method.name} with seed {method.seed} is named twice: give one another name, '{other}'")
        seen.add((method.name.casefold(), method.seed))
