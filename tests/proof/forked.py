"""A command in a child of this process, which has everything imported: a twentieth of a second instead of three."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 60.0
PYTHON = re.compile(
    r"Traceback|\b[A-Z]\w*(?:Error|Exception|Invalid|Warning)\b|NoneType|<class |\bobject has no\b|Errno"
)
"""What no user should have to read."""


@dataclass(frozen=True)
class Done:
    """code: None where the child was killed, by us or for taking too long (``slow``)."""

    code: int | None
    out: str
    err: str
    slow: bool = False


def bench(*words: str) -> int:
    """The command, in this process."""
    from bench.cli import main

    sys.argv = ["bench", *words]
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def forked(work: Callable[[], int], where: Path, kill_after: float | None = None, patience: float = PATIENCE_S) -> Done:
    """``work`` in a child whose working directory is ``where``; its result is the exit code."""
    child, streams = start(work, where)
    return ended(child, streams, kill_after, patience)


def start(work: Callable[[], int], where: Path) -> tuple[int, tuple[Path, Path]]:
    folder = Path(tempfile.mkdtemp(prefix="proof-"))
    streams = folder / "out", folder / "err"
    child = os.fork()
    if child:
        return child, streams
    code = 70
    try:
        os.chdir(where)
        os.setpgid(0, 0)
        for number, file in ((0, Path(os.devnull)), (1, streams[0]), (2, streams[1])):
            handle = os.open(file, os.O_RDWR | os.O_CREAT)
            os.dup2(handle, number)
        code = work()
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def ended(child: int, streams: tuple[Path, Path], kill_after: float | None, patience: float) -> Done:
    began, slow = time.monotonic(), False
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            break
        spent = time.monotonic() - began
        if spent > (patience if kill_after is None else kill_after):
            slow = kill_after is None
            try:
                os.killpg(child, signal.SIGKILL)
            except ProcessLookupError:
                os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            break
        time.sleep(0.002)
    out, err = (file.read_text(errors="replace") if file.exists() else "" for file in streams)
    for file in streams:
        file.unlink(missing_ok=True)
    streams[0].parent.rmdir()
    code = os.waitstatus_to_exitcode(status)
    return Done(None if code < 0 else code, out, err, slow)


def verdict(done: Done, right: Callable[[], str]) -> str:
    """``right``, ``refused``, or what is wrong. right: what differs from the result expected, empty for nothing."""
    if done.slow:
        return "takes for ever"
    if done.code is None:
        return f"the process died: {done.err[-200:]}"
    if PYTHON.search(done.err):
        return f"Python's words: {done.err[-300:]}"
    if done.code == 0:
        unlike = right()
        return f"another result without a word: {unlike}" if unlike else "right"
    if done.code == 2 and (done.err + done.out).lstrip().startswith("Usage: bench"):
        return "refused"  # no command at all: the help
    last = done.err.strip().splitlines()[-1:] or [""]
    if done.code in (1, 2, 3, 4, 5) and last[0].startswith("bench: "):
        return "refused"
    if done.code == 5 and last[0].startswith("note: "):
        return "refused"  # the result is partial, and it is said of what
    return f"exit {done.code} without a sentence: {done.err[-200:]}"
