"""Which way of calling a model is named first where several run."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.methods.callable import CallableMethod
from bench.methods.first_picture import check_convention
from bench.methods.spec import Spec
from variants.errors import ExternalError


def advice(shape: tuple[int, int], multiple: int = 1, size: int = 0) -> str:
    """What is told of a model that takes multiples, or one size, from a picture of ``shape`` (height, width)."""

    def function(x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        assert all(side == size if size else side % multiple == 0 for side in x.shape[-2:])
        return x * (1 - h) + h * 0.5

    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    hole = np.zeros(shape, bool)
    hole[8:20, 8:20] = True
    with pytest.raises(ExternalError) as caught:
        check_convention(CallableMethod("m", function, spec=Spec("python", "m.py:f")), (image, hole))
    return str(caught.value).partition("?")[2].rstrip("'")


def test_a_model_that_takes_multiples_is_padded_and_not_resized() -> None:
    assert advice((64, 80), multiple=64) == "multiple=64"
    assert advice((40, 72), multiple=32) == "multiple=32"


def test_a_model_of_one_size_is_given_that_size_even_where_padding_would_reach_it() -> None:
    assert advice((40, 72), size=128) == "size=128"
    assert advice((104, 120), size=128) == "size=128"
