"""The backbone that a run fetches beside its training: the server is slow, breaks off, lies, or is not there."""

from __future__ import annotations

import hashlib
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.backbones import backbone, background
from bench.backbones.background import Fetch, is_offline
from bench.profiles.profile import load_profile
from bench.stages.fetch_backbone import fetch_or_tell, lacking, start_fetch
from tests.bench.bad_line import bad_line

CONTENT = bytes(range(256)) * 400
NAME = f"alexnet-owt-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("BENCH_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    monkeypatch.delenv("BENCH_OFFLINE", raising=False)
    monkeypatch.setattr(background, "ANSWER_S", 0.4)
    monkeypatch.setattr("bench.util.download.FUTILE", 1)
    with bad_line(CONTENT) as found:
        monkeypatch.setenv("BENCH_WEIGHTS_URL", f"{found.url}/{NAME}")
        yield found


def fetch(seconds: float = 20.0) -> bool:
    return Fetch(backbone("alexnet")).wait(seconds)


def test_the_file_comes_in_the_background_and_is_said(
    server: Any, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert fetch()
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert f"the alexnet backbone is ready: {tmp_path / NAME}" in capsys.readouterr().err


def test_a_line_that_breaks_off_is_taken_up_where_it_broke(server: Any, tmp_path: Path) -> None:
    server.patience = 30_000
    assert fetch()
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert server.asked[1] == "bytes=30000-"


def test_a_slow_line_is_waited_for_only_so_long_and_goes_on_next_time(
    server: Any, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    server.patience, server.stall_s = 40_000, 3.0
    assert not fetch(seconds=0.3)
    assert "is not complete" in capsys.readouterr().err
    assert 0 < len((tmp_path / f"{NAME}.part").read_bytes()) < len(CONTENT)
    server.patience, server.stall_s = 10**9, 0.0
    assert fetch()


def test_a_line_that_stalls_is_said_while_it_is_waited_for(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """Of a run that needs the file now: how long nothing came, and that another attempt follows."""
    settings = {"TIMEOUT_S": 0.4, "SILENT_S": 0.05, "TICK_S": 0.05, "PAUSE_S": 0, "FUTILE": 2, "LEAST": 10**9}
    for name, value in settings.items():
        monkeypatch.setattr(f"bench.util.download.{name}", value)
    monkeypatch.setattr("bench.util.progress.QUIET_S", 0.0)
    server.patience, server.stall_s = 40_000, 1.0
    assert not fetch()
    told = capsys.readouterr().err
    assert re.search(r"fetch alexnet: \d+ % 0\.\d of 0\.1 MB, no data for \d+(\.4)? s, attempt \d of 2\n", told)
    assert "was interrupted after 80,000 bytes (no data for 0.4 s; 2 attempts)" in told
    assert (tmp_path / f"{NAME}.part").stat().st_size == 80_000


def test_wrong_bytes_are_discarded(server: Any, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    server.content = CONTENT[::-1]
    assert not fetch()
    assert "SHA-256" in capsys.readouterr().err
    assert not [file for file in tmp_path.iterdir() if file.is_file()]


def test_a_file_that_is_not_there_is_said_in_a_line(server: Any, capsys: pytest.CaptureFixture) -> None:
    server.missing = True
    assert not fetch()
    assert "returned 404" in capsys.readouterr().err


def test_no_route_is_said_in_a_line(
    server: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("BENCH_WEIGHTS_URL", f"http://127.0.0.1:{closed.getsockname()[1]}/{NAME}")
    assert not fetch()
    told = capsys.readouterr().err
    assert "could not be fetched" in told and "Traceback" not in told


def test_who_does_not_answer_counts_as_offline(
    server: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("BENCH_WEIGHTS_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/{NAME}")
        began = time.monotonic()
        assert not fetch()
        assert time.monotonic() - began < 5
    assert "counts as offline" in capsys.readouterr().err


def test_headers_that_no_byte_follows_count_as_offline(
    server: Any, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    server.patience, server.stall_s = 0, 3.0
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT[:100])
    began = time.monotonic()
    assert not fetch()
    assert time.monotonic() - began < 2.5
    assert "counts as offline" in capsys.readouterr().err


def test_why_a_fetch_failed_names_no_option_that_the_run_lacks(server: Any, capsys: pytest.CaptureFixture) -> None:
    server.missing = True
    assert not fetch()
    told = capsys.readouterr().err
    assert "--url" not in told and "retry with 'bench weights fetch alexnet'" in told


def test_offline_asks_for_nothing(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = load_profile("tiny")
    assert start_fetch(profile, None, offline=True) is None
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    assert is_offline()
    assert start_fetch(profile, None, offline=False) is None
    assert not server.asked
    monkeypatch.setenv("BENCH_OFFLINE", "0")
    assert not is_offline()
    started = start_fetch(profile, None, offline=False)
    assert started is not None and started.wait(20)


def test_a_run_asks_only_for_what_its_metrics_want(server: Any) -> None:
    assert lacking(load_profile("tiny"), None) == "alexnet"
    assert lacking(load_profile("tiny", {"metrics": "psnr,ssim"}), None) is None
    assert lacking(load_profile("tiny", {"metrics": "psnr,lpips", "protocol": "lama"}), None) == "vgg16"
    assert start_fetch(load_profile("tiny", {"protocol": "lama"}), None, offline=False) is None
    assert not server.asked


def test_eval_says_what_it_would_fetch_and_fetches_when_told(
    server: Any, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    profile = load_profile("tiny")
    fetch_or_tell(profile, None, fetch=False)
    told = capsys.readouterr().err
    assert "233 MB" in told and "--fetch" in told and "bench weights fetch alexnet" in told
    assert not server.asked
    fetch_or_tell(profile, None, fetch=True)
    assert (tmp_path / NAME).is_file()
    fetch_or_tell(profile, None, fetch=False)
    assert "--fetch" not in capsys.readouterr().err


def test_eval_fetches_nothing_where_the_environment_says_offline(
    server: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    fetch_or_tell(load_profile("tiny"), None, fetch=True)
    assert not server.asked
    assert "BENCH_OFFLINE is set" in capsys.readouterr().err
