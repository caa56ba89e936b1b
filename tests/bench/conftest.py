"""A tiny run, made once by the real command, that the tests of this folder look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.command import TINY, bench


@pytest.fixture(scope="session")
def tiny_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory that holds runs/tiny, complete."""
    folder = tmp_path_factory.mktemp("work")
    done = bench("run", *TINY, "--no-throughput", "--out", "tiny", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder
