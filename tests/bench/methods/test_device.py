"""Which device is used, and which sentence one gets that is not there."""

from __future__ import annotations

import pytest
import torch

from bench.methods.device import check_device, default_device
from bench.util.errors import UsageError


@pytest.fixture
def machine(monkeypatch):
    """A machine with so many CUDA devices, on which memory can be had unless it is said why not."""

    def have(cuda: int, mps: bool = False, broken: Exception | None = None) -> list[str]:
        opened: list[str] = []

        def empty(size: int, device: str) -> None:
            opened.append(device)
            if broken is not None:
                raise broken

        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.setattr(torch, "empty", empty)
        return opened

    return have


@pytest.mark.parametrize(("cuda", "expected"), [(0, "cpu"), (1, "cuda")])
def test_unless_one_is_named_a_gpu_is_used_where_there_is_one(machine, cuda, expected):
    machine(cuda)
    assert default_device() == check_device(None) == check_device("auto") == expected


@pytest.mark.parametrize("device", ["cpu", "cpu:0", "cuda", "cuda:0", "cuda:1", "mps"])
def test_a_device_that_is_there_is_tried_and_used(machine, device):
    opened = machine(2, mps=True)
    assert check_device(device) == device
    assert opened == [device]


@pytest.mark.parametrize("device", ["gpu", "tpu:0", "cuda:x", "cuda:-1", "cpu:a", ""])
def test_what_is_no_device_is_unknown(machine, device):
    machine(2, mps=True)
    with pytest.raises(UsageError, match=rf"^Unknown device '{device}'. Use cpu, cuda, cuda:N or mps.$"):
        check_device(device)


@pytest.mark.parametrize(
    ("device", "cuda", "found"),
    [
        ("cuda", 0, "none"),
        ("cuda:0", 0, "none"),
        ("cuda:1", 1, "1 cuda device, counted from 0"),
        ("cuda:2", 2, "2 cuda devices, counted from 0"),
        ("cpu:1", 0, "1 cpu device, counted from 0"),
        ("mps", 2, "none"),
    ],
)
def test_a_device_that_is_not_there_is_told_beside_what_is(machine, device, cuda, found):
    machine(cuda)
    with pytest.raises(UsageError, match=rf"^Device '{device}' not found \(torch sees {found}\)"):
        check_device(device)


@pytest.mark.parametrize("error", [RuntimeError("out of memory\nlong words"), AssertionError("out of memory")])
def test_a_device_that_cannot_be_used_says_why_in_a_line(machine, error):
    machine(1, broken=error)
    with pytest.raises(UsageError, match=r"^Device 'cuda' cannot be used: out of memory$"):
        check_device("cuda")
