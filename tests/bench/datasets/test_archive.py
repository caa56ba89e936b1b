"""A data set that comes as an archive: fetched over a bad line, added, verified, used; of made-up pictures."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bench.datasets import archive as archives
from bench.datasets.registry import open_dataset
from bench.util.errors import BenchError, UsageError
from tests.bench.bad_line import bad_line

NAMES = [f"testSet_resize/{hashlib.md5(bytes([i])).hexdigest()}.jpg" for i in range(40)]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of 40 pictures in the layout of the paper's."""
    path = tmp_path_factory.mktemp("archive") / "testSetPlaces205_resize.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for level, name in enumerate(NAMES):
            stream = io.BytesIO()
            Image.new("RGB", (16, 16), (level, 0, 0)).save(stream, "JPEG")
            entry = tarfile.TarInfo(name)
            entry.size = len(stream.getvalue())
            tar.addfile(entry, io.BytesIO(stream.getvalue()))
    return path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def bench(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The command, in this process."""
    from bench import cli

    monkeypatch.setattr("sys.argv", ["bench", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock") if folder.exists() else []


def test_without_the_archive_the_sentence_says_how_to_get_it() -> None:
    with pytest.raises(UsageError, match=r"bench data add places205 --archive testSetPlaces205_resize\.tar\.gz"):
        open_dataset("places205")


def test_an_added_archive_is_a_data_set_with_disjoint_splits(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(monkeypatch, "data", "add", "places205", "--archive", str(file), "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["pictures"] == 40
    assert facts["archive_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    parts = {split: open_dataset("places205", split) for split in ("train", "validation", "test")}
    taken = Counter(image_id for part in parts.values() for image_id in part.ids)
    assert taken == Counter(name.removesuffix(".jpg") for name in NAMES)
    for split, part in parts.items():
        assert f"{len(part)} {split}" in part.note
        assert "split by a hash of the name" in part.note
        assert "40 pictures, not the published 41,000" in part.note


def test_an_archive_is_added_once_and_another_only_with_force(file: Path, tmp_path: Path) -> None:
    which = archives.archive.get("places205")()
    with archives.owned(which):
        first = archives.add(which, file, force=False)
        assert archives.add(which, file, force=False) == first
        other = tmp_path / "other.tar"
        with tarfile.open(file) as old, tarfile.open(other, "w") as new:
            entry = old.getmembers()[0]
            new.addfile(entry, old.extractfile(entry))
        with pytest.raises(UsageError, match="--force replaces it"):
            archives.add(which, other, force=False)
        assert archives.add(which, other, force=True)["pictures"] == 1
    assert len(open_dataset("places205", "all")) == 1


def test_a_fetch_that_broke_off_goes_on_and_leaves_the_pictures_alone(
    file: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = file.read_bytes()
    with bad_line(content) as line:
        line.patience = len(content) // 3
        words = ["data", "fetch", "places205", "--url", f"{line.url}/x.tar.gz"]
        words += ["--sha256", hashlib.sha256(content).hexdigest()]
        (home / "downloads").mkdir(parents=True)
        (home / "downloads" / f"{file.name}.part").write_bytes(content[:100])
        assert bench(monkeypatch, *words) == 0
        assert line.asked[0] == "bytes=100-"
    assert len(open_dataset("places205", "all")) == 40
    assert left(home) == ["downloads", "places205"]
    assert left(home / "downloads") == []
    assert "40 pictures" in capsys.readouterr().out


def test_wrong_bytes_end_in_a_sentence_and_leave_nothing(
    file: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for content, words, why in (
        (b"<html>moved</html>" * 99, [], "damaged"),
        (file.read_bytes(), ["--sha256", "00000000"], "not 00000000"),
    ):
        with bad_line(content) as line:
            assert bench(monkeypatch, "data", "fetch", "places205", "--url", line.url, *words) in (1, 2)
        said = capsys.readouterr().err.splitlines()
        assert why in said[-1]
        assert left(home) == ["downloads"]
        assert left(home / "downloads") == []


def test_the_published_size_is_asked_of_the_published_address(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with bad_line(file.read_bytes()) as line:
        which = archives.archive.get("places205")()
        monkeypatch.setattr(
            archives.archive,
            "get",
            lambda name: (
                lambda: which.__class__(which.name, which.title, which.file, (line.url,), which.bytes, which.pictures)
            ),
        )
        assert bench(monkeypatch, "data", "fetch", "places205") == 1


def test_verify_names_what_is_missing_changed_and_extra(
    file: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    which = archives.archive.get("places205")()
    with archives.owned(which):
        archives.add(which, file, force=False)
    assert bench(monkeypatch, "data", "verify", "places205") == 0
    pictures = home / "places205" / "pictures"
    (pictures / NAMES[0]).unlink()
    (pictures / NAMES[1]).write_bytes(b"changed")
    Image.new("RGB", (8, 8)).save(pictures / "new.png")
    capsys.readouterr()
    assert bench(monkeypatch, "data", "verify", "places205", "--json") == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {(f["how"], f["file"]) for f in findings} == {
        ("missing", f"pictures/{NAMES[0]}"),
        ("changed", f"pictures/{NAMES[1]}"),
        ("extra", "pictures/new.png"),
    }


def test_verify_of_other_data_names_what_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    assert bench(monkeypatch, "data", "verify", f"folder:{tmp_path}") == 0
    (tmp_path / "b.png").write_bytes(b"no picture")
    assert bench(monkeypatch, "data", "verify", f"folder:{tmp_path}") == 1
    assert "b.png" in capsys.readouterr().out


def test_a_full_disk_ends_in_a_sentence_and_leaves_nothing(
    file: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    which = archives.archive.get("places205")()
    monkeypatch.setattr("bench.datasets.unpack.write", full)
    with pytest.raises(BenchError, match="No space left on device"), archives.owned(which):
        archives.add(which, file, force=False)
    assert left(home) == []


def test_what_a_killed_add_left_is_swept_by_the_next(file: Path, home: Path) -> None:
    (home / ".places205-dead.part" / "pictures").mkdir(parents=True)
    which = archives.archive.get("places205")()
    with archives.owned(which):
        archives.add(which, file, force=False)
    assert left(home) == ["places205"]
