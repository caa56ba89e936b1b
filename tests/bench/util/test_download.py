"""Downloads over a bad line: slow, broken off, taken up, of the wrong bytes, from nowhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.util import download as downloads
from bench.util.download import DownloadError, download, from_mirrors
from tests.bench.bad_line import bad_line


@pytest.fixture
def line() -> Iterator[Any]:
    with bad_line(np.random.default_rng(0).bytes(100_000)) as server:
        yield server


def digest_of(line: Any) -> str:
    return hashlib.sha256(line.content).hexdigest()


def test_a_dropped_connection_is_taken_up_where_it_broke(line: Any, tmp_path: Path) -> None:
    line.patience = 30_000
    seen: list[tuple[int, int]] = []
    found = download(f"{line.url}/x", tmp_path / "x", digest_of(line)[:8], lambda *now: seen.append(now))
    assert found == digest_of(line)
    assert (tmp_path / "x").read_bytes() == line.content
    assert line.asked == [None, "bytes=30000-", "bytes=60000-", "bytes=90000-"]
    assert seen[-1] == (100_000, 100_000)
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
    monkeypatch.setattr(downloads.time, "sleep", lambda seconds: None)
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


def test_the_next_mirror_is_asked_where_one_has_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def fetch(url: str) -> str:
        if url == "first":
            raise DownloadError("first has nothing", "try another")
        return url

    assert from_mirrors(["first", "second", "third"], fetch) == "second"
    assert "first has nothing" in capsys.readouterr().err
