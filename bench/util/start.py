"""What is settled once, as a command starts: the home folder, the streams, signals, and what workers import."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any


def settle_process() -> None:
    """Expand ``~`` in arguments and in BENCH_ variables, let both streams print any text, keep files of the working
    directory that are called like our packages out of workers, and OpenCV from talking."""
    have_streams()
    hear_sigterm()
    sys.argv[1:] = [at_home(word) for word in sys.argv[1:]]
    for name, value in os.environ.items():
        if name.startswith("BENCH_"):
            os.environ[name] = at_home(value)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # replaced by whoever calls us, or closed
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    # Python would put the working directory first in the path of every worker that it starts.
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    # OpenCV would print its own warnings on tags that it does not know; what a file lacks is said by us.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "FATAL")


def have_streams() -> None:
    """Where a stream is closed, what is said goes nowhere. Else the next file that is opened would take its number,
    and what libraries print would go into it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - open as long as the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123


terminated = False
"""Whether the process was asked to end by SIGTERM."""


def hear_sigterm() -> None:
    """SIGTERM ends a command like Ctrl-C: states are saved, temporary files and locks go."""

    def handler(*_: Any) -> None:
        global terminated
        terminated = True
        if signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, signal.SIG_DFL, None):
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)

    with contextlib.suppress(ValueError):  # not the main thread: no signals arrive there
        signal.signal(signal.SIGTERM, handler)


def at_home(word: str) -> str:
    """The word with ``~`` as the home folder wherever a path can begin: ``~/a``, ``--out=~/a``, ``folder:~/a``,
    ``x=onnx:~/a``, ``rect,folder:~/a``. A shell does so at a word's start alone."""
    home = str(Path.home())
    return re.sub(rf"(?:^|(?<=[=:,{re.escape(os.pathsep)}]))~(?=/|{re.escape(os.sep)}|$)", lambda _: home, word)
