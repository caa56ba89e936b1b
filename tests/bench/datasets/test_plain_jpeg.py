"""The fast reader of usual JPEGs: Pillow's pixels, or none at all."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.datasets import plain_jpeg
from bench.datasets.pictures import BrokenPicture, measure_picture, read_picture
from bench.datasets.plain_jpeg import decoders_agree, read_plain_jpeg

NOISE = np.random.default_rng(0).integers(0, 256, (47, 61, 3), np.uint8)
SMOOTH = np.stack([*np.meshgrid(np.arange(61) * 4, np.arange(47) * 5), np.full((47, 61), 90)], axis=2)


def saved(pixels: np.ndarray = NOISE, **how: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(stream, "JPEG", **how)
    return stream.getvalue()


def by_pillow(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


USUAL = {
    **{f"{s} at {q}": saved(quality=q, subsampling=s) for s in ("4:4:4", "4:2:2", "4:2:0") for q in (30, 85, 100)},
    "smooth": saved(SMOOTH),
    "one pixel": saved(NOISE[:1, :1]),
    "a row": saved(NOISE[:1]),
    "restarts": saved(restart_marker_blocks=2),
    "stored as rgb": saved(keep_rgb=True),
    "bytes after the end": saved() + b"xyz",
    "a comment": saved(comment=b"\xff\xd9 is no end here"),
}


@pytest.mark.parametrize("kind", [*USUAL])
def test_a_usual_jpeg_gives_pillows_pixels(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.jpg").write_bytes(USUAL[kind])
    with Image.open(tmp_path / "a.jpg") as image:
        assert read_plain_jpeg(image) is not None
    found = read_picture(tmp_path / "a.jpg")
    assert found.flags.writeable and found.flags.c_contiguous
    np.testing.assert_array_equal(found, by_pillow(USUAL[kind]))
    assert measure_picture(tmp_path / "a.jpg") == (found.shape[1], found.shape[0])


CONTENT = saved()
AT = 2 * len(CONTENT) // 3
UNUSUAL = {
    "progressive": saved(progressive=True),
    "grey": saved(NOISE[..., 0]),
    "cut": CONTENT[:AT],
    "no end": CONTENT[:-2],
    "a stray marker": CONTENT[:AT] + b"\xff\xc4" + CONTENT[AT + 2 :],
}


@pytest.mark.parametrize("kind", [*UNUSUAL])
def test_whatever_is_unusual_or_damaged_is_left_to_pillow(kind: str) -> None:
    with Image.open(io.BytesIO(UNUSUAL[kind])) as image:
        assert read_plain_jpeg(image) is None
        assert image.fp.tell() > 0  # type: ignore[union-attr]  # as it was


def test_a_jpeg_that_is_cut_off_is_refused_with_pillows_reason(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(UNUSUAL["cut"])
    with pytest.raises(BrokenPicture, match="truncated"):
        read_picture(tmp_path / "a.jpg")


def test_damaged_bytes_end_as_they_do_with_pillow_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused by both, or the same pixels from both: which pictures a data set has must not hang on the reader."""
    rng = np.random.default_rng(3)
    outcomes: list[list[np.ndarray | None]] = [[], []]
    for case in range(60):
        content = bytearray(CONTENT if case % 2 else USUAL["restarts"])
        for place in rng.integers(2, len(content), rng.integers(1, 4)):
            content[place] = rng.integers(256)
        (tmp_path / "a.jpg").write_bytes(content)
        for outcome, agree in zip(outcomes, (True, False), strict=True):
            monkeypatch.setattr(plain_jpeg, "decoders_agree", lambda agree=agree: agree)
            try:
                outcome.append(read_picture(tmp_path / "a.jpg"))
            except BrokenPicture:
                outcome.append(None)
    assert 5 < sum(found is None for found in outcomes[0]) < 55
    for fast, slow in zip(*outcomes, strict=True):
        assert (fast is None) == (slow is None)
        assert fast is None or np.array_equal(fast, slow)


def test_the_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    (tmp_path / "a.jpg").write_bytes(saved(exif=exif))
    np.testing.assert_array_equal(read_picture(tmp_path / "a.jpg"), np.rot90(by_pillow(saved()), -1))


@pytest.mark.parametrize("wrong", [None, "a level"])
def test_a_decoder_that_is_built_otherwise_is_not_used(monkeypatch: pytest.MonkeyPatch, wrong: str | None) -> None:
    right = plain_jpeg.decode
    monkeypatch.setattr(plain_jpeg, "decode", lambda image: None if wrong is None else right(image) ^ 1)  # type: ignore[operator]
    decoders_agree.cache_clear()
    try:
        assert not decoders_agree()
        with Image.open(io.BytesIO(CONTENT)) as image:
            assert read_plain_jpeg(image) is None
    finally:
        decoders_agree.cache_clear()
