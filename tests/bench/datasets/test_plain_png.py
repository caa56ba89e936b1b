"""The fast reader of usual PNGs: Pillow's pixels, or none at all."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from bench.datasets.pictures import BrokenPicture, measure_picture, read_picture
from bench.datasets.plain_png import read_plain_png

NOISE = np.random.default_rng(0).integers(0, 256, (23, 31, 3), np.uint8)


def saved(pixels: np.ndarray = NOISE, **how: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", **how)
    return stream.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_pixels(compressed: bytes) -> bytes:
    """A PNG of NOISE's size around these bytes, every chunk sound."""
    header = struct.pack(">IIBBBBB", NOISE.shape[1], NOISE.shape[0], 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", compressed) + chunk(b"IEND", b"")


def text(key: str) -> PngInfo:
    found = PngInfo()
    found.add_text(key, "something")
    return found


TURNED = Image.Exif()
TURNED[0x0112] = 6

ROWS = b"".join(b"\0" + row.tobytes() for row in NOISE)


@pytest.mark.parametrize(
    "content",
    [
        saved(),
        saved(compress_level=9),
        saved(dpi=(72, 72), pnginfo=text("Software")),
        with_pixels(zlib.compress(ROWS, 0)),
        saved(np.full((1, 1, 3), 7, np.uint8)),
    ],
)
def test_a_usual_png_gives_pillows_pixels(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    found = read_plain_png(tmp_path / "a.png")
    assert found is not None and found.flags.writeable and found.flags.c_contiguous
    np.testing.assert_array_equal(found, np.array(Image.open(io.BytesIO(content))))
    assert measure_picture(tmp_path / "a.png") == (found.shape[1], found.shape[0])


UNUSUAL = {
    "grey": saved(NOISE[..., 0]),
    "alpha": saved(np.dstack([NOISE, NOISE[..., :1]])),
    "16 bits": saved(NOISE[..., 0].astype(np.uint16) * 257),
    "transparent colour": saved(transparency=(1, 2, 3)),
    "profile": saved(icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
    "exif": saved(exif=TURNED),
    "exif as text": saved(pnginfo=text("Raw profile type exif")),
    "bytes after the end": saved() + b"x",
    "cut": saved()[: len(saved()) // 2],
    "no end": saved()[:-12],
    "a flipped bit": saved()[:200] + bytes([saved()[200] ^ 1]) + saved()[201:],
    "half the rows": with_pixels(zlib.compress(ROWS[: len(ROWS) // 2])),
    "a wrong sum": with_pixels(zlib.compress(ROWS)[:-1] + bytes([zlib.compress(ROWS)[-1] ^ 1])),
    "another format": saved(NOISE)[1:],
}


@pytest.mark.parametrize("kind", [*UNUSUAL])
def test_whatever_is_unusual_or_damaged_is_left_to_pillow(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.png").write_bytes(UNUSUAL[kind])
    assert read_plain_png(tmp_path / "a.png") is None


@pytest.mark.parametrize("kind", ["cut", "a flipped bit", "a wrong sum"])
def test_a_damaged_png_is_still_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.png").write_bytes(UNUSUAL[kind])
    with pytest.raises(BrokenPicture):
        read_picture(tmp_path / "a.png")


def test_a_missing_file_a_folder_and_another_ending_are_left_to_pillow(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "a.dat").write_bytes(saved())
    assert [read_plain_png(tmp_path / name) for name in ("none.png", "folder.png", "a.dat")] == [None] * 3
