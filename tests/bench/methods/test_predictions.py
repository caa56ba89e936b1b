"""Folders of finished pictures: paired by name, refused where they are not what was asked for."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image

from bench.methods.load import load_all, load_methods
from bench.methods.predictions import Predictions, settle_layout
from bench.stages.outcome import Outcome
from bench.util.errors import UsageError
from variants.errors import ExternalError
from variants.method import joined


def one(spec: str):
    return load_methods(spec, weights=None)[0]


def picture(height: int = 6, width: int = 9) -> tuple[np.ndarray, np.ndarray]:
    image = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), dtype=np.uint8)
    hole = np.zeros((1, height, width), bool)
    hole[:, 2:, 3:5] = True
    return image, hole


def save(folder, name: str, value: int, size: tuple[int, int] = (9, 6)) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, value, value)).save(folder / name)


def test_finished_pictures_are_paired_by_name_and_problems_are_named(tmp_path):
    folder = tmp_path / "model" / "rect"
    folder.mkdir(parents=True)
    # Written in another order than asked for: pairing by order would swap them.
    for name, value in (("b", 20), ("a", 10)):
        Image.fromarray(np.full((16, 16, 3), value, np.uint8)).save(folder / f"{name}.png")
    Image.fromarray(np.zeros((8, 16, 3), np.uint8)).save(folder / "small.png")
    (folder / "broken.png").write_bytes(b"not a picture")
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(folder / "stray.png")
    method = one(f"predictions:{tmp_path}")
    assert method.name == "model"
    image, hole = picture(16, 16)
    ids = ["a", "b", "small", "broken", "gone"]
    raw = method.fill(np.repeat(image, 5, 0), np.repeat(hole, 5, 0), ids, "rect")
    assert [round(float(r[0, 0, 0]) * 255) if np.isfinite(r).all() else None for r in raw] == [
        10,
        20,
        None,
        None,
        None,
    ]
    assert method.findings().problems["rect", "gone"] == "missing"
    assert method.findings().problems["rect", "small"] == "wrong size: 16×8, not 16×16"
    assert method.findings().problems["rect", "broken"].startswith("unreadable")
    assert method.findings().extra == ["rect/stray.png"]


def test_a_finished_pictures_levels_are_its_own(tmp_path):
    save(tmp_path / "fills" / "rect", "a.png", 255)
    method = one(f"predictions:{tmp_path / 'fills'}")
    image, hole = picture()
    assert (method.fill(image, hole, ["a"], "rect") == 1.0).all()
    assert (method.name, method.gives_raw, method.findings().extra) == ("fills", False, [])


@pytest.mark.parametrize("size", [(8, 6), (9, 5), (6, 9), (10, 7)])
def test_finished_pictures_of_another_size_are_never_scored(tmp_path, size):
    save(tmp_path / "rect", "a.png", 255, size)
    method = one(f"predictions:{tmp_path}")
    assert np.isnan(method.fill(*picture(), ["a"], "rect")).all()
    assert method.findings().problems["rect", "a"] == f"wrong size: {size[0]}×{size[1]}, not 9×6"


def test_a_folder_of_folders_is_a_method_each(tmp_path):
    for name, value in (("b", 20), ("a", 10)):
        save(tmp_path / name / "rect", "x.png", value)
    methods = load_methods(f"predictions:{tmp_path}", weights=None)
    assert [method.name for method in methods] == ["a", "b"]
    raw = [method.fill(*picture(), ["x"], "rect")[0, 0, 0, 0] for method in methods]
    assert raw == pytest.approx([10 / 255, 20 / 255])


def test_folders_of_mask_types_are_one_method_whatever_else_lies_there(tmp_path):
    save(tmp_path / "fills" / "rect", "x.png", 10)
    save(tmp_path / "fills" / "old" / "circle", "x.png", 10)
    assert [method.name for method in load_methods(f"predictions:{tmp_path / 'fills'}", weights=None)] == ["fills"]


def test_an_empty_folder_is_no_method(tmp_path):
    with pytest.raises(ExternalError, match="contains no pictures"):
        one(f"predictions:{tmp_path}")


def fills(folder, *names: str) -> None:
    for name in names:
        save((folder / name).parent, (folder / name).name, 7)


def settled(masks: tuple[str, ...], *specs: str) -> dict[str, list[str]]:
    """Name -> which of two fills of a picture with a folder in its id each method has."""
    methods = settle_layout(load_all(specs, None, None, "cpu"), masks)
    return {method.name: [mask for mask in masks if method.find(mask, "ffhq/1")] for method in methods}


def test_mask_folders_of_ids_with_folders_are_one_method_under_the_name_given(tmp_path):
    fills(tmp_path / "a", "rect/ffhq/1.png", "circle/ffhq/1.png")
    fills(tmp_path / "b", "rect/ffhq/1.png", "circle/ffhq/1.png")
    masks = ("rect", "circle")
    one, two = f"predictions:{tmp_path}/a", f"predictions:{tmp_path}/b"
    assert settled(masks, one) == {"a": ["rect", "circle"]}
    assert settled(masks, f"us={one}") == {"us": ["rect", "circle"]}
    assert settled(masks, one, two) == {"a": ["rect", "circle"], "b": ["rect", "circle"]}
    assert settled(masks, f"x={one}", f"y={one}") == {"x": ["rect", "circle"], "y": ["rect", "circle"]}


def test_one_name_for_several_variants_is_refused_and_so_are_namesakes(tmp_path):
    fills(tmp_path / "a", "mine/rect/ffhq/1.png", "yours/rect/ffhq/1.png")
    spec = f"predictions:{tmp_path}/a"
    assert settled(("rect",), spec) == {"mine": ["rect"], "yours": ["rect"]}
    with pytest.raises(ExternalError, match="'us' names 2 methods at once"):
        settled(("rect",), f"us={spec}")
    with pytest.raises(UsageError, match="mine with seed 0 is named twice"):
        settled(("rect",), spec, f"mine=predictions:{tmp_path}/a/yours")


def found(folder, mask: str, image_id: str, pattern: str = "", flat: bool = False) -> str | None:
    method = Predictions("m", folder, pattern)
    method.flat = flat
    file = method.find(mask, image_id)
    return None if file is None else file.relative_to(folder).as_posix()


def test_of_a_fill_that_is_there_twice_the_one_that_lost_nothing_is_taken(tmp_path):
    fills(
        tmp_path,
        "rect/a.jpg",
        "rect/a.png",
        "rect/b.webp",
        "rect/b.jpeg",
        "rect/c.gif",
        "rect/c.tif",
        "circle/a.bmp",
        "circle/c.bmp",
        "circle/c.png",
    )
    assert found(tmp_path, "circle", "c") == "circle/c.png"
    assert found(tmp_path, "rect", "a") == "rect/a.png"
    assert found(tmp_path, "rect", "b") == "rect/b.jpeg", "of two that lost something the first"
    assert found(tmp_path, "rect", "c") == "rect/c.tif"
    assert found(tmp_path, "circle", "a") == "circle/a.bmp"
    assert found(tmp_path, "circle", "b") is None
    # An id that names its ending means that file alone, unless the fill is called by the whole id.
    fills(tmp_path, "square/a.png", "square/a.png.png")
    assert found(tmp_path, "square", "a") == "square/a.png"
    assert found(tmp_path, "square", "a.png") == "square/a.png.png"
    assert found(tmp_path, "rect", "a.jpg") == "rect/a.jpg"
    assert found(tmp_path, "rect", "a.bmp") is None


def test_files_are_called_by_the_pattern_and_lie_in_the_folder_itself_where_it_is_flat(tmp_path):
    fills(tmp_path, "rect/case1_out.png", "case1_out.png", "1.png")
    assert found(tmp_path, "rect", "1", "case{id}_out.png") == "rect/case1_out.png"
    assert found(tmp_path, "rect", "1", "case{id}_out.png", flat=True) == "case1_out.png"
    assert found(tmp_path, "rect", "1", flat=True) == "1.png"
    assert found(tmp_path, "rect", "1") is None


def test_a_digest_is_of_what_was_asked_for_in_its_order_and_of_what_is_missing(tmp_path):
    fills(tmp_path, "rect/a.png", "circle/a.png", "rect/stray.png")
    content = hashlib.sha256((tmp_path / "rect/a.png").read_bytes()).hexdigest()
    wanted = [("rect", "a"), ("rect", "gone")]
    text = f"rect/a {content}\nrect/gone missing\n"
    assert Predictions("m", tmp_path).digest(wanted) == hashlib.sha256(text.encode()).hexdigest()
    before = Predictions("m", tmp_path).digest(wanted)
    save(tmp_path / "rect", "stray.png", 9)
    assert Predictions("m", tmp_path).digest(wanted) == before, "what nobody asked for has no say"
    save(tmp_path / "rect", "a.png", 9)
    assert Predictions("m", tmp_path).digest(wanted) != before
    assert Predictions("m", tmp_path).digest(wanted[::-1]) != Predictions("m", tmp_path).digest(wanted)


def test_what_was_looked_at_for_a_digest_is_no_extra(tmp_path):
    fills(tmp_path, "rect/a.png", "rect/stray.png")
    (tmp_path / "rect" / "notes.txt").write_text("x")
    method = Predictions("m", tmp_path)
    method.digest([("rect", "a")])
    assert "rect/a.png" not in method.findings().extra and "rect/stray.png" in method.findings().extra


def test_a_folder_says_what_it_is(tmp_path):
    folder = tmp_path / "my fills"
    fills(folder, "rect/a.png")
    (method,) = load_methods(f"predictions:{folder}?name=x{{id}}.png", weights=None)
    assert (method.name, method.summary, method.convention) == (
        *("my_fills", "finished pictures in my fills"),
        "name=x{id}.png",
    )
    (method,) = load_methods(f"predictions:{folder}", weights=None)
    assert method.convention == ""


def test_a_folder_without_the_only_mask_type_holds_its_fills_itself(tmp_path):
    fills(tmp_path / "flat", "x.png", "y.png")
    fills(tmp_path / "deep", "rect/x.png")
    specs = [f"predictions:{tmp_path}/{name}" for name in ("flat", "deep")]
    methods = settle_layout(load_all(specs, None, None, "cpu"), ("rect",))
    assert [(method.name, method.flat) for method in methods] == [("flat", True), ("deep", False)]
    assert [method.find("rect", "x").name for method in methods] == ["x.png", "x.png"]
    methods = settle_layout(load_all(specs, None, None, "cpu"), ("rect", "circle"))
    assert not any(method.flat for method in methods), "of two mask types neither is the only one"


def test_names_that_differ_in_case_alone_are_namesakes(tmp_path):
    fills(tmp_path / "a", "rect/x.png")
    spec = f"predictions:{tmp_path}/a"
    with pytest.raises(UsageError, match="ME with seed 0 is named twice: give one another name, 'other=ME'"):
        load_all([f"me={spec}", f"ME={spec}"], None, None, "cpu")
    assert [m.name for m in load_all([f"me={spec}", f"us={spec}"], None, None, "cpu")] == ["me", "us"]


def test_a_folder_called_like_a_mask_type_and_methods_of_other_kinds_are_left_as_they_are(tmp_path):
    fills(tmp_path / "rect", "circle/x.png", "rect/x.png")
    methods = load_all([f"predictions:{tmp_path}/rect", "telea"], None, None, "cpu")
    assert settle_layout(methods, ("rect", "circle")) == methods
    assert methods[0].find("circle", "x").parent.name == "circle"


def test_a_file_that_no_reader_takes_is_named_with_its_reason_and_is_not_extra(tmp_path):
    save(tmp_path / "rect", "a.png", 10)
    save(tmp_path / "rect", "b.png", 10)
    (tmp_path / "rect" / "c.heic").touch()
    method = one(f"predictions:{tmp_path}")
    method.find("rect", "a")
    found = method.findings()
    assert found.extra == ["rect/b.png"]
    assert found.unread == {"rect/c.heic": "HEIC is not read: convert it to PNG or JPEG"}
    outcome = Outcome()
    outcome.note_findings(method, joined([found, found]))
    assert outcome.listed[method.label] == [
        "rect/c.heic: cannot be read (HEIC is not read: convert it to PNG or JPEG)",
        "rect/b.png: extra, belongs to no picture of the suite",
    ]
