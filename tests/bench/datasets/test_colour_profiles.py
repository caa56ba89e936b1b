"""Embedded colour profiles: what is not sRGB is converted, as Pillow's ImageCms does it."""

from __future__ import annotations

import io
import struct
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


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_a_picture_in_linear_light_is_converted_to_srgb(tmp_path: Path, name: str) -> None:
    Image.fromarray(NOISE).save(tmp_path / name, icc_profile=linear_rgb())
    expected = srgb_curve(NOISE / 255) * 255
    assert np.abs(read_picture(tmp_path / name) - expected).max() < 1.5


D50_OF = {
    "sRGB": [(0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)],
    "Display P3": [(0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)],
    "Adobe RGB": [(0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)],
}
"""XYZ of each colour space's red, green and blue, adapted to D50, as their profiles publish them."""


def s15(*values: float) -> bytes:
    """ICC's signed 15.16 numbers."""
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def icc(gamma: float, colours: list[tuple[float, ...]] | None = None) -> bytes:
    """A profile by the letter of ICC.1:2001: curves of one gamma, and a space's colours, none for grey."""
    curve = b"curv" + bytes(4) + struct.pack(">IHH", 1, round(gamma * 256), 0)
    tags = {b"wtpt": b"XYZ " + bytes(4) + s15(0.9642, 1, 0.8249), b"cprt": b"text" + bytes(4) + b"none"}
    tags |= {b"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"x" + bytes(81)}
    if colours is None:
        tags[b"kTRC"] = curve
    else:
        for name, xyz in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colours, strict=True):
            tags[name] = b"XYZ " + bytes(4) + s15(*xyz)
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body, begin = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", begin + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    kind = b"GRAY" if colours is None else b"RGB "
    head = struct.pack(">I4sI4s4s4s", begin + len(body), b"none", 0x02400000, b"mntr", kind, b"XYZ ")
    return (
        head
        + struct.pack(">6H", 2024, 1, 1, 0, 0, 0)
        + b"acsp"
        + bytes(28)
        + s15(0.9642, 1, 0.8249)
        + bytes(48)
        + table
        + body
    )


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
@pytest.mark.parametrize(("space", "gamma"), [("Display P3", 2.2), ("Adobe RGB", 563 / 256)])
def test_wide_colours_are_converted_to_srgb(tmp_path: Path, name: str, space: str, gamma: float) -> None:
    Image.fromarray(NOISE).save(tmp_path / name, icc_profile=icc(gamma, D50_OF[space]), lossless=True)
    to_srgb = np.linalg.inv(np.transpose(D50_OF["sRGB"])) @ np.transpose(D50_OF[space])
    linear = np.clip((NOISE / 255) ** gamma @ to_srgb.T, 0, 1)
    assert np.abs(read_picture(tmp_path / name) - srgb_curve(linear) * 255).max() < 1.5


@pytest.mark.parametrize("gamma", [1.0, 1.8])
def test_greys_of_another_gamma_are_converted_at_8_and_16_bits_and_with_alpha(tmp_path: Path, gamma: float) -> None:
    grey = NOISE[..., 0]
    Image.fromarray(grey).save(tmp_path / "a.png", icc_profile=icc(gamma))
    Image.fromarray(grey).convert("LA").save(tmp_path / "alpha.png", icc_profile=icc(gamma))
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.tif", icc_profile=icc(gamma))
    expected = srgb_curve((grey / 255) ** gamma) * 255
    for file in sorted(tmp_path.iterdir()):
        assert np.abs(read_picture(file) - expected[..., None]).max() < 1.5


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
