"""What is settled once, as a command starts: the home folder, both streams, and what workers import."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from pathlib import Path


def settle_process() -> None:
    """Expand ``~`` in arguments and in BENCH_ variables, let both streams print any text, and keep files of the working
    directory that are called like our packages out of workers."""
    sys.argv[1:] = [at_home(word) for word in sys.argv[1:]]
    for name, value in os.environ.items():
        if name.startswith("BENCH_"):
            os.environ[name] = at_home(value)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # replaced by whoever calls us, or closed
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    # Python would put the working directory first in the path of every worker that it starts.
    os.environ.setdefault("PYTHONSAFEPATH", "1")


def at_home(word: str) -> str:
    """The word with ``~`` as the home folder wherever a path can begin: ``~/a``, ``--out=~/a``, ``folder:~/a``,
    ``x=onnx:~/a``, ``rect,folder:~/a``. A shell does so at a word's start alone."""
    home = str(Path.home())
    return re.sub(rf"(?:^|(?<=[=:,{re.escape(os.pathsep)}]))~(?=/|{re.escape(os.sep)}|$)", lambda _: home, word)
