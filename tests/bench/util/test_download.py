"""Downloads over a bad line: slow, broken off, taken up, of the wrong bytes, from nowhere."""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.util import download as downloads
from bench.util.download import DownloadError, download, from_mirrors, shown
from bench.util.progress import Reporter
from tests.bench.bad_line import bad_line


@pytest.fixture
def line() -> Iterator[Any]:
    with bad_line(np.random.default_rng(0).bytes(100_000)) as server:
        yield server


def digest_of(line: Any) -> str:
    return hashlib.sha256(line.content).hexdigest()


def test_a_dropped_connection_is_taken_up_where_it_broke(line: Any, tmp_path: Path) -> None:
    line.patience = 30_000
    seen: list[tuple[int, int, str]] = []
    found = download(f"{line.url}/x", tmp_path / "x", digest_of(line)[:8], lambda *now: seen.append(now))
    assert found == digest_of(line)
    assert (tmp_path / "x").read_bytes() == line.content
    assert line.asked == [None, "bytes=30000-", "bytes=60000-", "bytes=90000-"]
    assert seen[-1] == (100_000, 100_000, "")
    assert not (tmp_path / "x.part").exists()


def test_a_later_call_goes_on_from_the_part(line: Any, tmp_path: Path) -> None:
    (tmp_path / "x.part").write_bytes(line.content[:70_000])
    download(f"{line.url}/x", tmp_path / "x", digest_of(line))
    assert line.asked == ["bytes=70000-"]
    assert (tmp_path / "x").read_bytes() == line.content


def test_a_part_that_is_already_whole_is_kept(line: Any, tmp_path: Path) -> None:
    (tmp_path / "x.part").write_bytes(line.content)
    download(f"{line.url}/x", tmp_path / "x", digest_of(line))
    assert (tmp_path / "x").read_bytes() == line.content


def test_a_part_longer_than_the_file_is_started_anew(line: Any, tmp_path: Path) -> None:
    (tmp_path / "x.part").write_bytes(line.content * 2)
    download(f"{line.url}/x", tmp_path / "x", digest_of(line))
    assert (tmp_path / "x").read_bytes() == line.content


def test_a_server_without_ranges_is_read_from_the_start(line: Any, tmp_path: Path) -> None:
    line.ranges = False
    (tmp_path / "x.part").write_bytes(line.content[:70_000])
    download(f"{line.url}/x", tmp_path / "x", digest_of(line))
    assert (tmp_path / "x").read_bytes() == line.content


def test_a_line_that_brings_nothing_ends_in_a_sentence_and_keeps_the_part(line: Any, tmp_path: Path) -> None:
    (tmp_path / "x.part").write_bytes(line.content[:70_000])
    line.patience = 0
    with pytest.raises(DownloadError, match="was interrupted after 70,000 bytes"):
        download(f"{line.url}/x", tmp_path / "x", digest_of(line))
    assert (tmp_path / "x.part").read_bytes() == line.content[:70_000]
    assert not (tmp_path / "x").exists()


def test_a_wrong_sha256_is_thrown_away(line: Any, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="not 00000000"):
        download(f"{line.url}/x", tmp_path / "x", "00000000")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_said(line: Any, tmp_path: Path) -> None:
    line.missing = True
    with pytest.raises(DownloadError, match="404"):
        download(f"{line.url}/x", tmp_path / "x", "00000000")


def test_a_file_of_another_size_is_refused_before_it_is_fetched(line: Any, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="is 100,000 bytes, not 99,999"):
        download(f"{line.url}/x", tmp_path / "x", "", size=99_999)
    assert not (tmp_path / "x").exists()


def test_nobody_at_the_address_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "PAUSE_S", 0.0)
    with bad_line(b"") as server:
        gone = server.url
    with pytest.raises(DownloadError, match=r"cannot be reached \(Connection refused"):
        download(f"{gone}/x", tmp_path / "x", "")


