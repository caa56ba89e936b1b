"""No test touches the user's own caches and data sets, or asks the network for anything."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def places_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in ("BENCH_CACHE_DIR", "BENCH_DATA_DIR"):
        os.environ[name] = str(tmp_path_factory.mktemp(name.lower()))
    os.environ["BENCH_OFFLINE"] = "1"


@pytest.fixture
def one_thread() -> Iterator[None]:
    """PyTorch computes with one thread: sums differ by their number in their last bits."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
