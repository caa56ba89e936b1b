"""A model that fills a picture otherwise at a second call is told of."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from bench.methods import repeatable
from bench.methods.callable import CallableMethod
from bench.methods.repeatable import told_unsteady

IMAGE = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
HOLE = np.zeros((16, 16), bool)
HOLE[4:12, 4:10] = True


def told(function: Any) -> str:
    return told_unsteady(CallableMethod("m", function), (IMAGE, HOLE), "a")


def counting(step: float, start: float = 0.5) -> Any:
    """Paints the hole brighter at every call."""
    calls = itertools.count()
    return lambda x, h: x * (1 - h) + h * (start + step * next(calls))


def test_a_model_that_keeps_something_between_calls_is_told_in_words_that_every_run_repeats() -> None:
    assert (
        told(counting(51 / 255))
        == told(counting(7 / 255))
        == "m fills the same picture differently when called again, though random numbers are seeded: its scores will "
        "differ from run to run"
    )


@pytest.mark.parametrize(
    "function",
    [
        lambda x, h: x * (1 - h) + h * torch.rand(1),
        lambda x, h: x * (1 - h) + h * float(np.random.rand()),
        lambda x, h: x[:, :1],  # fails
        lambda x, h: x * float("nan"),
        counting(0.9 / 255),  # rounds away
        counting(1.0, start=2.0),  # clipped either way
    ],
)
def test_seeded_numbers_failures_and_what_rounds_away_are_not(function: Any) -> None:
    assert told(function) == ""


def test_a_slow_model_is_called_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeatable, "SLOWEST_S", -1.0)
    calls: list[int] = []

    def function(x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return x

    assert told(function) == ""
    assert len(calls) == 1
