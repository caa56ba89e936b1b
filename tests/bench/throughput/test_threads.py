"""Threads that stand in each other's way are found out by timing, on a clock of the test's own."""

import time

import pytest
import torch

from bench.throughput.threads import helpful_threads


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("alone", "together", "expected"), [(1.0, 0.6, 2), (1.0, 30.0, 1)])
def test_threads_that_help_are_kept_and_those_that_hinder_are_not(alone, together, expected, two_threads, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    said = []

    def call():
        now[0] += alone if torch.get_num_threads() == 1 else together

    with helpful_threads(call, said.append):
        assert torch.get_num_threads() == expected
    assert torch.get_num_threads() == 2
    assert bool(said) == (expected == 1)
