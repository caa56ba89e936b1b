"""What torch.compile is told: how many networks of one class it may compile; and what does not change."""

from __future__ import annotations

import pytest
import torch

from variants import blocks
from variants.compiling import prepare_compiling


def test_torch_compiles_eight_networks_and_no_more(monkeypatch):
    dynamo = pytest.importorskip("torch._dynamo")
    limits = ("recompile_limit", "accumulated_recompile_limit")
    for limit in limits:
        monkeypatch.setattr(dynamo.config, limit, getattr(dynamo.config, limit))
    prepare_compiling()
    assert all(getattr(dynamo.config, limit) > 10_000 for limit in limits)


def test_constants_are_one_a_channel_and_sent_to_a_device_once():
    given = [blocks.constants((1.0, 2.0, 3.0), torch.float32, torch.device("cpu"), 5) for _ in range(2)]
    assert given[0] is given[1]
    assert given[0].shape == (1, 3, 1, 5)
    assert given[0][0, :, 0, 4].tolist() == [1.0, 2.0, 3.0]


def test_within_compiled_code_constants_are_the_same_numbers_of_the_same_shape(monkeypatch):
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    given = blocks.constants((1.0, 2.0, 3.0), torch.float64, torch.device("cpu"), 5)
    assert given.shape == (1, 3, 1, 5) and given.dtype == torch.float64
    assert given[0, :, 0].tolist() == [[1.0] * 5, [2.0] * 5, [3.0] * 5]
    assert blocks.constants((1.0, 2.0, 3.0), torch.float32, torch.device("meta"), 1).is_meta
