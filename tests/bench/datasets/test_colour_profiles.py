"""Embedded colour profiles: what is not sRGB is converted, as Pillow's ImageCms does it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from bench.datasets.pictures import read_picture

NOISE = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)


def linear_rgb() -> bytes:
    """A profile of sRGB's primaries whose curves are straight: sRGB's own with other curves, so its values can be
    calculated by hand."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132], "big")
    for entry in range(count):
        at = 132 + 12 * entry
        if profile[at : at + 4] in (b"rTRC", b"gTRC", b"bTRC"):
            start = int.from_bytes(profile[at + 4 : at + 8], "big")
            # 'para', four zeros, function type 0 (y = x^g), two zeros, g = 1.0 as 16.16.
            profile[start : start + 16] = b"para" + bytes(4) + bytes(4) + (65536).to_bytes(4, "big")
    return bytes(profile)


def srgb_curve(linear: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1, linear light in [0, 1] to encoded."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.power(linear, 1 / 2.4) - 0.055)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg"])
def test_a_picture_in_linear_light_is_converted_to_srgb(tmp_path: Path, name: str) -> None:
    Image.fromarray(NOISE).save(tmp_path / name, icc_profile=linear_rgb())
    expected = srgb_curve(np.asarray(Image.open(tmp_path / name)) / 255) * 255
    assert np.abs(read_picture(tmp_path / name) - expected).max() < 1.5


def test_alpha_and_16_bits_do_not_keep_a_profile_from_being_applied(tmp_path: Path) -> None:
    import cv2

    whole = Image.fromarray(np.dstack([NOISE, np.full((24, 32), 255, np.uint8)]))
    whole.save(tmp_path / "alpha.png", icc_profile=linear_rgb())
    expected = srgb_curve(NOISE / 255) * 255
    assert np.abs(read_picture(tmp_path / "alpha.png") - expected).max() < 1.5
    # A 16-bit PNG with the profile's chunk taken over from an 8-bit one.
    Image.fromarray(NOISE).save(tmp_path / "flat.png", icc_profile=linear_rgb())
    data = (tmp_path / "flat.png").read_bytes()
    at = data.index(b"iCCP") - 4
    chunk = data[at : at + 12 + int.from_bytes(data[at : at + 4], "big")]
    deep = cv2.imencode(".png", NOISE[..., ::-1].astype(np.uint16) * 257)[1].tobytes()
    (tmp_path / "deep.png").write_bytes(deep[:33] + chunk + deep[33:])
    np.testing.assert_array_equal(read_picture(tmp_path / "deep.png"), read_picture(tmp_path / "flat.png"))


def test_a_profile_of_srgb_moves_no_pixel(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(NOISE).save(tmp_path / "a.png", icc_profile=profile)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), NOISE)


@pytest.mark.parametrize("profile", [b"no profile", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()])
def test_a_profile_that_cannot_be_used_is_passed_over(tmp_path: Path, profile: bytes) -> None:
    stream = io.BytesIO()
    Image.fromarray(NOISE).save(stream, "TIFF", icc_profile=profile)
    (tmp_path / "a.tif").write_bytes(stream.getvalue())
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif"), NOISE)
