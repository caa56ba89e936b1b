"""A disk without room: a sentence that names the file and what is free, and nothing left behind."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save_file

from variants import atomic
from variants.atomic import CannotWrite, is_temporary, number_of, replacing, reserve, sweep


@pytest.fixture
def no_room() -> Iterator[None]:
    """No file may grow beyond 100 kB, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def mapped(temporary: Path) -> None:
    np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=(1_000_000,))


@pytest.mark.parametrize(
    "write",
    [
        lambda temporary: temporary.write_bytes(b"x" * 1_000_000),
        lambda temporary: torch.save({"a": torch.randn(300_000)}, temporary),
        lambda temporary: save_file({"a": torch.randn(300_000)}, str(temporary)),
        lambda temporary: pq.write_table(pa.table({"a": np.random.default_rng(0).random(300_000)}), temporary),
        mapped,
    ],
)
@pytest.mark.usefixtures("no_room")
def test_every_writer_on_a_full_disk_names_the_file_and_leaves_nothing(
    tmp_path: Path, write: Callable[[Path], Any]
) -> None:
    told = r"a\.bin cannot be written \(.+; [\d,.]+ MiB free\): make room"
    with pytest.raises(CannotWrite, match=told), replacing(tmp_path / "a.bin") as temporary:
        write(temporary)
    assert list(tmp_path.iterdir()) == []


def test_a_mapped_file_has_its_blocks_before_anything_is_put_in(tmp_path: Path) -> None:
    file = tmp_path / "a.npy"
    mapped(file)
    assert file.stat().st_blocks * 512 < 1_000_000, "sparse, or this shows nothing"
    reserve(file, file)
    assert file.stat().st_blocks * 512 >= 1_000_000


def test_what_was_wanted_is_told_where_blocks_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int, start: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    file = tmp_path / "pool.part"
    file.write_bytes(b"x" * 3 * 2**19)
    told = r"pool\.npy cannot be written \(No space left on device; 1\.5 MiB wanted, [\d,.]+ MiB free\): make room"
    with pytest.raises(CannotWrite, match=told):
        reserve(file, tmp_path / "pool.npy")


def test_a_folder_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    told = r"a cannot be written \(Is a directory\): choose another path"
    with pytest.raises(CannotWrite, match=told), replacing(tmp_path / "a") as temporary:
        temporary.write_text("x")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_a_name_that_no_file_can_have_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(CannotWrite, match="cannot be written"), replacing(tmp_path / name) as temporary:
        temporary.write_text("x")


def test_a_file_is_written_under_a_hidden_name_beside_it_that_no_reader_matches(tmp_path: Path) -> None:
    file = tmp_path / "below" / "a.json"
    with replacing(file) as temporary:
        assert temporary.parent == file.parent and temporary.name.startswith(".a.json-")
        assert temporary.suffix == ".part" and is_temporary(temporary)
        temporary.write_text("new")
        assert not file.exists()
    assert [path.name for path in file.parent.iterdir()] == ["a.json"]
    assert file.stat().st_mode & 0o777 == 0o644
    assert not is_temporary(file) and not is_temporary(tmp_path / ".a") and not is_temporary(tmp_path / "a.part")


@pytest.mark.parametrize(("how", "synced"), [({}, True), ({"durable": True}, True), ({"durable": False}, False)])
def test_the_file_and_then_its_folder_are_put_on_disk_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: dict, synced: bool
) -> None:
    seen: list[tuple[bool, bool]] = []
    monkeypatch.setattr(atomic, "sync", lambda path: seen.append((path == tmp_path, (tmp_path / "a").exists())))
    with replacing(tmp_path / "a", **how) as temporary:
        temporary.write_text("new")
    assert seen == ([(False, False), (True, True)] if synced else [])


def test_what_killed_processes_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    kept = ["a.part", ".hidden", "below/a"]
    for name in (".a-1.part", "below/.b-2.part", *kept):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / ".folder.part").mkdir()
    (tmp_path / ".link.part").symlink_to(tmp_path / "a.part")
    sweep(tmp_path)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert left == sorted([*kept, "below", ".folder.part", ".link.part"])


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (OSError(errno.ENOSPC, "full"), errno.ENOSPC),
        (OSError("no number"), None),
        (RuntimeError("I/O error: No space left on device (os error 28)"), 28),
        (RuntimeError("[enforce fail at inline_container.cc:668] unexpected pos 64 vs 0"), errno.ENOSPC),
        (ValueError("anything else"), None),
    ],
)
def test_the_systems_number_of_an_error_is_found_in_whatever_words(error: Exception, number: int | None) -> None:
    assert number_of(error) == number


def test_what_fails_for_another_reason_is_raised_as_it_is_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="why"), replacing(tmp_path / "a"):
        raise KeyError("why")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_has_no_blocks_to_reserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "posix_fallocate", lambda *given: pytest.fail("reserved"), raising=False)
    (tmp_path / "a").touch()
    reserve(tmp_path / "a", tmp_path / "b")