def test_a_line_that_stands_still_is_given_up_and_taken_up(
    line: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "TIMEOUT_S", 0.1)
    line.patience, line.stall_s = 60_000, 0.3
    assert download(f"{line.url}/x", tmp_path / "x", "") == digest_of(line)
    assert line.asked == [None, "bytes=60000-"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TIMEOUT_S", 0.2), ("SILENT_S", 0.02), ("TICK_S", 0.01), ("PAUSE_S", 0.0), ("FUTILE", 2)):
        monkeypatch.setattr(downloads, name, value)
    monkeypatch.setattr("bench.util.progress.QUIET_S", 0.0)


def test_a_line_that_stands_still_is_said_as_it_does_and_given_up_soon(
    line: Any, tmp_path: Path, impatient: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is waited for, which attempt of how many, and why it ended."""
    line.patience, line.stall_s = 0, 0.4
    (tmp_path / "x.part").write_bytes(line.content[:70_000])
    with Reporter("fetch") as reporter, pytest.raises(DownloadError) as given_up:
        download(f"{line.url}/x", tmp_path / "x", digest_of(line), shown(reporter, "alexnet"))
    told = capsys.readouterr().err
    assert re.search(r"fetch alexnet: 70 % 0\.1 of 0\.1 MB, no data for \d+ s, attempt 1 of 2\n", told)
    assert "fetch alexnet: 70 % 0.1 of 0.1 MB, no data for 0.2 s, attempt 2 of 2\n" in told
    assert "was interrupted after 70,000 bytes (no data for 0.2 s; 2 attempts)" in str(given_up.value)
    assert line.asked == ["bytes=70000-"] * 2


def test_a_server_that_takes_calls_and_never_answers_is_said_and_given_up(
    tmp_path: Path, impatient: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as silent, Reporter("fetch") as reporter:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        with pytest.raises(DownloadError, match=r"cannot be reached \(no data for 0.2 s; 2 attempts\)"):
            download(address, tmp_path / "x", "", shown(reporter, "alexnet"))
    assert re.search(r"fetch alexnet: 0 % 0\.0 MB, no data for \d+ s, attempt 1 of 2\n", capsys.readouterr().err)


def test_attempts_that_bring_next_to_nothing_are_counted(line: Any, tmp_path: Path, impatient: None) -> None:
    """A byte before every stall would keep a download of megabytes waiting for days."""
    line.patience, line.stall_s = 1, 0.4
    with pytest.raises(DownloadError, match="was interrupted after 2 bytes"):
        download(f"{line.url}/x", tmp_path / "x", digest_of(line))


def test_attempts_that_take_long_are_fewer(
    line: Any, tmp_path: Path, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a host has many addresses that each take their time."""
    monkeypatch.setattr(downloads, "PATIENCE_S", 0.05)
    line.patience, line.stall_s = 0, 0.4
    with pytest.raises(DownloadError, match="1 attempt\\)"):
        download(f"{line.url}/x", tmp_path / "x", digest_of(line))


@pytest.mark.parametrize("when", ["while bytes come", "while it waits"])
def test_an_interrupt_at_any_time_leaves_a_part_that_goes_on(
    line: Any, tmp_path: Path, impatient: None, when: str
) -> None:
    line.patience, line.stall_s = 60_000, 0.4

    def report(done: int, total: int, waits: str) -> None:
        if done and ("attempt 2" in waits if when == "while it waits" else True):
            raise KeyboardInterrupt

    if when == "while it waits":
        (tmp_path / "x.part").write_bytes(line.content[:60_000])
        line.patience = 0
    with pytest.raises(KeyboardInterrupt):
        download(f"{line.url}/x", tmp_path / "x", digest_of(line), report)
    kept = (tmp_path / "x.part").read_bytes()
    assert kept and line.content.startswith(kept) and not (tmp_path / "x").exists()
    line.patience, line.asked = 10**9, []
    download(f"{line.url}/x", tmp_path / "x", digest_of(line))
    assert line.asked == [f"bytes={len(kept)}-"]


def test_the_next_mirror_is_asked_where_one_has_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def fetch(url: str) -> str:
        if url == "first":
            raise DownloadError("first has nothing", "try another")
        return url

    assert from_mirrors(["first", "second", "third"], fetch) == "second"
    assert "first has nothing" in capsys.readouterr().err
