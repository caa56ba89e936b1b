"""Saved pictures tell how they were made, and the fill is repeated from them."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bench
from bench.demo.fills import Engine, repeat
from bench.demo.saved import hole_png, read_hole_png, read_steps, save_png
from bench.demo.visitor import Visitor
from bench.util.errors import UsageError
from tests.bench.demo.conftest import box_hole, claim

HOLE = box_hole((90, 120), 10, 60, 20, 70)


@pytest.fixture
def saved(engine: Engine, picture: np.ndarray, tmp_path: Path) -> Path:
    visitor = Visitor()
    visitor.open(picture, "one")
    for hole, chosen in ((box_hole((90, 120), 70, 80, 90, 100), "red"), (HOLE, "blue")):
        visitor.paint(hole)
        visitor.fills = engine.fill(visitor.picture, hole, 32)
        visitor.chosen, visitor.corrected = chosen, chosen == "blue"
        if chosen == "red":
            visitor.confirm()
    result = visitor.result()
    assert result is not None
    file = tmp_path / "saved.png"
    file.write_bytes(save_png(*result))
    return file


def test_the_file_names_methods_weights_holes_and_version(saved: Path) -> None:
    with Image.open(saved) as image:
        facts = json.loads(image.info["inpaint-bench"])
    assert facts["version"] == bench.__version__
    assert [step["method"] for step in facts["steps"]] == ["red", "blue"]
    assert facts["steps"][1]["weights_sha256"] == "blue" * 3
    assert [step["corrected"] for step in facts["steps"]] == [False, True]
    np.testing.assert_array_equal(read_steps(saved)[1].hole, HOLE)


def test_the_fill_is_repeated_from_the_file_to_the_bit_whatever_is_in_the_hole(saved: Path, engine: Engine) -> None:
    picture = np.asarray(Image.open(saved))
    spoilt = np.where(HOLE[..., None], np.uint8(7), picture)
    np.testing.assert_array_equal(repeat(spoilt, read_steps(saved)[-1], engine), picture)


def test_what_lay_under_the_hole_is_not_in_the_file(engine: Engine, tmp_path: Path) -> None:
    secret = b"\x13\x37\xc0\xde\xfa\xce" * 40
    picture = np.full((90, 120, 3), 50, np.uint8)
    picture[20, 20:100] = np.frombuffer(secret, np.uint8).reshape(80, 3)
    visitor = Visitor()
    visitor.open(picture, "one")
    visitor.paint(box_hole((90, 120), 15, 25, 15, 105))
    visitor.fills = engine.fill(picture, visitor.hole, 32)
    result = visitor.result()
    assert result is not None
    with Image.open(io.BytesIO(save_png(*result))) as image:
        pixels, text = image.tobytes(), str(image.info).encode()
    assert secret[:6] not in pixels and secret[:6] not in text


def test_a_file_by_other_weights_is_not_repeated(saved: Path, engine: Engine) -> None:
    engine.cast.methods[1].weights_sha256 = "other"
    with pytest.raises(UsageError, match="weights that are not loaded"):
        repeat(np.asarray(Image.open(saved)), read_steps(saved)[-1], engine)


@pytest.mark.parametrize(
    "facts",
    [
        "",
        "{}",
        "[]",
        '{"schema": 1, "steps": 3}',
        '{"schema": 2, "steps": []}',
        '{"schema": 1, "steps": [{"hole": "x"}]}',
    ],
)
def test_a_file_that_tells_nonsense_is_a_picture_like_any_other(facts: str, tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    about = PngInfo()
    about.add_itxt("inpaint-bench", facts)
    file = tmp_path / "odd.png"
    Image.new("RGB", (9, 9)).save(file, pnginfo=about)
    assert read_steps(file) == []


def test_a_hole_survives_its_file() -> None:
    np.testing.assert_array_equal(read_hole_png(hole_png(HOLE)), HOLE)


def test_of_strokes_what_is_more_opaque_than_not_is_missing() -> None:
    strokes = np.zeros((2, 2, 4), np.uint8)
    strokes[0] = (224, 33, 138, 255)
    strokes[1] = (224, 33, 138, 127)
    stream = io.BytesIO()
    Image.fromarray(strokes).save(stream, "PNG")
    assert read_hole_png(stream.getvalue()).tolist() == [[True, True], [False, False]]


@pytest.mark.parametrize("data", [b"not a png", b"", claim(60_000, 60_000)])
def test_what_is_no_hole_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(UsageError, match="could not be read"):
        read_hole_png(data)


def test_a_file_that_asks_for_a_fill_of_huge_size_is_a_picture_like_any_other(saved: Path) -> None:
    made = read_steps(saved)[-1]
    for size, kept in ((1024, 1), (1025, 0), (10**9, 0), (0, 0)):
        saved.write_bytes(save_png(np.asarray(Image.open(saved)), [replace(made, size=size)]))
        assert len(read_steps(saved)) == kept
