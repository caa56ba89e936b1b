"""When another way of calling a model is spoken of: by how much it must fill better, and what is believed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.methods import hints
from bench.methods.callable import CallableMethod
from bench.methods.hints import ahead, hint
from bench.methods.keys import Keys
from bench.methods.probe import Tried
from bench.methods.spec import Spec

IMAGE = np.random.default_rng(0).integers(60, 196, (12, 10, 3), dtype=np.uint8)
HOLE = np.zeros((12, 10), bool)
HOLE[3:8, 2:6] = True
PICTURES = [(IMAGE, HOLE), (IMAGE[::-1].copy(), HOLE), (IMAGE[:, ::-1].copy(), HOLE), (255 - IMAGE, HOLE)]
BGR, SIGNED, GREY, KEEP = Keys(channels="bgr"), hints.SIGNED, Keys(blank="0.5"), Keys(blank="keep")


def model(function: Any = lambda x, h: x * (1 - h) + 0.4 * h, facts: Keys | None = None, **keys: Any) -> CallableMethod:
    return CallableMethod("m", function, spec=Spec("python", "m.py:f", Keys(**keys)), facts=facts)


def way(
    keys: Keys | None = None, hole: float = 20.0, known: float = 40.0, *, changed: bool = True, spread: float = 0.0
):
    """What came of a way on four pictures, whose scores lie ``spread`` apart."""
    score = (hole + min(known, 40)) / 2 - (0 if changed else 20)
    return Tried(keys or Keys(), 1.0, hole, known, changed, tuple(score + spread * k for k in (-3, -1, 1, 3)))


@pytest.fixture
def told(monkeypatch):
    """The hint where the plain way and others come to so much; ``asked``: what was tried."""
    asked: list[Keys] = []

    def tell(*ways: Tried, plain: Tried | None = None, method: CallableMethod | None = None, pictures: Any = PICTURES):
        by_keys = {one.keys: one for one in (plain or way(), *ways)}

        def tried(method: CallableMethod, keys: Keys, pictures: Any) -> Tried | None:
            asked.append(keys)
            return by_keys.get(keys)

        monkeypatch.setattr(hints, "tried", tried)
        monkeypatch.setattr(hints, "time", SimpleNamespace(perf_counter=lambda: 0.0))
        asked.clear()
        return hint(method or model(), pictures)

    tell.asked = asked  # type: ignore[attr-defined]
    return tell


@pytest.mark.parametrize(("hole", "spoken"), [(20.3, True), (20.12, True), (20.09, False), (19.0, False)])
def test_a_tenth_of_a_db_in_the_hole_is_spoken_of(told, hole, spoken):
    found = told(way(BGR, hole))
    if spoken:
        assert found.startswith(f"m fills {hole - 20:.1f} dB better when called otherwise")
        assert found.endswith(": write 'python:m.py:f?channels=bgr'")
    else:
        assert found == ""


def test_what_is_lost_on_known_pixels_counts_against_it():
    # In the hole 2 dB are gained, of known pixels 1.5 lost: twice the score is what is left of it.
    assert ahead(way(BGR, 22.0, 38.5), way(hole=20.0)) == pytest.approx(0.5)
    assert ahead(way(BGR, 22.0, 40.0), way(hole=20.0)) == pytest.approx(2)
    assert ahead(way(BGR, 22.0, 40.0), way(hole=20.0, known=30.0)) == pytest.approx(2), "gains there are no reason"


def test_the_best_of_several_is_told(told):
    assert told(way(BGR, 21.0), way(GREY, 22.0), way(SIGNED, 21.5)).endswith("f?blank=0.5'")


def test_one_that_leaves_the_hole_or_differs_within_what_pictures_tell_is_not(told):
    assert told(way(BGR, 22.0, changed=False)) == ""
    # From picture to picture it is ahead by 0.15, give or take twice 0.13.
    assert told(way(BGR, 20.3, spread=0.1)) == ""
    assert told(way(BGR, 20.3, spread=0.01)) != ""


def test_the_truth_under_the_hole_is_told_only_of_a_model_that_does_not_copy_it(told):
    assert told(way(KEEP, 25.0)).endswith("f?blank=keep'")
    copies = model(lambda x, h: x)
    assert told(way(KEEP, 25.0), way(BGR, 21.0), method=copies).endswith("f?channels=bgr'")
    assert told(way(KEEP, 25.0), method=copies) == ""


@pytest.mark.parametrize(
    ("method", "left"),
    [
        (model(), [SIGNED, GREY.or_else(SIGNED), GREY, Keys(blank="mean"), KEEP, BGR]),
        (model(blank="0"), [SIGNED, BGR]),
        (model(low_high_out=(0.0, 1.0)), [GREY, Keys(blank="mean"), KEEP, BGR]),
        (model(facts=Keys(channels="rgb")), [SIGNED, GREY.or_else(SIGNED), GREY, Keys(blank="mean"), KEEP]),
        (model(facts=Keys(dtype="uint8")), [GREY, Keys(blank="mean"), KEEP, BGR]),
    ],
)
def test_what_is_said_or_told_by_the_file_is_believed(told, method, left):
    told(method=method)
    assert told.asked == [Keys(), Keys(), *left]


def test_nothing_is_tried_where_nothing_is_left_or_too_little_is_known(told):
    for method in (model(blank="0", channels="rgb", low_high_in=(0.0, 1.0)), model(lambda x, h, ids: x)):
        assert told(way(BGR, 25.0), method=method) == "" and told.asked == []
    assert told(way(BGR, 25.0), pictures=PICTURES[:1]) == "" and told.asked == []
    assert told(way(BGR, 25.0), pictures=PICTURES[:2]) != ""


def test_a_model_that_fails_or_is_slow_is_called_no_further(told, monkeypatch):
    asked = []

    def calls(seconds: float, answers: list[Tried | None]) -> int:
        asked.clear()
        now = iter([0.0, seconds])
        left = iter(answers)
        monkeypatch.setattr(hints, "time", SimpleNamespace(perf_counter=lambda: next(now)))
        monkeypatch.setattr(hints, "tried", lambda method, keys, pictures: asked.append(keys) or next(left))
        assert hint(model(), PICTURES) == ""
        return len(asked)

    good = way()
    assert calls(0.16, [good] * 8) == 1
    assert calls(0.14, [good] * 8) == 8
    assert calls(0.0, [None]) == 1
    assert calls(0.0, [good, None, *[way(BGR, 25.0)] * 6]) == 8


def test_a_way_counts_only_if_it_runs_as_it_is_on_every_picture():
    found = hints.tried(model(), GREY, PICTURES)
    assert found is not None and found.keys == GREY and len(found.scores) == 4
    expected = [10 * np.log10(1 / np.square(0.4 - image[HOLE] / 255).mean()) for image, _ in PICTURES]
    assert found.hole_psnr == pytest.approx(np.mean(expected), rel=1e-3)

    assert hints.tried(model(lambda x, h: 1 / 0), GREY, PICTURES) is None
    assert hints.tried(model(lambda x, h: x * float("inf")), GREY, PICTURES) is None
    assert hints.tried(model(lambda x, h: (h, x)), GREY, PICTURES) is None, "it needs output=1 as well"
