"""Every kind of picture file in a folder comes out as its pixels; expected values by hand."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from bench.datasets.pictures import measure_picture
from bench.suites.hole_file import PLAIN
from bench.util.errors import UsageError
from tests.bench.datasets.folders import BLUE, GREEN, RED, WHITE, corners, folder, save


def test_grey_is_three_equal_channels(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 100], [200, 255]], np.uint8)).save(tmp_path / "grey.png")
    assert folder(tmp_path).load(0).tolist() == [[[0] * 3, [100] * 3], [[200] * 3, [255] * 3]]


def test_black_and_white_is_0_and_255(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1").save(tmp_path / "bits.png")
    assert folder(tmp_path).load(0).tolist() == [[[0] * 3, [255] * 3]]


def test_palette_gives_its_colours_and_its_transparent_entry_is_white(tmp_path: Path) -> None:
    picture = Image.new("P", (3, 1))
    picture.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    picture.putdata([0, 1, 2])
    picture.save(tmp_path / "a.png")
    picture.save(tmp_path / "b.png", transparency=1)
    picture.save(tmp_path / "c.gif", transparency=2)
    data = folder(tmp_path)
    assert data.load(0).tolist() == [[[10, 20, 30], [40, 50, 60], [70, 80, 90]]]
    assert data.load(1).tolist() == [[[10, 20, 30], [255, 255, 255], [70, 80, 90]]]
    assert data.load(2).tolist() == [[[10, 20, 30], [40, 50, 60], [255, 255, 255]]]


def test_alpha_is_laid_over_white_and_rounded(tmp_path: Path) -> None:
    rgba = np.array([[[100, 0, 50, 255], [100, 0, 50, 0], [100, 0, 50, 51], [0, 0, 0, 128]]], np.uint8)
    Image.fromarray(rgba).save(tmp_path / "a.png")
    Image.fromarray(np.array([[[80, 51]]], np.uint8), "LA").save(tmp_path / "b.png")
    Image.fromarray(rgba).save(tmp_path / "c.webp", lossless=True, exact=True)
    # A fifth of the colour: 100 / 5 + 255 * 4 / 5 = 224; 0 + 204; 10 + 204. Black at 128: 255 * 127 / 255 = 127.
    expected = [[[100, 0, 50], [255, 255, 255], [224, 204, 214], [127, 127, 127]]]
    data = folder(tmp_path)
    assert data.load(0).tolist() == expected
    assert data.load(1).tolist() == [[[220] * 3]]  # 80 / 5 + 204
    assert data.load(2).tolist() == expected


DEEP = [0, 128, 129, 255, 32768, 40000, 65535]
"""16-bit values; in 8 bits, to the nearest 257th: cutting off the low byte would give 0 for 129 and 255."""
FLAT = [0, 0, 1, 1, 128, 156, 255]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_are_rounded_not_cut_off(tmp_path: Path, suffix: str) -> None:
    deep = np.array([DEEP], np.uint16)
    colour = np.stack([deep, deep[:, ::-1], np.full_like(deep, 257)], axis=2)
    Image.fromarray(deep).save(tmp_path / f"a{suffix}")
    cv2.imwrite(str(tmp_path / f"b{suffix}"), colour[..., ::-1])
    alpha = np.full_like(deep, 65535)
    alpha[0, 0] = 0
    cv2.imwrite(str(tmp_path / f"c{suffix}"), np.dstack([colour[..., ::-1], alpha]))
    data = folder(tmp_path)
    assert data.skipped == ()
    assert data.load(0).tolist() == [[[value] * 3 for value in FLAT]]
    in_colour = [[a, b, 1] for a, b in zip(FLAT, FLAT[::-1], strict=True)]
    assert data.load(1).tolist() == [in_colour]
    assert data.load(2).tolist() == [[[255, 255, 255], *in_colour[1:]]]


@pytest.mark.parametrize(("most", "bits"), [(255, 8), (256, 10), (1023, 10), (4095, 12)])
@pytest.mark.parametrize("name", ["a.png", "a.tif", "integer.tif", "colour.png", "colour.tif"])
def test_deep_values_that_would_fit_fewer_bits_are_no_black_picture(
    tmp_path: Path, name: str, most: int, bits: int
) -> None:
    def write(deep: np.ndarray) -> None:
        if name.startswith("colour"):
            cv2.imwrite(str(tmp_path / name), np.dstack([deep] * 3))
        else:
            Image.fromarray(deep.astype(np.int32) if name.startswith("integer") else deep).save(tmp_path / name)

    write(np.array([[0, 128, most]], np.uint16))
    said = f"its 16-bit values reach only {most} of 65535: save it with 8 bits if those are {bits}-bit values"
    with pytest.raises(UsageError, match=said):
        folder(tmp_path)
    with pytest.raises(UsageError, match=f"reach only {most} of 65535"):
        PLAIN.levels(tmp_path / name)
    # 4096 may be a dark picture, and nothing but 0 is black whatever it means: 128 and 4096 over 257.
    for deep, flat in (([0, 128, 4096], [0, 0, 16]), ([0, 0, 0], [0, 0, 0])):
        write(np.array([deep], np.uint16))
        assert folder(tmp_path).load(0).tolist() == [[[value] * 3 for value in flat]]
        assert PLAIN.levels(tmp_path / name).tolist() == [flat]


def test_pictures_of_a_kind_that_is_not_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "IMG_1.HEIC").write_bytes(b"anything")
    (tmp_path / "notes.txt").touch()
    said = "HEIC is not read: convert it to PNG or JPEG"
    with pytest.raises(UsageError, match=rf"none of the 1 pictures in .* \(the first, IMG_1.HEIC: {said}\)"):
        folder(tmp_path)
    save(tmp_path / "a.png")
    assert folder(tmp_path).skipped == (("IMG_1.HEIC", said),)


def test_16_bit_grey_with_alpha_is_rounded(tmp_path: Path) -> None:
    write_png(tmp_path / "deep.png", 16, 4, [[129, 65535, 255, 65535, 40000, 0]], 3)
    assert folder(tmp_path).load(0).tolist() == [[[1] * 3, [1] * 3, [255] * 3]]


@pytest.mark.parametrize(("depth", "row", "greys"), [(2, 0b00_01_10_11, [0, 85, 170, 255]), (4, 0x01EF, [0, 17, 238])])
def test_the_transparent_grey_of_a_png_of_few_bits_is_the_one_it_names(
    tmp_path: Path, depth: int, row: int, greys: list[int]
) -> None:
    raw = row.to_bytes(depth // 2, "big")
    header = struct.pack(">IIBBBBB", len(greys), 1, depth, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"tRNS", b"\0\1"), (b"IDAT", zlib.compress(b"\0" + raw)), (b"IEND", b"")]
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks))
    assert folder(tmp_path).load(0)[0, :, 0].tolist() == [greys[0], 255, *greys[2:]]
    assert PLAIN.levels(tmp_path / "a.png")[0].tolist() == [greys[0], 0, *greys[2:]]


def test_the_transparent_grey_of_a_16_bit_png_is_white_in_a_picture_and_known_in_a_hole(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", 16, 0, [[0, 40000, 257 * 200]], 3, png_chunk(b"tRNS", struct.pack(">H", 40000)))
    assert folder(tmp_path).load(0)[0, :, 0].tolist() == [0, 255, 200]
    assert PLAIN.levels(tmp_path / "a.png").tolist() == [[0, 0, 200]]


def test_a_fourth_channel_of_16_bits_is_what_the_tiff_calls_it(tmp_path: Path) -> None:
    colour, alpha = np.array([[[65535, 0, 257 * 100]]], np.uint16), np.array([[257 * 51]], np.uint16)  # a fifth
    for name, pixels in (
        ("unspecified", colour),
        ("unassalpha", colour),
        ("assocalpha", (colour / 5).round().astype(np.uint16)),
    ):
        tifffile.imwrite(tmp_path / f"{name}.tif", np.dstack([pixels, alpha]), photometric="rgb", extrasamples=[name])
    data = folder(tmp_path)
    found = {name: data.load(i)[0, 0].tolist() for i, name in enumerate(data.ids)}
    assert found == {"unspecified": [255, 0, 100], "unassalpha": [255, 204, 224], "assocalpha": [255, 204, 224]}


def test_16_bit_channels_that_lie_apart_are_refused_by_name(tmp_path: Path) -> None:
    deep = np.full((3, 4, 5), 30000, np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", deep, photometric="rgb", planarconfig="separate")
    with pytest.raises(UsageError, match="its 16-bit channels are stored apart: save them interleaved, or as PNG"):
        folder(tmp_path)
    with pytest.raises(UsageError, match="stored apart"):
        PLAIN.levels(tmp_path / "a.tif")


def test_a_bitmap_of_565_bits_gives_its_colours(tmp_path: Path) -> None:
    # Red, green, blue and white, two bytes a pixel, with the masks that a bitmap of 16 bits names.
    pixels = struct.pack("<4H", 0xF800, 0x07E0, 0x001F, 0xFFFF)
    header = struct.pack("<IiiHHIIiiII", 40, 4, 1, 1, 16, 3, len(pixels), 0, 0, 0, 0)
    body = header + struct.pack("<III", 0xF800, 0x07E0, 0x001F) + pixels
    (tmp_path / "a.bmp").write_bytes(b"BM" + struct.pack("<IHHI", 14 + len(body), 0, 0, 14 + 40 + 12) + body)
    assert folder(tmp_path).load(0).tolist() == [[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]]


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def write_png(path: Path, depth: int, kind: int, rows: list[list[int]], width: int, more: bytes = b"") -> None:
    """A 16-bit PNG by the letter of its specification, for kinds that no library at hand writes."""
    raw = b"".join(b"\0" + b"".join(struct.pack(">H", value) for value in row) for row in rows)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, len(rows), depth, kind, 0, 0, 0))
    body = header + more + png_chunk(b"IDAT", zlib.compress(raw)) + png_chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "red.jpg", quality=100)
    Image.new("CMYK", (8, 8), (0, 0, 0, 255)).save(tmp_path / "black.tif")
    data = folder(tmp_path)
    assert list(data.ids) == ["black", "red"]
    assert data.load(0)[4, 4].tolist() == [0, 0, 0]
    assert abs(data.load(1)[4, 4].astype(int) - RED).max() <= 3


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("turned", range(1, 9))
def test_every_exif_orientation_comes_out_upright(tmp_path: Path, suffix: str, turned: int) -> None:
    upright = np.zeros((32, 48, 3), np.uint8)
    upright[:16, :24], upright[:16, 24:], upright[16:, :24], upright[16:, 24:] = RED, GREEN, BLUE, WHITE
    # What a camera stores under each orientation, from the EXIF specification (tag 0x0112): where in the
    # stored picture the upright one's top left corner lies, and along which way its rows run.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: upright.swapaxes(0, 1)[::-1],
        7: upright.swapaxes(0, 1)[::-1, ::-1],
        8: upright.swapaxes(0, 1)[:, ::-1],
    }[turned]
    exif = Image.Exif()
    exif[0x0112] = turned
    options = {"lossless": True} if suffix == ".webp" else {"quality": 95} if suffix == ".jpg" else {}
    path = tmp_path / f"turned{suffix}"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif, **options)
    pixels = folder(tmp_path).load(0)
    assert pixels.shape == (32, 48, 3)
    assert abs(np.array(corners(pixels)) - np.array([RED, GREEN, BLUE, WHITE])).max() < 12
    assert measure_picture(path) == (48, 32)


def test_16_bit_colour_is_turned_once(tmp_path: Path) -> None:
    stored = np.zeros((32, 16, 3), np.uint16)
    stored[:16] = (65535, 0, 0)
    black = (0, 0, 0)
    # Orientation 6: the stored upper half belongs on the right.
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", extratags=[(0x0112, "H", 1, 6, True)])
    exif = struct.pack(">2sHIHHHIHH", b"MM", 42, 8, 1, 0x0112, 3, 1, 6, 0) + bytes(4)
    rows = stored.reshape(32, -1).tolist()
    write_png(tmp_path / "b.png", 16, 2, rows, 16, png_chunk(b"eXIf", exif))
    write_png(tmp_path / "c.png", 16, 2, rows, 16)
    data = folder(tmp_path)
    assert [data.load(i).shape for i in range(3)] == [(16, 32, 3), (16, 32, 3), (32, 16, 3)]
    assert corners(data.load(0)) == corners(data.load(1)) == [black, RED, black, RED]
    assert corners(data.load(2)) == [RED, RED, black, black]


def test_of_several_pages_or_frames_the_first_is_read(tmp_path: Path) -> None:
    pages = [Image.new("RGB", (4, 4), colour) for colour in (RED, GREEN)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    pages[0].save(tmp_path / "frames.gif", save_all=True, append_images=pages[1:])
    data = folder(tmp_path)
    assert [data.load(i)[0, 0].tolist() for i in range(2)] == [list(RED), list(RED)]


@pytest.mark.parametrize("suffix", [".bmp", ".PPM", ".TIFF", ".JPEG", ".WebP", ".JfIf"])
def test_the_usual_endings_are_read_in_any_case(tmp_path: Path, suffix: str) -> None:
    save(tmp_path / f"picture{suffix}")
    data = folder(tmp_path)
    assert list(data.ids) == ["picture"]
    assert abs(data.load(0).astype(int) - RED).max() <= 3
