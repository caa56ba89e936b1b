"""What visitors hand in: a picture or a hole in a file, read into memory and the file removed."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from bench.datasets.pictures import BrokenPicture, opened, read_picture
from bench.suites.hole_file import PLAIN, photograph, read_hole_file
from bench.util.errors import UsageError

MOST_PIXELS = 50_000_000
MOST_BYTES = 64 * 2**20


def read_upload(file: Path, name: str) -> np.ndarray:
    """The picture in a file, uint8 RGB (H, W, 3). Raises UsageError with one sentence for whatever cannot be used."""
    try:
        require_few_pixels(file)
        return read_picture(file)
    except BrokenPicture as error:
        raise UsageError(f"{short(name)} cannot be used: {error}.") from error


def require_few_pixels(file: Path) -> None:
    """Raises BrokenPicture for a file of more than MOST_PIXELS, or that cannot be read."""
    with opened(file) as image:
        width, height = image.size
    if width * height > MOST_PIXELS:
        millions = width * height / 1e6
        raise BrokenPicture(f"it has {millions:,.0f} million pixels, and {MOST_PIXELS / 1e6:.0f} million is the limit")


def read_hole(file: Path, name: str, shape: tuple[int, int]) -> np.ndarray:
    """The hole in a file, read as hole files of a suite are, bool of ``shape``. Raises UsageError for one of another
    size, or a photograph."""
    try:
        require_few_pixels(file)
        grey, coloured, _ = read_hole_file(file)
    except (BrokenPicture, UsageError) as error:
        why = error if isinstance(error, BrokenPicture) else error.__cause__
        raise UsageError(f"{short(name)} cannot be used: {why}.") from error
    what = photograph(grey, coloured)
    if what:
        raise UsageError(f"{short(name)} looks like a photograph, not a hole ({what}): a hole is black and white.")
    if grey.shape != shape:
        raise UsageError(
            f"{short(name)} is {grey.shape[1]} x {grey.shape[0]} pixels and the picture {shape[1]} x {shape[0]}: "
            "a hole has the size of its picture."
        )
    hole = PLAIN.hole(grey)
    if not hole.any():
        raise UsageError(f"{short(name)} holds no white pixel: a hole is white.")
    return hole


def short(name: str) -> str:
    """A file's name, short enough for a sentence."""
    name = Path(name).name or "The file"
    return name if len(name) <= 40 else f"{name[:24]}…{name[-12:]}"


def inside(folder: Path, path: object, name: str) -> Path:
    """The file that a page says it has handed in. Raises UsageError for one that does not lie in ``folder``."""
    file = Path(str(path).replace("\0", "")).resolve()
    if not file.is_relative_to(folder.resolve()) or not file.is_file():
        raise UsageError(f"{short(name)} was not received: is it empty?")
    return file


def discard(file: Path) -> None:
    """Remove a file that was handed in, and the folder that was made for it."""
    file.unlink(missing_ok=True)
    with suppress(OSError):
        file.parent.rmdir()


def sweep(folder: Path, older_than_s: float) -> None:
    """Remove what was handed in and never asked for."""
    for file in list(folder.rglob("*")):
        with suppress(OSError):
            if file.is_file() and time.time() - file.stat().st_mtime >= older_than_s:
                discard(file)
