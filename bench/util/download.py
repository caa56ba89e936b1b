"""Downloads that go on where they broke off, and are kept only if their SHA-256 is the one they should have."""

from __future__ import annotations

import errno
import hashlib
import http.client
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.util.errors import BenchError
from bench.util.progress import Reporter, say

CHUNK = 1 << 18
TIMEOUT_S = 15.0
"""An attempt ends where nothing comes for so long."""

FUTILE = 3
"""Attempts in a row that bring next to nothing before giving up, and fewer where they take more than PATIENCE_S."""

PATIENCE_S = 60.0
PAUSE_S = 0.3
"""Before another attempt, and as much more before each that follows."""

LEAST = 20_000
"""Bytes a second, waiting included: an attempt that broke off below is one that brought next to nothing."""

SILENT_S, TICK_S = 3.0, 1.0
"""From when on it is said that nothing comes, and how often."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Report = Callable[[int, int, str], None]
"""Told the bytes so far, the bytes in all (0: not known), and what is waited for (empty while bytes come)."""


class DownloadError(BenchError):
    """A download failed: what happened, and what whoever gave the address can do about it."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}: {remedy}")
        self.what = what


def download(
    url: str,
    target: Path,
    sha256_prefix: str,
    report: Report = lambda done, total, waits: None,
    size: int | None = None,
) -> str:
    """Fetch ``url`` to ``target``; the full SHA-256 in hex.

    What came is kept beside the target as ``<name>.part``, and another call goes on from there (HTTP Range).
    A connection that drops or stalls is taken up again as long as that brings something.
    report: while nothing comes it is called in a thread of its own. size: the bytes that it should have. Raises
    DownloadError where it cannot be had, or where its size is another or its SHA-256 does not begin with
    ``sha256_prefix``; the part is then removed.
    """
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _complete(url, part, report, size)
    except OSError as error:
        raise DownloadError(f"{part} cannot be written ({error.strerror or error})", "choose another --to") from error
    if size is not None and length(part) != size:
        came = length(part)
        part.unlink()
        raise _wrong_size(url, came, size)
    with part.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if not found.startswith(sha256_prefix):
        part.unlink()
        raise DownloadError(
            f"what {url} gave has SHA-256 {found[:16]}…, not {sha256_prefix}…: discarded",
            "try another --url",
        )
    part.replace(target)
    return found


def _complete(url: str, part: Path, report: Report, size: int | None) -> None:
    """Attempts until ``part`` is whole. Raises DownloadError where they bring nothing, OSError where it cannot be
    written."""
    line = _Line(report, length(part), size or 0)
    futile, waited = 0, 0.0
    while True:
        before, began = length(part), time.monotonic()
        why = "the server closed the connection"
        try:
            with line.watched(futile + 1):
                if attempt(url, part, line.hear, size):
                    return
        except urllib.error.HTTPError as error:
            raise DownloadError(f"{url} returned {error.code} {error.reason}", "check --url or retry later") from error
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and (error.filename or error.errno in FULL):
                raise
            why = in_words(error)
        took, came = time.monotonic() - began, length(part) - before
        futile, waited = (0, 0.0) if came > 0 and came >= LEAST * took else (futile + 1, waited + took)
        if futile >= FUTILE or waited > PATIENCE_S:
            attempts = f"{futile} attempt{'s' if futile > 1 else ''}"
            if length(part):
                raise DownloadError(
                    f"{url} was interrupted after {length(part):,} bytes ({why}; {attempts})",
                    "rerun the same command to resume",
                )
            raise DownloadError(
                f"{url} cannot be reached ({why}; {attempts})", "check the network, or give another --url"
            )
        if futile:
            report(length(part), line.seen[1], f"{why}, attempt {futile + 1} of {FUTILE}")
        time.sleep(PAUSE_S * futile)


class _Line:
    """What is said of a download: its bytes as they come, and while none come how long already."""

    def __init__(self, report: Report, done: int, total: int) -> None:
        self.report, self.seen, self.last = report, (done, total), time.monotonic()

    def hear(self, done: int, total: int) -> None:
        """Bytes came."""
        self.seen, self.last = (done, total), time.monotonic()
        self.report(done, total, "")

    @contextmanager
    def watched(self, number: int) -> Iterator[None]:
        """An attempt, its number counted from the last that brought something."""
        over, self.last = threading.Event(), time.monotonic()

        def watch() -> None:
            while not over.wait(TICK_S):
                if (silent := time.monotonic() - self.last) >= SILENT_S:
                    self.report(*self.seen, f"no data for {silent:.0f} s, attempt {number} of {FUTILE}")

        threading.Thread(target=watch, name="download", daemon=True).start()
        try:
            yield
        finally:
            over.set()


def shown(reporter: Reporter, name: str) -> Report:
    """Puts a download on a line of ``reporter``, in MB."""

    def report(done: int, total: int, waits: str) -> None:
        came = f"{done / 1e6:,.1f} of {total / 1e6:,.1f} MB" if total else f"{done / 1e6:,.1f} MB"
        reporter.update(name, done if total else 0, total or 1, f"{came}, {waits}" if waits else came)

    return report


def _wrong_size(url: str, came: int, size: int) -> DownloadError:
    return DownloadError(f"{url} is {came:,} bytes, not {size:,}", "this is a different file; try another --url")


def in_words(error: OSError | http.client.HTTPException) -> str:
    """Why a connection failed, without the number that the system gives it."""
    reason = getattr(error, "reason", "") or error
    if isinstance(reason, TimeoutError):
        return f"no data for {TIMEOUT_S:g} s"
    return getattr(reason, "strerror", None) or str(reason) or type(error).__name__


def length(path: Path) -> int:
    """Size of a file in bytes; 0 where there is none, so that a download begins at its first byte."""
    return path.stat().st_size if path.exists() else 0


def attempt(url: str, part: Path, report: Callable[[int, int], None], size: int | None = None) -> bool:
    """One request for what is still missing, appended to ``part``; True where the file is then whole."""
    have = length(part)
    request = urllib.request.Request(url, headers={"User-Agent": "inpaint-bench"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:
            # Either everything is here, or the part is of another file: the hash, or a new start, tells.
            if total_of(error.headers.get("Content-Range")) == have:
                return True
            part.unlink()
            return False
        raise
    with response:
        going_on = response.status == 206 and starts_at(response.headers.get("Content-Range")) == have
        if have and response.status == 206 and not going_on:
            part.unlink()
            return False
        expected = response.headers.get("Content-Length")
        done = have if going_on else 0
        total = done + int(expected) if expected is not None else 0
        if size is not None and total not in (0, size):
            raise _wrong_size(url, total, size)
        with part.open("ab" if going_on else "wb") as stream:
            report(done, total)
            while chunk := response.read1(CHUNK):
                stream.write(chunk)
                done += len(chunk)
                report(done, total)
    return done == total if total else True


def starts_at(header: str | None) -> int | None:
    """First byte of ``bytes 100-199/200``."""
    match = re.match(r"bytes (\d+)-", header or "")
    return int(match[1]) if match else None


def total_of(header: str | None) -> int | None:
    """Length of the whole in ``bytes */200`` or ``bytes 100-199/200``."""
    match = re.search(r"/(\d+)$", header or "")
    return int(match[1]) if match else None


def from_mirrors(urls: list[str], fetch: Callable[[str], str]) -> str:
    """What the first address gives that can be had. Raises the last one's DownloadError where none can."""
    for url in urls[:-1]:
        try:
            return fetch(url)
        except DownloadError as error:
            say(f"warning: {error}")
    return fetch(urls[-1])
