"""No test touches the user's own caches and data sets, or asks the network for anything."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def places_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in ("BENCH_CACHE_DIR", "BENCH_DATA_DIR"):
        os.environ[name] = str(tmp_path_factory.mktemp(name.lower()))
    os.environ["BENCH_OFFLINE"] = "1"
