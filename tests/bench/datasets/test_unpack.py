"""Archives made to do harm: each is refused in a sentence, and nothing of it lies outside the folder."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from bench.datasets.unpack import unpack
from bench.util.errors import UsageError


def picture(level: int = 0) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), (level, 0, 0)).save(stream, "PNG")
    return stream.getvalue()


def member(
    name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    entry = tarfile.TarInfo(name)
    entry.size, entry.type, entry.linkname = len(content), kind, link
    return entry, content


def write_tar(path: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:
        for entry, content in members:
            tar.addfile(entry, io.BytesIO(content))
    return path


GOOD = member("set/a.png", picture(1))


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_pictures_come_out_as_they_went_in_and_other_files_stay(mode: str, tmp_path: Path) -> None:
    archive = write_tar(
        tmp_path / "a.tar", member("set", kind=tarfile.DIRTYPE), GOOD, member("set/sub/b.PNG", picture(2)),
        member("set/readme.txt", b"x"), member("set/._a.png", b"x"), mode=mode,
    )  # fmt: skip
    found = unpack(archive, tmp_path / "out")
    written = {
        path.relative_to(tmp_path / "out").as_posix(): path.read_bytes() for path in (tmp_path / "out").rglob("*.*")
    }
    assert written == {"set/a.png": picture(1), "set/sub/b.PNG": picture(2)}
    assert found.others == 2


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (member("../evil.png", picture()), "points outside"),
        (member("/tmp/evil.png", picture()), "points outside"),
        (member("set/../../evil.png", picture()), "points outside"),
        (member("..\\evil.png", picture()), "points outside"),
        (member("C:/evil.png", picture()), "points outside"),
        (member("set/l.png", kind=tarfile.SYMTYPE, link="/etc/passwd"), "is a link"),
        (member("set/l", kind=tarfile.SYMTYPE, link=".."), "is a link"),
        (member("set/l.png", kind=tarfile.LNKTYPE, link="set/a.png"), "is a link"),
        (member("set/d.png", kind=tarfile.CHRTYPE), "no regular file"),
        (member("set/p.png", kind=tarfile.FIFOTYPE), "no regular file"),
        (member("set/a.png", picture(9)), "twice"),
        (member("./set/a.png", picture(9)), "twice"),
        (member("set/new\nline.png", picture()), r"'set/new\\nline.png' is not plain text"),
        (member("set/\x1b[31m.png", picture()), r"'set/\\x1b\[31m.png' is not plain text"),
        (member("../\x1b[2J.png", picture()), r"'../\\x1b\[2J.png' points outside"),
        (member("set/a.png/b.png", picture()), "another of its members lies where 'set/a.png/b.png' would"),
    ],
)
def test_a_member_that_does_harm_is_refused(bad: tuple[tarfile.TarInfo, bytes], why: str, tmp_path: Path) -> None:
    archive = write_tar(tmp_path / "a.tar", GOOD, bad)
    inside = tmp_path / "deep" / "er" / "out"
    with pytest.raises(UsageError, match=why):
        unpack(archive, inside)
    assert [path.name for path in tmp_path.rglob("*.png")] == ["a.png"]
    assert (inside / "set" / "a.png").read_bytes() == picture(1)
    assert not Path("/tmp/evil.png").exists()


def bomb(path: Path, name: str = "set/b.bmp") -> None:
    """30 MiB of zeros."""
    entry, _ = member(name)
    entry.size = 30 * 2**20
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(entry.tobuf())
        for _ in range(30):
            stream.write(bytes(2**20))
        stream.write(bytes(1024))


def absurd_header(path: Path) -> None:
    entry = tarfile.TarInfo("pax")
    entry.type, entry.size = tarfile.XHDTYPE, 2**32
    path.write_bytes(entry.tobuf() + bytes(4096))


def cut_off(path: Path) -> None:
    write_tar(path, GOOD, member("set/b.png", picture(2)))
    path.write_bytes(path.read_bytes()[:1500])


def cut_off_packed(path: Path) -> None:
    write_tar(path, GOOD, member("set/b.png", bytes(range(256)) * 300), mode="w:gz")
    path.write_bytes(path.read_bytes()[:-20])


def header_damaged(path: Path) -> None:
    """tarfile would end at the second header as if it were the end."""
    write_tar(path, GOOD, member("set/b.png", picture(2)))
    content = bytearray(path.read_bytes())
    content[1024 + 150] ^= 0xFF
    path.write_bytes(bytes(content))


def byte_flipped(path: Path) -> None:
    write_tar(path, GOOD, member("set/b.bmp", bytes(range(256)) * 300), mode="w:gz")
    content = bytearray(path.read_bytes())
    content[-6] ^= 0xFF  # gzip's checksum
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (bomb, "over 20 times its own size"),
        (lambda path: bomb(path, "set/not_taken_out.bin"), "over 20 times its own size"),
        (absurd_header, "one of its headers asks for"),
        (cut_off, "damaged"),
        (cut_off_packed, "damaged"),
        (header_damaged, "damaged"),
        (byte_flipped, "damaged"),
        (lambda path: path.write_bytes(b""), "damaged"),
        (lambda path: path.write_bytes(b"<html>404</html>" * 100), "damaged"),
        (lambda path: write_tar(path, member("a.txt", b"x")), "no pictures"),
    ],
)
def test_what_is_no_sound_archive_is_refused(
    make: Callable[[Path], None], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.datasets.unpack.LEAST_LIMIT", 4 * 2**20)
    make(tmp_path / "a.tar")
    with pytest.raises(UsageError, match=why):
        unpack(tmp_path / "a.tar", tmp_path / "out")
