"""How a model's answer is read, what is plainly a mask read the other way round, what is tried next: by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from bench.methods.adapter import WrongAnswer, read
from bench.methods.first_picture import looks_turned
from bench.methods.keys import Keys
from bench.methods.structure import answer, is_near

PICTURE = torch.linspace(0, 1, 2 * 3 * 4 * 5).reshape(2, 3, 4, 5)


def reading(given: Any, keys: Keys | None = None, count: int = 2) -> torch.Tensor:
    return read(given, keys or Keys(), count, (5, 4), "mine")


def test_a_single_picture_may_come_without_its_batch_axis_and_several_may_not() -> None:
    assert torch.equal(reading(PICTURE[0], count=1), PICTURE[:1])
    with pytest.raises(WrongAnswer, match=r"shape \(3, 4, 5\), not \(2, 3, 4, 5\)"):
        reading(PICTURE[0])


def test_channels_may_come_last_and_in_blue_green_red() -> None:
    assert torch.equal(reading(PICTURE.permute(0, 2, 3, 1)), PICTURE)
    assert torch.equal(reading(PICTURE.flip(1), Keys(channels="bgr")), PICTURE)


@pytest.mark.parametrize(("given", "out"), [((PICTURE * 255).round().to(torch.uint8), None), (PICTURE * 255, (0, 255))])
def test_integers_are_0_to_255_and_others_what_is_said(given: torch.Tensor, out: tuple[float, float] | None) -> None:
    assert torch.allclose(reading(given, Keys(low_high_out=out)), PICTURE, atol=0.5 / 255 + 1e-6)
    assert torch.allclose(reading(PICTURE * 2 - 1, Keys(low_high_out=(-1, 1))), PICTURE, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "size"),
    [((2, 3, 8, 16), (16, 8)), ((2, 4, 8, 16), None), ((1, 3, 8, 16), None), ((2, 3, 8), None)],
)
def test_pictures_of_another_size_and_nothing_else_tell_which_size_to_say(
    shape: tuple[int, ...], size: tuple[int, int] | None
) -> None:
    with pytest.raises(WrongAnswer) as caught:
        reading(torch.zeros(shape))
    assert caught.value.keys.size == size


def test_a_picture_of_pillows_is_its_pixels() -> None:
    levels = (PICTURE[:1] * 255).round().to(torch.uint8)
    picture = Image.fromarray(levels[0].permute(1, 2, 0).numpy())
    for given in (picture, [picture], (picture.convert("RGBA"),)):
        assert torch.allclose(reading(given, count=1), levels / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (PICTURE > 0.5, "mine gave bool values, not a picture"),
        (PICTURE.to(torch.complex64), "mine gave complex64 values, not a picture"),
        (None, "mine gave None, not a picture"),
        ("fill.png", "mine gave a str, not a picture"),
    ],
)
def test_what_is_no_picture_is_named(given: Any, said: str) -> None:
    with pytest.raises(WrongAnswer, match=said):
        reading(given)


TRUTH = np.full((4, 4, 3), 0.5, np.float32)
HOLE = np.zeros((4, 4), bool)
HOLE[:2] = True


@pytest.mark.parametrize(
    ("in_hole", "known", "turned"),
    [
        (0.0, 0.9, True),  # left the hole black, as shown, and repainted the rest
        (0.0, 0.5, False),  # touched nothing at all
        (0.4, 0.5, False),  # filled the hole
        (0.4, 0.9, False),  # repainted everything
        (0.0, 0.54, False),  # changes of less than a twentieth are no repainting
        (0.03, 0.9, False),  # more than a fiftieth away from what was shown
        (-3.0, 0.9, True),  # below black is black
    ],
)
def test_a_mask_is_read_the_other_way_round_where_the_hole_stays_and_the_rest_changes(
    in_hole: float, known: float, turned: bool
) -> None:
    raw = np.where(HOLE[..., None], in_hole, known).astype(np.float32) + 0 * TRUTH
    assert looks_turned(raw, TRUTH, 0.0, HOLE) is turned


class Sized:
    """A model of one size that says so, called by a user who said another or none."""

    gives_integers = False

    def __init__(self, said: Keys) -> None:
        self.keys_said = said
        self.tried: list[Keys] = []

    def telling(self, keys: Keys) -> Any:
        def paint(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
            self.tried.append(keys)
            if keys.size != (16, 16):
                raise WrongAnswer("another size", Keys(size=(16, 16)))
            return image / np.float32(255)

        return SimpleNamespace(paint=paint, gives_integers=False)


@pytest.mark.parametrize(
    ("said", "keys", "runs"),
    [
        (Keys(), Keys(layout="nhwc"), True),
        (Keys(size=(8, 8)), Keys(), False),  # what the user said himself stays
        (Keys(), Keys(size=(8, 8)), False),  # so does what is being tried
    ],
)
def test_a_size_that_a_model_asks_for_is_tried_where_none_was_said(said: Keys, keys: Keys, runs: bool) -> None:
    model: Any = Sized(said)
    found = answer(model, keys, np.zeros((4, 4, 3), np.uint8), HOLE)
    assert len(model.tried) == 1 + runs
    if runs:
        assert found is not None and found.keys == Keys(layout="nhwc", size=(16, 16))
    else:
        assert found is None


@pytest.mark.parametrize(
    ("keys", "first", "near"),
    [
        (Keys(input="concat"), Keys(), True),
        (Keys(input="concat", layout="nhwc"), Keys(), False),  # two things more
        (Keys(input="concat", layout="nhwc"), Keys(size=(64, 64), dtype="fp16"), False),  # without what it needs
        (Keys(size=(64, 64), input="masked"), Keys(size=(64, 64)), True),
        (Keys(dtype="fp16"), Keys(), False),
        (Keys(input="concat"), Keys(output="0"), True),
    ],
)
def test_what_is_near_the_first_that_ran_differs_in_inputs_or_layout_by_one_thing(
    keys: Keys, first: Keys, near: bool
) -> None:
    assert is_near(keys, first) is near
