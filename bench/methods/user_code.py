"""Where code of the user's own runs: what it prints, and where it goes, is kept apart from ours.

Results stand alone on stdout, which a model, or a tool that it starts, may print on; and paths on the command line
begin at the working directory, which it may change to find its own files.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_theirs: list[str] = []
"""The working directory that the code has chosen, where it is not ours."""


@contextmanager
def user_code() -> Iterator[None]:
    """Inside, what is printed goes to stderr, and the working directory is the one that such code went to last; ours is
    back afterwards."""
    with contextlib.redirect_stdout(sys.stderr), _stdout_to_stderr(), _their_folder():
        yield


@contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """The same for what is written past Python: by libraries, and by processes that are started."""
    try:
        kept = os.dup(1)
    except OSError:  # closed
        yield
        return
    try:
        with contextlib.suppress(OSError):
            os.dup2(2, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


@contextmanager
def _their_folder() -> Iterator[None]:
    ours = _here()
    if _theirs:
        _go(_theirs[0])
    try:
        yield
    finally:
        now = _here()
        _theirs[:] = [now] if now not in ("", ours) else []
        if now != ours:
            _go(ours)


def _here() -> str:
    """The working directory; empty where it was removed."""
    try:
        return os.getcwd()  # noqa: PTH109 - a Path takes longer than the call
    except OSError:
        return ""


def _go(folder: str) -> None:
    with contextlib.suppress(OSError):
        os.chdir(folder)
