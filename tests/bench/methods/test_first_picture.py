"""A look at a model's first fill: which range its answer is in, by hand, and which pictures are looked at."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from bench.methods.callable import CallableMethod
from bench.methods.first_picture import bare, check_convention, check_first, told_drift, value_range
from bench.methods.keys import Keys
from bench.methods.spec import Spec
from variants.errors import ExternalError

IMAGE = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
HOLE = np.zeros((16, 16), bool)
HOLE[4:12, 4:10] = True
TRUTH = IMAGE / np.float32(255)


def model(function: Any, **keys: Any) -> CallableMethod:
    return CallableMethod("m", function, spec=Spec("python", "m.py:f", Keys(**keys)))


def ranged(raw: np.ndarray, integers: bool = False, **keys: Any) -> tuple[float, float] | None:
    found = value_range(model(lambda x, h: x, **keys), raw.astype(np.float32), TRUTH, HOLE, integers)
    return None if found is None else found[1].low_high_out


@pytest.mark.parametrize(
    ("raw", "integers", "expected"),
    [
        (TRUTH, False, None),
        (TRUTH * 255, False, (0.0, 255.0)),
        (TRUTH * 2 - 1, False, (-1.0, 1.0)),
        # An integer answer is read as 0 to 255: of 0 to 1 it is next to black.
        (TRUTH / 255, True, (0.0, 1.0)),
        (TRUTH, True, None),
        # As it is it is a little off, and better in no other range.
        (np.clip(TRUTH + 0.1, 0, 1), False, None),
        # Whatever it shows, it lies beyond black and white nearly everywhere.
        (np.full_like(TRUTH, 200.0), False, (0.0, 255.0)),
        (np.where(HOLE[..., None], 100.0, TRUTH), False, None),
        (np.full_like(TRUTH, 1e5), False, None),  # and so it does in every range
    ],
)
def test_the_range_is_the_one_that_gives_the_known_pixels_back(
    raw: np.ndarray, integers: bool, expected: tuple[float, float] | None
) -> None:
    assert ranged(raw, integers) == expected
    assert ranged(raw, integers, low_high_out=(0.0, 1.0)) is None, "what was said is believed"


def share_outside(share: float, value: float) -> np.ndarray:
    """A picture of 200s (a fine level of 255), but for a share of pixels that read well as they are."""
    raw = np.full(TRUTH.shape, value, np.float32)
    raw.reshape(-1)[: round(raw.size * (1 - share))] = 0.5
    return raw


def test_nine_tenths_must_lie_beyond_black_and_white() -> None:
    # The known pixels are no nearer in either range, so only the share decides.
    assert ranged(share_outside(0.93, 130.0)) == (0.0, 255.0)
    level = np.full_like(TRUTH, 1.06)
    assert ranged(share_outside(0.85, 1.06)) is None
    assert ranged(level) == (0.0, 255.0)
    assert ranged(np.full_like(TRUTH, 1.04)) is None
    assert ranged(np.full_like(TRUTH, -0.06)) == (0.0, 255.0)
    assert ranged(np.full_like(TRUTH, -0.04)) is None


@pytest.mark.parametrize(
    ("level", "off", "told"),
    [
        # Of -1 to 1, read as 0 to 1: off by 1 - level less twice what it is off.
        (0.5, 0.0, True),
        (0.5, 0.07, True),  # 0.36 against 0.07
        (0.5, 0.09, False),  # 0.32 against 0.09
        (0.97, 0.0, False),  # known pixels off by less than a twentieth are not repainted
        (0.94, 0.0, True),
    ],
)
def test_another_range_must_bring_repainted_pixels_four_times_nearer(level: float, off: float, told: bool) -> None:
    truth = np.full_like(TRUTH, level)
    found = value_range(model(lambda x, h: x), (truth + off) * 2 - 1, truth, HOLE, False)
    assert (found is not None) is told
    if found is not None:
        assert found[1] == Keys(low_high_out=(-1.0, 1.0))


def test_it_is_told_with_its_values_and_what_to_write() -> None:
    with pytest.raises(ExternalError, match=r"^m returned values from .* to 255: write 'python:m.py:f\?out=0,255'$"):
        check_convention(model(lambda x, h: x * 255), (np.maximum(IMAGE, 255 * (IMAGE > 250)), HOLE))


def test_all_that_must_be_said_is_told_at_once() -> None:
    """A model whose mask comes first, is 1 where known, and that gives 0 to 255: all keys are in the line to write."""

    def three(h: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        assert h.shape[1] == 1 and x.shape[1] == 3
        return torch.where(h > 0, x, torch.full_like(x, 0.5)) * 255

    with pytest.raises(ExternalError) as told:
        check_convention(model(three), (IMAGE, HOLE))
    line = str(told.value).partition("m.py:f?")[2]
    assert line.endswith("'")
    assert set(line[:-1].split("&")) == {"order=mask,picture", "hole=0", "out=0,255"}
    said = model(three, order="mask,picture", hole=0, low_high_out=(0.0, 255.0))
    assert check_convention(said, (IMAGE, HOLE)) < 1


def test_an_answer_that_is_not_finite_is_left_to_the_scores() -> None:
    assert np.isnan(check_convention(model(lambda x, h: x * float("nan")), (IMAGE, HOLE)))
    assert np.isnan(check_convention(model(lambda x, h: torch.where(h > 0, x / 0, x * 255)), (IMAGE, HOLE)))


@pytest.mark.parametrize(
    ("keys", "image", "refused"),
    [
        ({}, IMAGE, True),
        ({"hole": 1}, IMAGE, False),  # with a key said, it is believed
        ({}, IMAGE // 16, False),  # what is of one colour nearly may stay so
    ],
)
def test_one_colour_is_refused_where_the_picture_has_several(keys: dict[str, Any], image: np.ndarray, refused: bool):
    grey = model(lambda x, h: x * 0 + 0.02, **keys)
    if refused:
        with pytest.raises(ExternalError, match="returned a single colour everywhere"):
            check_convention(grey, (image, HOLE))
    else:
        check_convention(grey, (image, HOLE))


def turned(x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
    """Its mask is 1 where known: it fills what it takes for the hole with grey."""
    return torch.where(h > 0, x, torch.full_like(x, 0.5))


@pytest.mark.parametrize(
    ("keys", "write"),
    [({}, "hole=0"), ({"blank": "0.5"}, "blank=0.5&hole=0|hole=0&blank=0.5"), ({"hole": 1}, ""), ({"hole": 0}, "")],
)
def test_a_mask_read_the_other_way_round_is_told_unless_the_user_said(keys: dict[str, Any], write: str) -> None:
    def inverted(x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        return turned(x, h)

    if write:
        with pytest.raises(ExternalError, match=rf"repainted the known pixels .*\?({write})'$"):
            check_convention(model(lambda x, h: torch.where(h > 0, x, x * 0 + 0.9), **keys), (IMAGE, HOLE))
    else:
        check_convention(model(inverted, **keys), (IMAGE, HOLE))


def test_a_model_that_repaints_either_way_is_no_case_of_a_turned_mask() -> None:
    assert check_convention(model(lambda x, h: x * 0.5 + 0.3 * (x > 0)), (IMAGE, HOLE)) > 10


@pytest.mark.parametrize(("low", "high", "write"), [(0.0, 255.0, "range=0,255"), (-1.0, 1.0, None)])
def test_a_fill_far_beyond_white_beside_known_pixels_that_come_back_is_in_another_range(
    low: float, high: float, write: str | None
) -> None:
    def copies(x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        return x * (1 - h) + h * (low + 0.6 * (high - low))  # the hole at six tenths of the range that it works in

    if write is None:
        # 0.2 is a value of the plain range too.
        check_convention(model(copies), (IMAGE, HOLE))
        return
    said = rf"m returned values from 0 to 153 in the hole: write 'python:m\.py:f\?{write}'"
    with pytest.raises(ExternalError, match=said):
        check_convention(model(copies), (IMAGE, HOLE))
    check_convention(model(copies, low_high_out=(0.0, 1.0)), (IMAGE, HOLE))  # what was said is believed


@pytest.mark.parametrize(("level", "refused"), [(1e5, True), (-1.1, True), (2.1, True), (1.9, False), (-0.9, False)])
def test_a_fill_that_no_range_explains_is_refused_where_it_would_be_clipped_nearly_everywhere(
    level: float, refused: bool
) -> None:
    def wild(x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        # Seen in another range it is as wild.
        return torch.where(h > 0, torch.full_like(x, level * float(x.amax() - min(float(x.amin()), 0.0))), x)

    if refused:
        with pytest.raises(
            ExternalError, match="nearly all of the hole would be clipped: find out why with bench probe"
        ):
            check_convention(model(wild), (IMAGE, HOLE))
    else:
        check_convention(model(wild), (IMAGE, HOLE))


def test_a_failure_is_told_without_its_advice() -> None:
    assert bare("m failed: RuntimeError; find out what it expects with bench probe 'x'") == "m failed: RuntimeError"
    assert bare("m gave a picture of another size: write 'x?size=8'") == "m gave a picture of another size"


class Suite:
    """Two data sets of three mask types: none, all and some of each picture is missing."""

    datasets = ("one", "two")

    def __init__(self, **holes: np.ndarray | None) -> None:
        self.holes = holes
        self.asked: list[tuple[str, str]] = []

    def masks_of(self, dataset: str) -> list[str]:
        return list(self.holes)

    def batches(self, dataset: str, mask: str, count: int) -> Any:
        assert count == 4
        self.asked.append((dataset, mask))
        hole = self.holes[mask]
        return [] if hole is None else [SimpleNamespace(images=[IMAGE], holes=[hole], ids=["first"])]


NONE, ALL = np.zeros_like(HOLE), np.ones_like(HOLE)


def test_the_first_picture_with_a_hole_and_known_pixels_is_looked_at_alone() -> None:
    suite: Any = Suite(empty=None, none=NONE, all=ALL, some=HOLE, more=HOLE)
    seen: list[Any] = []

    def told(picture: torch.Tensor, hole: torch.Tensor, ids: list[str]) -> torch.Tensor:
        seen.append(ids)
        return picture

    check_first([model(told), model(told)], suite)
    assert suite.asked == [("one", mask) for mask in ("empty", "none", "all", "some")]
    assert seen == [["first"]] * 6  # each once for its convention, and twice to see whether it repeats itself


def test_a_model_that_does_not_repeat_itself_is_noted_in_the_run() -> None:
    suite: Any = Suite(some=HOLE)
    levels = itertools.count(90)
    notes, _ = check_first([model(lambda x, h: x * (1 - h) + h * next(levels) * 2 / 255)], suite)
    assert len(notes) == 1 and "fills the same picture differently when called again" in notes[0]


def test_only_models_from_outside_are_looked_at() -> None:
    suite: Any = Suite(some=HOLE)
    ours = CallableMethod("m", lambda x, h: x * 255)
    other: Any = SimpleNamespace(spec=Spec("predictions", "fills"))
    check_first([ours, other], suite)
    assert suite.asked == []
    with pytest.raises(ExternalError, match="out=0,255"):
        check_first([ours, other, model(lambda x, h: x * 255)], suite)


@pytest.mark.parametrize(
    ("keys", "levels"),
    [({}, 0), ({"low_high_out": (0.0, 1.0)}, 25.5)],
)
def test_how_far_known_pixels_change_is_told_in_levels(keys: dict[str, Any], levels: float) -> None:
    off = levels / 255
    image = np.full_like(IMAGE, 100)
    image[0, 0] = 0
    changed = check_convention(model(lambda x, h: (x + off) * (1 - h) + 0.5 * h, **keys), (image, HOLE))
    assert changed == pytest.approx(levels, abs=1e-3)


@pytest.mark.parametrize(("levels", "said"), [(1.9, ""), (2.0, "by 2 levels"), (float("nan"), "")])
def test_known_pixels_that_change_by_two_levels_are_spoken_of(levels: float, said: str) -> None:
    told = told_drift(model(lambda x, h: x), levels)
    assert said in told and bool(told) == bool(said)


def signed(x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
    """A model of -1 to 1 that gives 0 to 1, and greys what it takes for black to grey."""
    return torch.where(h > 0, torch.full_like(x, 0.3), x.clamp(-1, 1) / 2 + 0.5)


def test_values_in_another_range_that_leave_the_known_as_it_is_are_what_to_write() -> None:
    with pytest.raises(ExternalError, match=r"changed the known pixels by \d+ levels on average: write '.*\?in=-1,1'$"):
        check_convention(model(signed), (IMAGE, HOLE))
    for keys in ({"low_high_in": (0.0, 1.0)}, {"low_high_out": (0.0, 1.0)}):
        assert check_convention(model(signed, **keys), (IMAGE, HOLE)) > 30  # what was said is believed
