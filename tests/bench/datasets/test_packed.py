"""Pictures decoded once: one pack a set of files, shared, whole or not there, and never of other files."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.datasets import collection, packed
from bench.datasets.packed import pack, packed_where_large, packs_folder
from bench.datasets.registry import Dataset, open_dataset
from bench.util.errors import BenchError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve pictures of 20 x 16 pixels."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(12):
        Image.fromarray(rng.integers(0, 256, (16, 20, 3), dtype=np.uint8)).save(folder / f"{i:02d}.png")
    return folder


def opened(folder: Path, split: str = "train", size: int = 16, count: int | None = None) -> Dataset:
    return open_dataset(f"folder:{folder}", split, size, count)


def packs() -> list[str]:
    return sorted(path.name for path in packs_folder().glob("*.npy")) if packs_folder().exists() else []


def leftovers() -> list[str]:
    return [path.name for path in packs_folder().glob(".*") if path.suffix != ".lock"]


def numbered(first: int, count: int) -> Dataset:
    def load(i: int) -> np.ndarray:
        return np.full((2, 2, 3), (first + i) % 256, np.uint8)

    return Dataset("n", "train", 2, [str(i) for i in range(count)], load)


def test_a_pack_holds_every_picture_of_every_data_set_in_order(tmp_path: Path) -> None:
    # 260 pictures are written in several pieces; numbers wrap at 256.
    file = pack([numbered(7, 260), numbered(100, 3)], 2, tmp_path / "pool.npy")
    pool = np.load(file)
    assert pool.shape == (263, 2, 2, 3) and pool.dtype == np.uint8
    assert pool[:, 0, 0, 0].tolist() == [(7 + i) % 256 for i in range(260)] + [100, 101, 102]
    assert (pool == pool[:, :1, :1, :1]).all()


def test_made_pictures_stay_in_the_runs_folder_and_files_go_to_the_cache(tmp_path: Path, photos: Path) -> None:
    assert pack([numbered(0, 5)], 2, tmp_path / "run" / "pool.npy") == tmp_path / "run" / "pool.npy"
    assert packs() == []
    assert pack([opened(photos)], 16, tmp_path / "run" / "other.npy").parent == packs_folder()
    assert not (tmp_path / "run" / "other.npy").exists()


def test_a_pack_has_the_pixels_that_the_files_give_crops_included(photos: Path) -> None:
    data = opened(photos, count=40)
    pool = np.load(pack([data], 16, Path()))
    assert len(pool) == 40
    assert np.array_equal(pool, np.stack([data.load(i) for i in range(40)]))


def test_the_second_run_decodes_nothing(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = pack([opened(photos)], 16, Path())

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("decoded again")

    monkeypatch.setattr(collection, "read_picture", refuse)
    assert pack([opened(photos)], 16, Path()) == first


def touch(folder: Path) -> Dataset:
    os.utime(folder / "00.png", ns=(1, 1))
    return opened(folder, "all")


def replace_in_place(folder: Path) -> Dataset:
    """Other pixels in a file of the same length and time."""
    file = folder / "00.png"
    status = file.stat()
    content = bytearray(file.read_bytes())
    Image.fromarray(255 - np.asarray(Image.open(file))).save(file)
    file.write_bytes(file.read_bytes()[: len(content)].ljust(len(content), b"\0"))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    return opened(folder, "all")


def one_more(folder: Path) -> Dataset:
    Image.new("RGB", (16, 20)).save(folder / "new.png")
    return opened(folder, "all")


@pytest.mark.parametrize(
    "change", [touch, replace_in_place, one_more, lambda folder: opened(folder, "train"), lambda f: opened(f, "all", 8)]
)
def test_other_files_or_another_cut_are_another_pack(change: Callable[[Path], Dataset], photos: Path) -> None:
    before = opened(photos, "all")
    first = pack([before], 16, Path())
    time.sleep(0.02)  # The clock of file systems ticks in hundredths of a second.
    data = change(photos)
    second = pack([data], data.size or 0, Path())
    assert second != first
    assert np.array_equal(np.load(second), np.stack([data.load(i) for i in range(len(data))]))


def test_another_reader_is_another_pack(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = pack([opened(photos)], 16, Path())
    monkeypatch.setattr(collection, "reader_version", lambda: "the next one")
    assert pack([opened(photos)], 16, Path()) != first


def test_a_pack_that_was_cut_off_is_made_anew(photos: Path) -> None:
    file = pack([opened(photos)], 16, Path())
    whole = file.read_bytes()
    for part in (whole[:200], whole[:-1], b""):
        file.write_bytes(part)
        assert pack([opened(photos)], 16, Path()).read_bytes() == whole


@pytest.mark.parametrize("put", [os.mkfifo, lambda file: file.symlink_to("/dev/zero")])
def test_what_is_no_regular_file_is_never_opened_as_a_pack(tmp_path: Path, put: Callable[[Path], Any]) -> None:
    file = tmp_path / "train.npy"
    put(file)
    assert np.array_equal(np.load(pack([numbered(0, 3)], 2, file)), numbered(0, 3).batch(range(3)))
    assert file.is_file() and not file.is_symlink()


def test_two_that_pack_at_once_end_with_one_good_pack(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    plain = packed.write_pack

    def slow(parts: Any, shape: Any, file: Path, durable: bool) -> None:
        time.sleep(0.1)
        made.append(file)
        plain(parts, shape, file, durable)

    monkeypatch.setattr(packed, "write_pack", slow)
    data = opened(photos)
    threads = [threading.Thread(target=pack, args=([data], 16, Path())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == len(packs()) == 1
    assert np.array_equal(np.load(made[0]), data.batch(range(len(data))))


def pack_and_stall(folder: Path, begun: Any) -> None:
    data = opened(folder)
    load = data.load

    def stall(i: int) -> np.ndarray:
        begun.set()
        time.sleep(60)
        return load(i)

    object.__setattr__(data, "load", stall)
    object.__setattr__(data, "load_batch", None)
    pack([data], 16, Path())


def test_a_killed_packer_leaves_nothing_that_is_taken_for_whole_and_is_swept_after(photos: Path) -> None:
    context = multiprocessing.get_context("fork")
    begun = context.Event()
    process = context.Process(target=pack_and_stall, args=(photos, begun))
    process.start()
    assert begun.wait(20)
    assert packs() == [] and leftovers()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert packs() == []
    # Of another key: only a packer that is gone is swept.
    pack([opened(photos, "all", 8)], 8, Path())
    assert leftovers() == []
    data = opened(photos)
    assert np.array_equal(np.load(pack([data], 16, Path())), data.batch(range(len(data))))


def test_what_another_process_is_writing_is_not_swept(photos: Path) -> None:
    from filelock import FileLock

    packs_folder().mkdir(parents=True)
    key = "a" * 32
    (packs_folder() / f".{key}.npy-x.part").touch()
    with FileLock(packs_folder() / f".{key}.lock"):
        pack([opened(photos)], 16, Path())
        packed.clear()
        assert leftovers() == [f".{key}.npy-x.part"]
    packed.clear()
    assert [*packs_folder().iterdir()] == []


@pytest.mark.parametrize("when", ["reserving", "writing"])
def test_a_full_disk_ends_in_a_sentence_and_leaves_no_half_pack(
    when: str, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    data = opened(photos)
    if when == "reserving":
        monkeypatch.setattr(os, "posix_fallocate", full)
    else:
        object.__setattr__(data, "load_batch", full)
    with pytest.raises(BenchError, match=r"No space left on device.*bench data cache --clear"):
        pack([data], 16, Path())
    assert packs() == leftovers() == []


def test_a_cache_that_cannot_be_written_is_said(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(BenchError, match="BENCH_CACHE_DIR names another folder"):
        pack([opened(photos)], 16, Path())


def test_scoring_reads_a_large_set_from_its_pack_with_the_same_pixels(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = opened(photos, "all")
    assert packed_where_large(plain) is plain
    monkeypatch.setattr(packed, "LIMIT_MIB", 0)
    data = packed_where_large(plain)
    assert len(packs()) == 1
    assert [*data.ids] == [*plain.ids]
    assert np.array_equal(data.batch([3, 1]), np.stack([plain.load(3), plain.load(1)]))
    again = pickle.loads(pickle.dumps(data.load))
    assert np.array_equal(again(5), plain.load(5))
    assert data.load(0).flags.writeable


def test_what_many_files_are_is_remembered_but_no_reason_for_leaving_one_out(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collection, "MANY", 2)
    (photos / "broken.png").write_bytes(b"x")
    first = opened(photos, "all")
    collection._checked.clear()
    looked: list[Any] = []
    plain = collection.read_picture
    monkeypatch.setattr(collection, "read_picture", lambda source: (looked.append(source), plain(source))[1])
    again = opened(photos, "all")
    assert [path.name for path in looked] == ["broken.png"]
    assert (again.ids, again.note, again.skipped) == (first.ids, first.note, first.skipped)


def test_the_cache_is_listed_and_cleared(
    photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bench import cli

    def run(*words: str) -> Any:
        capsys.readouterr()
        monkeypatch.setattr("sys.argv", ["bench", "data", "cache", *words, "--json"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not ended.value.code
        return json.loads(capsys.readouterr().out)

    data = opened(photos)
    file = pack([data], 16, Path())
    (row,) = run()["packs"]
    assert (row["file"], row["bytes"], row["pictures"], row["size"]) == (str(file), file.stat().st_size, len(data), 16)
    assert row["of"] == [data.note]
    assert run("--clear")["freed"] > row["bytes"]
    assert run()["packs"] == []
