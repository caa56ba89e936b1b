"""Scenes: the same pixels everywhere and in any company, what each stream holds, the standard lighthouse."""

from __future__ import annotations

import ast
import hashlib
import math
import pickle
from pathlib import Path

import numpy as np
import pytest

import bench.datasets.scenes
from bench.datasets.registry import open_dataset
from bench.datasets.scenes import front, hills, land, lighthouse, render, sea, sky
from bench.datasets.scenes.canvas import Grid, Values
from bench.datasets.scenes.fractal import texture
from bench.datasets.scenes.moods import DAY
from bench.datasets.scenes.patch import Patch
from bench.datasets.scenes.plan import STRIPED, compose
from bench.util.errors import UsageError


def scenes(indices: list[int], size: int, stream: str = "train", seed: int = 0) -> np.ndarray:
    return render.render(seed, stream, np.array(indices, np.int64), size)


# Frozen once, by eye; suites hold fingerprints of these pixels, so a change of any is a new generator.
@pytest.mark.parametrize(
    ("seed", "stream", "index", "size", "digest"),
    [
        (0, "test", 0, 64, "40ebe46cc792312496641e3edb19fcb436281632549662f23d49492f38f24f8b"),
        (0, "test", 0, 256, "7a416ef8c718a998125e335a43d1e49cb6b0b34c6798d3ce2e43e522589a0697"),
        (0, "train", 5, 64, "e94be381077697cec6f22353972a688ae126a047fcfa4158d3245bdabea6d597"),
        (7, "validation", 11, 100, "a8e80cbcc947c917399a5f98a0ce8ee87de52156ab1d669de921312bc9d8160e"),
    ],
)
def test_pixels_are_those_that_suites_were_fingerprinted_with(
    seed: int, stream: str, index: int, size: int, digest: str
) -> None:
    assert hashlib.sha256(scenes([index], size, stream, seed).tobytes()).hexdigest() == digest


# Everything that is ever painted comes up in 150 scenes; the digests are older than the test.
@pytest.mark.parametrize(
    ("size", "digest"),
    [
        (16, "c135f869f6f467cd2e7a2b9fad27c055375482ea9abfc9ecda94ef2d8e57e1cc"),
        (64, "ef5363ce129ab0fbf66a1d7d3a5462db2df2120342b3a803874fd74d8a80822c"),
    ],
)
def test_all_that_is_painted_looks_as_it_did(size: int, digest: str) -> None:
    assert hashlib.sha256(scenes(list(range(150)), size).tobytes()).hexdigest() == digest


