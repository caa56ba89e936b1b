"""Pixels of picture files and of crops, each against Pillow's own or a calculation by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.datasets.pictures import BrokenPicture, fit_square, measure_picture, random_crop, read_picture, shrink
from bench.suites.hole_file import read_hole_file

NOISE = np.random.default_rng(0).integers(0, 256, (60, 91, 3), np.uint8)


def by_pillow(pixels: np.ndarray, left: int, top: int, side: int, size: int) -> np.ndarray:
    """A square window at another size, as Pillow alone makes it."""
    box = (left, top, left + side, top + side)
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC, box=box))


def test_alpha_is_rounded_to_the_nearest_for_every_value_and_alpha(tmp_path: Path) -> None:
    value, alpha = np.mgrid[:256, :256].astype(np.uint8)
    Image.fromarray(np.stack([value, value, value, alpha], axis=2)).save(tmp_path / "a.png")
    found = read_picture(tmp_path / "a.png")
    # 255 is odd, so that no value lies half-way between two levels.
    expected = np.rint((value.astype(float) * alpha + 255 * (255.0 - alpha)) / 255)
    np.testing.assert_array_equal(found[..., 0], expected)
    # Alpha 129 over (100, 0, 50): (100 · 129 + 255 · 126) / 255 = 176.6.
    assert found[100, 129, 0] == 177 and found[0, 129, 0] == 126 and found[50, 129, 0] == 151


def test_every_16_bit_grey_becomes_the_nearest_of_8_bits(tmp_path: Path) -> None:
    deep = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    Image.fromarray(deep).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png")[..., 1], np.rint(deep / 65535 * 255))


@pytest.mark.parametrize("compression", [None, "tiff_deflate"])
@pytest.mark.parametrize(("photometric", "expected"), [(0, [255, 55, 0]), (1, [0, 200, 255])])
def test_a_16_bit_tiff_that_stores_white_as_zero_is_no_negative(
    tmp_path: Path, photometric: int, expected: list[int], compression: str | None
) -> None:
    stored = np.array([[0, 200, 255]], np.uint16) * 257
    options = {} if compression is None else {"compression": compression}
    Image.fromarray(stored).save(tmp_path / "a.tif", tiffinfo={262: photometric}, **options)
    with Image.open(tmp_path / "a.tif") as file:
        assert (file.mode, file.tag_v2[262]) == ("I;16", photometric)
    assert read_picture(tmp_path / "a.tif")[0, :, 0].tolist() == expected
    assert read_hole_file(tmp_path / "a.tif")[0][0].tolist() == expected


@pytest.mark.parametrize(("low", "high", "fine"), [(0, 65535, True), (0, 65536, False), (-1, 9, False)])
def test_32_bit_integers_are_taken_as_16_bits_where_they_fit(tmp_path: Path, low: int, high: int, fine: bool) -> None:
    Image.fromarray(np.array([[low, high]], np.int32)).save(tmp_path / "a.tif")
    if fine:
        assert read_picture(tmp_path / "a.tif").tolist() == [[[0] * 3, [255] * 3]]
        assert measure_picture(tmp_path / "a.tif") == (2, 1)
    else:
        for read in (read_picture, measure_picture):
            with pytest.raises(BrokenPicture, match="no agreed range"):
                read(tmp_path / "a.tif")


@pytest.mark.parametrize("turned", [3, 5, 6, 8])
@pytest.mark.parametrize("compression", [None, "tiff_deflate"])
def test_a_turned_tiff_comes_out_upright_in_every_mode(tmp_path: Path, turned: int, compression: str | None) -> None:
    upright = NOISE[:10, :12, 0]
    exif = Image.Exif()
    exif[0x0112] = turned
    # What a camera stores: 3 upside down, 5 mirrored about the diagonal, 6 and 8 a quarter off.
    stored = {3: np.rot90(upright, 2), 5: upright.T, 6: np.rot90(upright), 8: np.rot90(upright, -1)}[turned]
    grey = Image.fromarray(np.ascontiguousarray(stored))
    deep = Image.fromarray(np.ascontiguousarray(stored).astype(np.uint16) * 257)
    for name, image in {"L": grey, "RGB": grey.convert("RGB"), "P": grey.convert("P"), "deep": deep}.items():
        path = tmp_path / f"{name}.tif"
        image.save(path, exif=exif, compression=compression)
        np.testing.assert_array_equal(read_picture(path)[..., 0], upright, err_msg=name)
        assert measure_picture(path) == (12, 10)


@pytest.mark.parametrize(("at_least", "shape"), [(100, (100, 150)), (101, (200, 300)), (50, (50, 75)), (25, (25, 38))])
def test_a_jpeg_is_decoded_no_smaller_than_asked(tmp_path: Path, at_least: int, shape: tuple[int, int]) -> None:
    # Its decoder halves once, twice or three times: 200 x 300, 100 x 150, 50 x 75, 25 x 38.
    Image.new("RGB", (300, 200), (90, 60, 30)).save(tmp_path / "a.jpg")
    assert read_picture(tmp_path / "a.jpg", at_least).shape[:2] == shape


def test_shrinking_rounds_the_longer_side_and_resamples_as_pillow_does() -> None:
    # 91 · 32 / 60 = 48.5…, which is 49 pixels.
    for pixels, size in ((NOISE, (49, 32)), (NOISE.swapaxes(0, 1), (32, 49))):
        pixels = np.ascontiguousarray(pixels)
        expected = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
        np.testing.assert_array_equal(shrink(pixels, 32), expected)


@pytest.mark.parametrize("shorter", [60, 61, 200])
def test_a_picture_that_is_no_larger_is_not_shrunk(shorter: int) -> None:
    assert shrink(NOISE, shorter) is NOISE


@pytest.mark.parametrize(("height", "width", "left", "top"), [(40, 61, 10, 0), (61, 40, 0, 10), (40, 40, 0, 0)])
def test_the_centre_square_is_cut_and_resized_as_pillow_does(height: int, width: int, left: int, top: int) -> None:
    pixels = np.ascontiguousarray(np.resize(NOISE, (height, width, 3)))
    for size in (16, 50):
        np.testing.assert_array_equal(fit_square(pixels, size), by_pillow(pixels, left, top, 40, size))
    np.testing.assert_array_equal(fit_square(pixels, 40), pixels[top : top + 40, left : left + 40])


@pytest.mark.parametrize(
    ("u", "side", "left", "top", "mirrored"),
    [
        # Of 50 x 40 pixels: sides 20 to 40, places 0 to 50 - side and 0 to 40 - side, each as likely.
        ((0.0, 0.0, 0.0, 0.5), 20, 0, 0, False),
        ((0.0, 0.9999, 0.9999, 0.9999), 20, 30, 20, False),
        ((0.9999, 0.9999, 0.9999, 0.0), 40, 10, 0, True),
        # 20 + ⌊.5 · 21⌋, ⌊.25 · 21⌋, ⌊.75 · 11⌋
        ((0.5, 0.25, 0.75, 0.4999), 30, 5, 8, True),
    ],
)
def test_a_training_crop_is_the_square_that_its_draws_say(
    u: tuple[float, ...], side: int, left: int, top: int, mirrored: bool
) -> None:
    pixels = np.ascontiguousarray(NOISE[:40, :50])
    expected = by_pillow(pixels, left, top, side, 16)
    np.testing.assert_array_equal(random_crop(pixels, 16, np.array(u)), expected[:, ::-1] if mirrored else expected)


@pytest.mark.parametrize("side", [1, 2, 3])
def test_a_picture_of_a_few_pixels_still_gives_a_crop(side: int) -> None:
    assert random_crop(NOISE[:side, :5], 8, np.zeros(4)).shape == (8, 8, 3)


def test_links_in_a_circle_are_told_in_words_without_the_place(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to("a.png")
    with pytest.raises(BrokenPicture, match=r"^too many levels of symbolic links$"):
        read_picture(tmp_path / "a.png")
