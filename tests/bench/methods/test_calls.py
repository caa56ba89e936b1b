"""How pictures are called with: in which groups, filled up, told their ids; and the sentences of what fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.methods.callable import CallableMethod, existing, reason, shortened
from bench.methods.keys import Keys
from bench.methods.predictions import refuse_namesakes
from bench.methods.spec import Spec
from bench.util.errors import UsageError
from variants.errors import ExternalError, FillError

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
HOLES = np.zeros((5, 8, 8), bool)
HOLES[:, 2:5, 3:6] = True
NAMES = list("abcde")


def method(function: Any, facts: Keys | None = None, **keys: Any) -> CallableMethod:
    return CallableMethod("m", function, spec=Spec("python", "m.py:f", Keys(**keys)), facts=facts)


class Counted:
    """A model that remembers how many pictures and which ids it was called with."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.seen: list[list[str]] = []

    def plain(self, x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(x))
        return x * (1 - h) + 0.5 * h

    def told(self, x: torch.Tensor, h: torch.Tensor, ids: list[str]) -> torch.Tensor:
        self.seen.append(ids)
        return self.plain(x, h)


def test_batches_are_tried_once_and_then_always_whole() -> None:
    model = Counted()
    filled = method(model.plain, batch=2).fill(IMAGES, HOLES, NAMES, "rect")
    # Two together, then the second of them alone (filled up); 2, 2, and the last filled up.
    assert model.sizes == [2, 2, 2, 2, 2]
    np.testing.assert_allclose(filled, np.where(HOLES[..., None], 0.5, IMAGES / 255), atol=1e-6)


def test_one_picture_at_a_time_unless_a_batch_is_said() -> None:
    model = Counted()
    method(model.plain).fill(IMAGES, HOLES, NAMES, "rect")
    assert model.sizes == [1] * 5


def unlike(x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
    """Fills with how much is missing in the whole batch: filled up or not, it mixes pictures."""
    return x * (1 - h) + h * (x * (1 - h)).mean()


def test_a_batch_that_mixes_pictures_is_not_trusted(capsys: pytest.CaptureFixture[str]) -> None:
    found = method(unlike, batch=2)
    filled = found.fill(IMAGES, HOLES, NAMES, "rect")
    assert found.trusts_batches is False and found.keys.batch == 1
    np.testing.assert_array_equal(filled, method(unlike).fill(IMAGES, HOLES, NAMES, "rect"))
    assert capsys.readouterr().err.count("fills a picture differently in a batch") == 1
    # What the file tells stays: the model takes no other.
    fixed = method(unlike, facts=Keys(batch=2))
    fixed.fill(IMAGES, HOLES, NAMES, "rect")
    assert fixed.keys.batch == 2 and fixed.trusts_batches is False


@pytest.mark.parametrize(("off", "trusted"), [(0.9 / 255, True), (1.1 / 255, False)])
def test_a_level_of_difference_is_the_same(off: float, trusted: bool) -> None:
    def near(x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        first, last = x[:1], x[-1:]
        return x * (1 - h) + h * (0.5 + off * float(not torch.equal(first, last)))

    found = method(near, batch=2)
    found.fill(IMAGES, HOLES, NAMES, "rect")
    assert found.trusts_batches is trusted


def test_a_batch_that_fails_is_not_trusted_and_pictures_are_filled_alone() -> None:
    def single(x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        if not torch.equal(x[:1], x[-1:]):
            raise ValueError("one at a time")
        return x

    found = method(single, batch=2)
    assert np.isfinite(found.fill(IMAGES, HOLES, NAMES, "rect")).all()
    assert found.trusts_batches is False


def test_ids_are_told_to_whoever_asks_and_the_last_again_where_a_batch_is_filled_up() -> None:
    model = Counted()
    method(model.told).fill(IMAGES[:2], HOLES[:2], ["a", "b"], "rect")
    assert model.seen == [["a"], ["b"]]
    model.seen.clear()
    batched = method(model.told, batch=2)
    batched.trusts_batches = True
    batched.fill(IMAGES, HOLES, NAMES, "rect")
    assert model.seen == [["a", "b"], ["c", "d"], ["e", "e"]]
    model.seen.clear()
    method(model.told).fill(IMAGES[:1], HOLES[:1])
    assert model.seen == [[""]]


@pytest.mark.parametrize(
    ("found", "most"),
    [
        (method(Counted().plain), 1),
        (method(Counted().plain, batch=3), 3),
        (method(Counted().plain, facts=Keys(batch=4)), 4),
    ],
)
def test_how_many_a_call_takes_is_what_is_said_or_told(found: CallableMethod, most: int) -> None:
    assert found.most_at_once == most
    found.batches = None
    assert found.most_at_once == (None if most == 1 else most)


@pytest.mark.parametrize(
    ("keys", "plain"),
    [
        ({}, True),
        ({"low_high_out": (0.0, 1.0)}, True),
        ({"multiple": 32}, True),
        ({"batch": 4}, True),
        ({"low_high_out": (0.0, 255.0)}, False),
        ({"low_high_in": (0.0, 255.0)}, False),
        ({"hole": 0}, False),
        ({"size": (64, 64)}, False),
        ({"feather": 4}, False),
        ({"output": "1"}, False),
    ],
)
def test_what_is_called_plainly(keys: dict[str, Any], plain: bool) -> None:
    assert method(Counted().plain, **keys).plain is plain


def test_multiples_are_eight_unless_said() -> None:
    assert method(Counted().plain).multiple == 8
    assert method(Counted().plain, multiple=32).multiple == 32


def test_another_convention_of_the_same_function_keeps_its_name_and_seed() -> None:
    found = method(Counted().plain, hole=0)
    found.suite_seed, found.name = 7, "other"
    trial = found.telling(Keys(blank="0.5"))
    assert (trial.name, trial.suite_seed, trial.function, trial.keys.hole, trial.keys.blank) == (
        *("other", 7, found.function),
        *(1, "0.5"),
    )


def test_a_model_that_never_worked_says_how_to_find_out_more_and_one_that_has_does_not() -> None:
    found = method(Counted().plain)
    assert found.message("failed") == "m failed; find out what it expects with bench probe 'python:m.py:f'"
    found.works = True
    assert found.message("failed") == "m failed"
    assert CallableMethod("m", Counted().plain).message("failed") == "m failed"


def test_what_to_write_is_the_spec_with_what_would_mend_it() -> None:
    assert method(Counted().plain, hole=0).advised("bad", Keys(size=(8, 8))) == (
        "bad: write 'python:m.py:f?hole=0&size=8'"
    )
    assert method(Counted().plain).advised("bad", Keys()) == "bad"
    assert CallableMethod("m", Counted().plain).advised("bad", Keys(hole=0)) == "bad"


def test_a_long_message_loses_its_end_and_never_the_advice() -> None:
    assert shortened("x" * 299, "") == "x" * 299
    found = shortened("x" * 300, "")
    assert len(found) == 299 and found.endswith("x…")
    found = shortened("word " * 100, ": advice")
    assert len(found) <= 299 and found.endswith("word…: advice")
    assert shortened("y" * 100, "a" * 290) == "y" * 59 + "…" + "a" * 290


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("a:"), "ValueError: a"),
        (
            RuntimeError("Traceback of TorchScript (most recent call last):\n  x\nRuntimeError: bad\n"),
            "RuntimeError: bad",
        ),
        (RuntimeError("Traceback of TorchScript\n  y\nsizes differ"), "RuntimeError: sizes differ"),
        (RuntimeError("first\nsecond: third"), "RuntimeError: first second: third"),
    ],
)
def test_an_error_is_one_line_and_of_a_script_the_last(error: Exception, words: str) -> None:
    assert reason(error) == words


