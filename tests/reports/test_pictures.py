"""Pictures in the page: what is laid over the truth is the fill, pixel by pixel."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from bench.runs.reader import Run
from reports.colour_shift import floor_of
from reports.grids import encoded, grid, within_budget
from reports.numbers import Numbers
from reports.pictures import Tally, outline, scene


def decode(uri: str) -> np.ndarray:
    head, _, body = uri.partition(",")
    assert head == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(body))).convert("RGBA"))


def laid_over(layer: str, truth: str) -> np.ndarray:
    top, under = decode(layer), decode(truth)[..., :3]
    return np.where(top[..., 3:] == 255, top[..., :3], under)


def sample(folder: Path, size: int = 32) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    truth = random.integers(0, 256, (size, size, 3), np.uint8)
    hole = np.zeros((size, size), bool)
    hole[8:20, 4:12] = True
    fill = np.where(hole[..., None], random.integers(0, 256, truth.shape, np.uint8), truth)
    for name, picture in (("t", truth), ("h", hole.astype(np.uint8) * 255), ("f", fill)):
        Image.fromarray(picture).save(folder / f"{name}.png")
    return truth, hole, fill


def test_small_pictures_come_back_bit_for_bit(tmp_path: Path) -> None:
    truth, _, fill = sample(tmp_path)
    found = scene(tmp_path, "t.png", "h.png", {("a", "filled"): "f.png"}, Tally())
    assert found is not None
    assert found.exact
    np.testing.assert_array_equal(decode(found.truth.uri)[..., :3], truth)
    np.testing.assert_array_equal(laid_over(found.layers["a", "filled"].uri, found.truth.uri), fill)


def test_raw_output_is_near_enough_where_it_is_compressed(tmp_path: Path) -> None:
    y, x = np.mgrid[0:64, 0:64]
    smooth = np.dstack([2 * x + 60, 2 * y + 60, x + y + 60]).astype(np.uint8)
    Image.fromarray(smooth // 2).save(tmp_path / "t.png")
    Image.fromarray(((x > 20) & (y > 20)).astype(np.uint8) * 255).save(tmp_path / "h.png")
    Image.fromarray(smooth).save(tmp_path / "r.png")
    found = scene(tmp_path, "t.png", "h.png", {("a", "raw"): "r.png"}, Tally())
    assert found is not None
    error = np.abs(decode(found.layers["a", "raw"].uri)[..., :3].astype(int) - smooth)
    assert error.mean() < 3


def test_known_pixels_that_a_fill_changed_are_shown_changed(tmp_path: Path) -> None:
    _, _, fill = sample(tmp_path)
    changed = fill.copy()
    changed[0, 0] = 255 - changed[0, 0]
    Image.fromarray(changed).save(tmp_path / "c.png")
    found = scene(tmp_path, "t.png", "h.png", {("a", "filled"): "c.png"}, Tally())
    assert found is not None
    np.testing.assert_array_equal(laid_over(found.layers["a", "filled"].uri, found.truth.uri), changed)


def test_a_broken_or_missing_fill_is_left_out_and_the_rest_is_shown(tmp_path: Path) -> None:
    sample(tmp_path)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    files = {("a", "filled"): "f.png", ("b", "filled"): "broken.png", ("c", "filled"): "absent.png"}
    found = scene(tmp_path, "t.png", "h.png", files, Tally())
    assert found is not None
    assert list(found.layers) == [("a", "filled")]
    assert scene(tmp_path, "absent.png", "h.png", files, Tally()) is None


def test_the_outline_runs_between_hole_and_known_pixels() -> None:
    hole = np.zeros((4, 5), bool)
    hole[1:3, 1:4] = True
    parts = set(outline(hole).replace("M", "|M").strip("|").split("|"))
    assert parts == {"M1 1H4", "M1 3H4", "M1 1V3", "M4 1V3"}
    assert outline(np.ones((3, 3), bool)) == ""


def test_a_large_picture_is_reduced_and_says_so(tmp_path: Path) -> None:
    truth = np.zeros((900, 1800, 3), np.uint8)
    hole = np.zeros((900, 1800), np.uint8)
    hole[300:600, 600:1200] = 255
    for name, picture in (("t", truth), ("h", hole), ("f", truth + hole[..., None])):
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    found = scene(tmp_path, "t.png", "h.png", {("a", "filled"): "f.png"}, Tally())
    assert found is not None
    assert (found.width, found.height, found.reduced, found.exact) == (640, 320, True, False)
    layer = decode(found.layers["a", "filled"].uri)
    assert layer[160, 320, :3].min() > 240
    assert layer[20, 20, 3] == 0


def test_a_page_over_its_budget_keeps_the_lighthouse_grid(small: Run) -> None:
    rows = grid(Numbers(small), encoded(small, Tally()))
    lightest = sum(row.scene.weight for row in rows if row.rule == "standard")
    kept = within_budget(rows, lightest)
    assert {row.rule for row in kept} == {"standard"}
    assert [row.index for row in kept] == list(range(len(kept)))
    assert [row.rule for row in within_budget(rows, 10**9)] == [row.rule for row in rows]


def counts_of(truth: np.ndarray, fill: np.ndarray) -> np.ndarray:
    grey = [np.repeat(v.reshape(-1, 1), 3, axis=1).astype(np.uint8) for v in (truth, fill)]
    tally = Tally()
    tally.add("a", *grey)
    return tally.counts["a"]


def test_a_method_that_cannot_paint_dark_is_flagged() -> None:
    truth = np.arange(256).repeat(20)
    floor = floor_of("a", counts_of(truth, np.maximum(truth, 118)))
    assert floor is not None
    assert round(floor.luma * 255) == 118
    assert abs(floor.share - 118 / 256) < 0.01


def test_a_blurred_or_a_right_method_is_not_flagged() -> None:
    truth = np.arange(256).repeat(20)
    assert floor_of("a", counts_of(truth, truth)) is None
    blurred = 128 + (truth - 128) * 0.5 + np.random.default_rng(0).normal(0, 8, truth.shape)
    assert floor_of("a", counts_of(truth, np.clip(blurred, 0, 255))) is None
