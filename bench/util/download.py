"""Downloads that go on where they broke off, and are kept only if their SHA-256 is the one they should have."""

from __future__ import annotations

import errno
import hashlib
import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from bench.util.errors import BenchError
from bench.util.progress import say

CHUNK = 1 << 18
TIMEOUT_S = 30.0
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FUTILE = 3
"""Attempts in a row that bring nothing before giving up."""

Report = Callable[[int, int], None]


class DownloadError(BenchError):
    """A download failed: what happened, and what whoever gave the address can do about it."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}: {remedy}")
        self.what = what


def download(
    url: str,
    target: Path,
    sha256_prefix: str,
    report: Report = lambda done, total: None,
    size: int | None = None,
) -> str:
    """Fetch ``url`` to ``target``; the full SHA-256 in hex.

    What came is kept beside the target as ``<name>.part``, and another call goes on from there (HTTP Range).
    A connection that drops is taken up again as long as each attempt brings something.
    report: called with (bytes so far, bytes in all or 0). size: the bytes that it should have. Raises DownloadError
    where it cannot be had, or where its size is another or its SHA-256 does not begin with ``sha256_prefix``; the part
    is then removed.
    """
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        complete = False
        futile = 0
        while not complete:
            before = length(part)
            why = ""
            try:
                complete = attempt(url, part, report, size)
            except urllib.error.HTTPError as error:
                raise DownloadError(
                    f"{url} returned {error.code} {error.reason}", "check --url or retry later"
                ) from error
            except (OSError, http.client.HTTPException) as error:
                if isinstance(error, OSError) and (error.filename or error.errno in FULL):
                    raise
                why = in_words(error)
            futile = 0 if length(part) > before else futile + 1
            time.sleep(0.3 * futile)
            if not complete and futile >= FUTILE and not length(part):
                raise DownloadError(
                    f"{url} cannot be reached ({why or 'the server closed the connection'})",
                    "check the network, or give another --url",
                )
            if not complete and futile >= FUTILE:
                raise DownloadError(
                    f"{url} was interrupted after {length(part):,} bytes ({why or 'the server closed the connection'})",
                    "rerun the same command to resume",
                )
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


def _wrong_size(url: str, came: int, size: int) -> DownloadError:
    return DownloadError(f"{url} is {came:,} bytes, not {size:,}", "this is a different file; try another --url")


def in_words(error: OSError | http.client.HTTPException) -> str:
    """Why a connection failed, without the number that the system gives it."""
    reason = getattr(error, "reason", "") or error
    return getattr(reason, "strerror", None) or str(reason) or type(error).__name__


def length(path: Path) -> int:
    """Size of a file in bytes; 0 where there is none, so that a download begins at its first byte."""
    return path.stat().st_size if path.exists() else 0


def attempt(url: str, part: Path, report: Report, size: int | None = None) -> bool:
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