def test_a_file_must_be_there_and_be_one(tmp_path: Path) -> None:
    (tmp_path / "m.pt").write_bytes(b"PK\x03\x04 a model")
    assert existing(str(tmp_path / "m.pt"), "onnx") == tmp_path / "m.pt"
    with pytest.raises(ExternalError, match=r"onnx:.* names a file that does not exist"):
        existing(str(tmp_path / "none.pt"), "onnx")
    with pytest.raises(ExternalError, match="is a folder: name a file in it"):
        existing(str(tmp_path), "onnx")


def test_an_answer_with_nothing_finite_is_not_spoken_of() -> None:
    found = method(lambda x, h: x * float("nan"))
    found.fill(IMAGES[:1], HOLES[:1])
    assert found.outside == (0.0, 1.0)


def test_a_failure_without_names_is_raised_even_after_others_worked() -> None:
    def fails(x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        if float(x[0, 0, 0, 0]) == 0:
            raise ValueError("black")
        return x

    images = np.maximum(IMAGES, 1)
    images[2, 0, 0] = 0
    with pytest.raises(FillError, match="black"):
        method(fails).fill(images, HOLES)
    found = method(fails)
    raw = found.fill(images, HOLES, NAMES, "rect")
    assert [np.isfinite(one).all() for one in raw] == [True, True, False, True, True]
    assert list(found.problems) == [("rect", "c")]


def test_the_last_picture_of_a_batch_of_three_is_tried_alone() -> None:
    model = Counted()
    found = method(model.plain, batch=3)
    found.fill(IMAGES, HOLES, NAMES, "rect")
    assert found.trusts_batches and model.sizes == [3, 3, 3, 3]


def test_a_model_that_draws_the_same_for_the_whole_batch_is_trusted() -> None:
    def drawing(x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        return x * (1 - h) + h * torch.rand(1)

    found = method(drawing, batch=2)
    found.fill(IMAGES, HOLES, NAMES, "rect")
    assert found.trusts_batches, "it is tried twice from the same seed"


def test_a_convention_is_known_before_the_first_call() -> None:
    assert method(Counted().plain).gives_integers is False
    found = method(lambda x, h: (x * 255).round().byte())
    found.fill(IMAGES[:1], HOLES[:1])
    assert found.gives_integers is True


def test_a_file_given_twice_is_told_the_spec_that_gives_it_another_name() -> None:
    twice = [CallableMethod("f", lambda x, h: x, spec=Spec("python", "m.py:f", Keys(batch=2))) for _ in range(2)]
    said = r"f with seed 0 is named twice: give one another name, 'other=python:m\.py:f\?batch=2'"
    with pytest.raises(UsageError, match=said):
        refuse_namesakes(twice)
