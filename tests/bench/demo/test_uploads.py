"""Whatever is handed in: used, or refused in one sentence, and removed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.demo.uploads import discard, inside, read_hole, read_upload, short, sweep
from bench.util.errors import UsageError
from tests.bench.demo.conftest import claim


@pytest.mark.parametrize("size", [(10_000, 10_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_a_hundred_megapixels_and_bombs_are_refused_before_they_are_decoded(tmp_path: Path, size: tuple) -> None:
    file = tmp_path / "big.png"
    file.write_bytes(claim(*size))
    with pytest.raises(UsageError, match=r"^big\.png cannot be used: .*\.$"):
        read_upload(file, "big.png")


def test_a_text_called_png_is_refused_by_its_own_name(tmp_path: Path) -> None:
    file = tmp_path / "blob"
    file.write_text("hello")
    with pytest.raises(UsageError, match=r"^notes\.png cannot be used: not a readable picture format\.$"):
        read_upload(file, "notes.png")


def test_a_cut_off_file_is_refused(tmp_path: Path) -> None:
    whole = tmp_path / "whole.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)).save(whole)
    file = tmp_path / "cut.png"
    file.write_bytes(whole.read_bytes()[:800])
    with pytest.raises(UsageError, match="cannot be used"):
        read_upload(file, "cut.png")


def test_a_telephones_photograph_stands_upright(tmp_path: Path) -> None:
    file = tmp_path / "turned.jpg"
    image = Image.new("RGB", (40, 20), "red")
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(file, exif=exif)
    assert read_upload(file, "turned.jpg").shape == (40, 20, 3)


def test_a_hole_is_white_and_of_the_pictures_size(tmp_path: Path) -> None:
    file = tmp_path / "hole.png"
    Image.fromarray(np.array([[255, 0, 200], [0, 0, 100]], np.uint8)).save(file)
    assert read_hole(file, "hole.png", (2, 3)).tolist() == [[True, False, True], [False, False, False]]
    with pytest.raises(UsageError, match="3 x 2 pixels and the picture 9 x 9"):
        read_hole(file, "hole.png", (9, 9))


def test_a_hole_without_white_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "hole.png"
    Image.new("L", (3, 3)).save(file)
    with pytest.raises(UsageError, match="no white pixel"):
        read_hole(file, "hole.png", (3, 3))


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside.png", "missing.png", "", None, 7, "\0"])
def test_only_what_was_handed_in_is_read(path: object, tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir()
    (tmp_path / "outside.png").write_bytes(b"x")
    with pytest.raises(UsageError, match="was not received"):
        inside(folder, path if not isinstance(path, str) or path.startswith("/") else f"{folder}/{path}", "x.png")


def test_what_was_read_is_removed_and_what_nobody_asked_for_goes_later(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").write_bytes(b"x")
    discard(tmp_path / "a" / "x.png")
    assert [p.name for p in tmp_path.iterdir()] == ["b"]
    sweep(tmp_path, 3600)
    assert (tmp_path / "b" / "x.png").exists()
    sweep(tmp_path, 0)
    assert list(tmp_path.iterdir()) == []


def test_long_names_stay_short_in_a_sentence() -> None:
    assert short("/tmp/x/" + "a" * 300 + ".png") == "a" * 24 + "…" + "a" * 8 + ".png"


def test_a_hole_is_read_as_a_suite_reads_it(tmp_path: Path) -> None:
    """Transparent pixels are known, 16 bits are rounded, an orientation turns it, a photograph is none."""
    clear = np.zeros((4, 6, 4), np.uint8)
    clear[1, 2] = (255, 255, 255, 255)
    Image.fromarray(clear).save(tmp_path / "clear.png")
    assert np.argwhere(read_hole(tmp_path / "clear.png", "x.png", (4, 6))).tolist() == [[1, 2]]
    deep = np.zeros((4, 6), np.uint16)
    deep[0, 5] = 65535
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert np.argwhere(read_hole(tmp_path / "deep.png", "x.png", (4, 6))).tolist() == [[0, 5]]
    photo = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    with pytest.raises(UsageError, match="looks like a photograph"):
        read_hole(tmp_path / "photo.png", "x.png", (4, 6))
    (tmp_path / "text.png").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"x\.png cannot be used: not a readable picture format\."):
        read_hole(tmp_path / "text.png", "x.png", (4, 6))
