"""Where the user's own files are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path

NAME = "inpaint-bench"


def cache_folder() -> Path:
    """What can be made anew: BENCH_CACHE_DIR, else the user's cache folder."""
    return chosen("BENCH_CACHE_DIR", "XDG_CACHE_HOME", ".cache")


def data_folder() -> Path:
    """Data sets that were fetched or added: BENCH_DATA_DIR, else the user's data folder."""
    return chosen("BENCH_DATA_DIR", "XDG_DATA_HOME", ".local/share")


def chosen(ours: str, everyones: str, below_home: str) -> Path:
    """The folder in variable ``ours``, else our own below ``everyones`` (an XDG variable), else below home."""
    if os.environ.get(ours):
        return Path(os.environ[ours]).expanduser().absolute()
    base = os.environ.get(everyones)
    return (Path(base) if base else Path.home() / below_home) / NAME
