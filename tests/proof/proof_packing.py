"""Packing decoded pictures, killed at seeded moments: the next packer ends with the one right pack and no leftovers."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.datasets.packed import pack, packs_folder
from bench.datasets.registry import open_dataset

KILLS = 20


def pack_all(folder: Path, size: int) -> None:
    pack([open_dataset(f"folder:{folder}", "all", size)], size, Path())


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_packer_killed_at_any_moment_costs_nothing_but_time(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    rng = np.random.default_rng(seed)
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(200):
        Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(folder / f"{i:03d}.png")
    began = time.monotonic()
    data = open_dataset(f"folder:{folder}", "all", 64)
    data.batch(range(200))
    takes = time.monotonic() - began
    process = multiprocessing.get_context("fork").Process(target=pack_all, args=(folder, 64))
    process.start()
    time.sleep(random.Random(seed).random() * 1.5 * takes)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    file = pack([data], 64, Path())
    assert np.array_equal(np.load(file), data.batch(range(200)))
    assert [path.name for path in packs_folder().iterdir() if path.suffix == ".part"] == []
    assert len([*packs_folder().glob("*.npy")]) == 1
