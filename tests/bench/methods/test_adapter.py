"""What a model is given by each key of its convention, and which of its outputs is taken: by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from bench.methods.adapter import WrongAnswer, blanked, chosen, given
from bench.methods.keys import Keys

IMAGE = torch.tensor([[0.2, 0.4], [0.6, 1.0]]).repeat(2, 3, 1, 1) * torch.tensor([1.0, 0.5, 0.25])[:, None, None]
HOLE = torch.tensor([[0.0, 1.0], [0.0, 0.0]]).repeat(2, 1, 1, 1)
"""Two pictures of 2 x 2; upper right is missing."""
KNOWN = HOLE.expand_as(IMAGE) == 0


def called(**keys: Any) -> tuple[torch.Tensor, ...]:
    return given(IMAGE, HOLE, Keys(**keys).settled())


def test_plainly_it_is_the_blanked_picture_and_the_hole() -> None:
    x, mask = called()
    assert torch.equal(x, IMAGE * KNOWN) and torch.equal(mask, HOLE)
    assert x.dtype == mask.dtype == torch.float32


@pytest.mark.parametrize(
    ("blank", "levels"),
    [("0", [0, 0, 0]), ("0.5", [0.5, 0.5, 0.5]), ("mean", [0.6, 0.3, 0.15]), ("keep", [0.4, 0.2, 0.1])],
)
def test_under_the_hole_lies_what_is_said(blank: str, levels: list[float]) -> None:
    # The mean is of each channel's known pixels: (0.2 + 0.6 + 1.0) / 3.
    x = blanked(IMAGE, HOLE, blank)
    assert x[:, :, 0, 1].tolist() == [pytest.approx(levels)] * 2
    assert torch.equal(x[KNOWN], IMAGE[KNOWN])


def test_the_mean_is_of_each_picture_and_grey_where_nothing_is_known() -> None:
    two = torch.stack([IMAGE[0], IMAGE[0] / 2])
    holes = torch.stack([torch.ones(1, 2, 2), HOLE[0]])
    x = blanked(two, holes, "mean")
    assert (x[0] == 0.5).all()
    assert x[1, :, 0, 1].tolist() == pytest.approx([0.3, 0.15, 0.075])


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.0, 255.0), (-1.0, 1.0)])
def test_black_and_white_are_what_is_said_under_the_hole_too(low: float, high: float) -> None:
    x, mask = called(low_high_in=(low, high), blank="0.5")
    expected = np.where(KNOWN, IMAGE, 0.5) * (high - low) + low
    np.testing.assert_allclose(x, expected, rtol=1e-6)
    assert torch.equal(mask, HOLE), "a mask keeps its values"


def test_the_hole_may_be_0_and_the_mask_first() -> None:
    assert torch.equal(called(hole=0)[1], 1 - HOLE)
    mask, x = called(order="mask,picture")
    assert torch.equal(mask, HOLE) and torch.equal(x, IMAGE * KNOWN)


def test_channels_may_be_turned_round_and_come_last() -> None:
    assert torch.equal(called(channels="bgr")[0], (IMAGE * KNOWN)[:, [2, 1, 0]])
    x, mask = called(layout="nhwc")
    assert x.shape == (2, 2, 2, 3) and mask.shape == (2, 2, 2, 1)
    assert torch.equal(x[:, 1, 0], IMAGE[:, :, 1, 0]) and mask[0, 0, 1, 0] == 1


def test_a_model_of_one_input_gets_both_in_one_or_the_picture_alone() -> None:
    (both,) = called(input="concat")
    assert torch.equal(both, torch.cat((IMAGE * KNOWN, HOLE), 1))
    (turned,) = called(input="concat", order="mask,picture")
    assert torch.equal(turned[:, :1], HOLE) and torch.equal(turned[:, 1:], IMAGE * KNOWN)
    (alone,) = called(input="masked", order="mask,picture")
    assert torch.equal(alone, IMAGE * KNOWN)


def test_bytes_are_rounded_and_255_is_missing_and_half_precision_is_both() -> None:
    x, mask = called(dtype="uint8")
    assert x.dtype == mask.dtype == torch.uint8
    assert x.tolist() == np.rint((IMAGE * KNOWN).numpy() * 255).tolist()
    assert mask.unique().tolist() == [0, 255] and mask[0, 0, 0, 1] == 255
    beyond = given(IMAGE * 3 - 1, HOLE, Keys(dtype="uint8").settled())[0]
    assert (int(beyond.min()), int(beyond.max())) == (0, 255), "clipped, not wrapped"
    assert [part.dtype for part in called(dtype="fp16")] == [torch.float16] * 2


PICTURE, MASK = torch.zeros(1, 3, 4, 5), torch.zeros(1, 1, 4, 5)


@pytest.mark.parametrize(
    ("answer", "output", "taken"),
    [
        (PICTURE, None, PICTURE),
        ((PICTURE,), None, PICTURE),
        ([{"out": PICTURE}], None, PICTURE),
        ((MASK, PICTURE), "1", PICTURE),
        ({"mask": MASK, "fill": PICTURE}, "fill", PICTURE),
        ({"mask": MASK, "fill": PICTURE}, "1", PICTURE),  # by its place
        ({"1": MASK, "fill": PICTURE}, "1", MASK),  # a name comes first
        ({"fill": PICTURE}, "0", PICTURE),
    ],
)
def test_the_output_is_the_only_one_or_the_one_named(answer: Any, output: str | None, taken: torch.Tensor) -> None:
    assert chosen(answer, output, "m") is taken


def test_a_list_of_numbers_is_one_answer() -> None:
    assert chosen([0.5, 1], None, "m") == [0.5, 1]


@pytest.mark.parametrize(
    ("answer", "output", "said", "write"),
    [
        ((MASK, PICTURE), None, r"m gave several outputs \(0 1x1x4x5, 1 1x3x4x5\)", "1"),
        ((MASK, PICTURE), "2", r"m has no output '2' \(0 1x1x4x5", "1"),
        ({"a": MASK, "b": 7}, None, r"\(a 1x1x4x5, b int\)", "a"),
        ({"a": torch.zeros(4, 5, 3), "b": PICTURE}, None, "several outputs", "a"),
        ({"a": torch.zeros(1, 3, 3), "b": PICTURE}, "c", "no output 'c'", "a"),
        ({"a": torch.zeros(4, 3, 5), "b": PICTURE}, None, "several outputs", "b"),  # three rows are no three channels
        ({"a": torch.zeros(3, 5), "b": PICTURE}, None, "several outputs", "b"),
        ({}, None, "several outputs", "0"),
    ],
)
def test_of_several_the_first_that_could_be_a_picture_is_what_to_write(
    answer: Any, output: str | None, said: str, write: str
) -> None:
    with pytest.raises(WrongAnswer, match=said) as caught:
        chosen(answer, output, "m")
    assert caught.value.keys == Keys(output=write)