@pytest.mark.parametrize("size", [16, 64])
def test_a_scene_is_the_same_alone_and_in_any_batch(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    together = scenes(list(range(150)), size)
    mixed = [149, 3, 3, 77, 0]
    assert np.array_equal(scenes(mixed, size), together[mixed])
    monkeypatch.setattr(render, "SETTLED_TOGETHER", 40)
    monkeypatch.setattr(render, "CHUNK_PIXELS", 1)
    assert np.array_equal(scenes(list(range(150)), size), together)


@pytest.mark.parametrize("size", [12, 48])
def test_no_layer_paints_outside_the_rows_it_claims(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = scenes(list(range(200)), size)

    def everything(low: object, high: object, size: int) -> slice:
        return slice(0, size)

    def whole(canvas: np.ndarray, v: Values, top: object, bottom: object, grid: Grid) -> Patch:
        nothing, all_of_it = np.zeros(len(v.which)), np.ones(len(v.which))
        return original(canvas, Values(which=v.which, left=nothing, right=all_of_it), nothing, all_of_it, grid)

    original = Patch.around
    for module in (sky, sea, hills, land, lighthouse, front):
        monkeypatch.setattr(module, "span", everything, raising=True)
    monkeypatch.setattr(Patch, "around", staticmethod(whole))
    # Sky is painted below the horizon too, where the sea then covers it.
    with np.errstate(all="ignore"):
        assert np.array_equal(scenes(list(range(200)), size), narrow)


def test_only_exactly_rounded_operations_touch_the_pixels() -> None:
    forbidden = {
        *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "exp", "exp2", "expm1", "log", "log2", "log10"),
        *("log1p", "power", "float_power", "hypot", "cbrt", "tanh", "sinh", "cosh", "interp", "einsum", "matmul"),
        *("dot", "vdot", "inner", "tensordot", "linalg", "fft", "convolve", "sum", "mean", "std", "var", "average"),
        *("cumsum", "prod", "trapezoid", "cv2", "scipy", "torch", "random", "pow"),
    }
    for file in sorted(Path(bench.datasets.scenes.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            assert name not in forbidden, f"{file.name}:{node.lineno} uses {name}"
            if isinstance(node, ast.BinOp):
                assert not isinstance(node.op, ast.Pow | ast.MatMult), f"{file.name}:{node.lineno}"


@pytest.mark.parametrize("stream", ["test", "validation"])
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_the_first_scored_scene_is_a_clear_day_with_stripes_through_the_centre(stream: str, seed: int) -> None:
    plan = compose(seed, stream, np.array([0]))
    assert plan.tower[0] and plan.mood[0] == DAY and plan.paint[0] == STRIPED
    picture = scenes([0], 64, stream, seed)[0].astype(int)
    hole = picture[16:48, 16:48]
    red = (hole[..., 0] > 110) & (hole[..., 1] < 70) & (hole[..., 2] < 70)
    white = (hole.min(axis=2) > 120) & (hole.max(axis=2) - hole.min(axis=2) < 40)
    # Down the column with the most red: red and white take turns, from the hole's top to its bottom.
    column = int(red.sum(axis=0).argmax())
    bands = [("red" if r else "white") for r, w in zip(red[:, column], white[:, column], strict=True) if r or w]
    turns = [band for k, band in enumerate(bands) if k == 0 or band != bands[k - 1]]
    assert turns.count("red") >= 2 and turns.count("white") >= 2
    assert len(bands) >= 24


def test_the_training_stream_has_no_standard_scene() -> None:
    assert not compose(0, "train", np.arange(100)).standard.any()


def test_streams_and_seeds_share_no_picture() -> None:
    every = [
        *scenes(list(range(40)), 16, "train"),
        *scenes(list(range(40)), 16, "validation"),
        *scenes(list(range(40)), 16, "test"),
        *scenes(list(range(40)), 16, "test", seed=1),
    ]
    assert len({picture.tobytes() for picture in every}) == 160


def test_two_thirds_hold_a_lighthouse_and_every_mood_and_paint_comes_up() -> None:
    plan = compose(0, "test", np.arange(4000))
    assert 0.6 < plan.tower.mean() < 0.7
    assert (np.bincount(plan.mood, minlength=4) > 400).all()
    assert (np.bincount(plan.paint[plan.tower], minlength=3) > 400).all()


def test_a_scene_shows_the_same_things_at_every_size() -> None:
    large = scenes(list(range(12)), 256, "test").astype(float)
    small = scenes(list(range(12)), 64, "test").astype(float)
    shrunk = large.reshape(12, 64, 4, 64, 4, 3).mean(axis=(2, 4))
    difference = abs(shrunk - small).mean(axis=(1, 2, 3))
    others = abs(shrunk - np.roll(small, 1, axis=0)).mean(axis=(1, 2, 3))
    assert (difference < 9).all()
    assert (others > 2 * difference).all()


def test_pictures_hold_structure_and_use_the_range() -> None:
    pictures = scenes(list(range(64)), 64)
    assert pictures.min() < 15 and pictures.max() > 245
    assert (pictures.reshape(64, -1).std(axis=1) > 10).all()


def test_textures_tile_and_a_threshold_is_a_share_of_the_area() -> None:
    for name in ("cloud", "veil", "wave", "rock", "turf"):
        table = texture(name, 128)
        assert abs((table < 0.3).mean() - 0.3) < 1e-3
        seam = abs(table[0] - table[-1]).mean(), abs(table[:, 0] - table[:, -1]).mean()
        inside = abs(np.diff(table, axis=0)).mean(), abs(np.diff(table, axis=1)).mean()
        assert seam[0] < 2 * inside[0] and seam[1] < 2 * inside[1], name


def test_stripes_wind_by_the_true_angle_around_the_tower() -> None:
    t = np.linspace(-1, 1, 101, dtype=np.float32)
    expected = [math.asin(float(value)) / (math.pi / 2) for value in t]
    assert np.allclose(lighthouse.turn_of(t), expected, atol=1e-4)


def test_defaults_and_ids() -> None:
    train, test = open_dataset("scenes", "train", 64), open_dataset("scenes")
    assert (len(train), len(test), len(open_dataset("scenes", "validation"))) == (41_000, 256, 256)
    assert test.ids[0] == "scenes-test-00000" and test.ids[-1] == "scenes-test-00255"
    assert train.ids[40_999] == "scenes-train-40999" and train.ids[2:4] == ["scenes-train-00002", "scenes-train-00003"]
    assert test.load(3).shape == (256, 256, 3) and test.load(3).dtype == np.uint8
    assert len(open_dataset("scenes", "train", 64, 100_000)) == 100_000
    with pytest.raises(IndexError):
        train.ids[41_000]


def test_a_data_set_loads_what_the_generator_draws_also_in_a_worker() -> None:
    data = open_dataset("scenes:5", "validation", 32, 20)
    expected = scenes([4, 9], 32, "validation", 5)
    assert np.array_equal(data.batch([4, 9]), expected)
    assert np.array_equal(pickle.loads(pickle.dumps(data)).load(9), expected[1])
    assert data.batch([]).shape == (0, 32, 32, 3)


def test_loading_one_after_the_other_or_in_leaps_gives_the_same_pictures() -> None:
    data = open_dataset("scenes", "train", 16, 200)
    expected = scenes(list(range(120)), 16)
    for i in [*range(70), 3, 4, 5, 119, 36, 37, 0]:
        picture = data.load(i)
        assert np.array_equal(picture, expected[i]), i
        picture[:] = 0


def test_all_of_a_stream_without_end_is_its_test_split() -> None:
    assert list(open_dataset("scenes", "all", 64, 3).ids) == list(open_dataset("scenes", "test", 64, 3).ids)


@pytest.mark.parametrize(
    ("spec", "size", "count", "word"),
    [("scenes:many", 64, 4, "'many'"), ("scenes", 4, 4, "4 px"), ("scenes", 64, 0, "count of 0")],
)
def test_wrong_requests_are_refused_in_a_sentence(spec: str, size: int, count: int, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        open_dataset(spec, "test", size, count)
