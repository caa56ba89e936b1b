"""Filling with every method: scores, colour correction, failures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from bench.demo.cards import printed
from bench.demo.fills import Engine, pasted
from bench.demo.methods import Cast
from bench.methods.load import load_methods
from bench.metrics.declaration import Metric
from tests.bench.demo.conftest import Painter, box_hole
from variants.errors import FillError

HOLE = box_hole((90, 120), 30, 40, 40, 50)


class Broken(Painter):
    def fill(self, images, holes, ids=None, mask=""):
        raise FillError("broken failed on a picture of 32 x 32: RuntimeError: no")


class Nan(Painter):
    def fill(self, images, holes, ids=None, mask=""):
        return np.full(images.shape, np.nan, np.float32)


def test_a_fill_is_scored_against_what_lies_under_the_hole(engine: Engine, picture: np.ndarray) -> None:
    fills = engine.fill(picture, HOLE, 32)
    engine.score(fills, False)
    truth, filled = picture[HOLE], np.full((100, 3), (200, 0, 0), np.uint8)
    expected = peak_signal_noise_ratio(truth, filled, data_range=255)
    assert fills[0].scores[False]["psnr_hole"] == pytest.approx(expected, abs=1e-9)


def test_colour_correction_takes_back_a_constant_error_and_leaves_methods_without_one(picture: np.ndarray) -> None:
    picture = picture // 2 + 20
    engine = Engine(Cast([Painter("right", (60, 60, 60)), Painter("bright", (80, 80, 80), drift=20)], 32))
    right, bright = engine.fill(picture, HOLE, 32)
    assert right.corrected is None
    found = pasted(picture, HOLE, bright, True)
    # 80 with the 20 levels taken back that it is off where the picture is known.
    assert found is not None and (found[HOLE] == 60).all()
    np.testing.assert_array_equal(found[~HOLE], picture[~HOLE])


def test_at_its_own_size_a_fill_is_the_references_own(picture: np.ndarray) -> None:
    telea = load_methods("telea", weights=None)
    engine = Engine(Cast(telea, 128))
    found = pasted(picture, HOLE, engine.fill(picture, HOLE, 128)[0], False)
    raw = telea[0].fill(picture[None], HOLE[None])[0]
    np.testing.assert_array_equal(found, np.where(HOLE[..., None], np.rint(raw * 255).astype(np.uint8), picture))


def test_a_method_that_fails_says_so_and_the_others_fill(red: Painter, picture: np.ndarray) -> None:
    engine = Engine(Cast([Broken("broken", (0, 0, 0)), Nan("nan", (0, 0, 0)), red], 32))
    broken, nan, good = engine.fill(picture, HOLE, 32)
    assert "broken failed on a picture" in broken.problem and broken.small is None
    assert "NaN" in nan.problem
    assert good.problem == "" and good.small is not None
    engine.score([broken, nan, good], False)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (7, 3), (16, 16)])
def test_pictures_of_any_size_are_filled(shape: tuple[int, int]) -> None:
    picture = np.full((*shape, 3), 90, np.uint8)
    engine = Engine(Cast(load_methods("mean_fill", weights=None) + load_methods("telea", weights=None), 64))
    for hole in (np.ones(shape, bool), box_hole(shape, 0, 1, 0, 1)):
        fills = engine.fill(picture, hole, 64)
        engine.score(fills, False)
        assert [fill.problem for fill in fills] == ["", ""]
        assert [pasted(picture, hole, fill, False).shape for fill in fills] == [picture.shape] * 2


def test_two_seeds_of_a_variant_are_told_apart() -> None:
    two = [Painter("red", (1, 1, 1)), Painter("red", (2, 2, 2))]
    two[1].seed = 1
    assert Cast([*two, Painter("blue", (0, 0, 0))], 32).labels == ["red@0", "red@1", "blue"]


def test_scores_are_headed_as_in_the_report_and_an_approximation_is_marked() -> None:
    plain = Metric("worst_error", label="worst error", unit="levels", direction="lower")
    assert printed(plain) == "worst error [levels] ↓"
    assert printed(replace(plain, unit="", approximate=True)) == "worst error ≈ ↓"
