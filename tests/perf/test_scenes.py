"""Drawing scenes beside reading the same pictures from PNG and JPEG files, the way a data set on disk comes in."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.datasets.registry import open_dataset

COUNT = {64: 64, 256: 12}
WANTED = {64: 900, 256: 130}
"""Pictures a second to reach on one core that does nothing else."""


@pytest.mark.benchmark(group="scenes", timer=time.process_time)
@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("side", [64, 256])
def test_drawing_scenes(side: int, form: str, race: Callable[..., float], benchmark: Any) -> None:
    scenes = open_dataset("scenes", "train", side, COUNT[side])
    files = []
    for index in range(COUNT[side]):
        stream = io.BytesIO()
        Image.fromarray(scenes.load(index)).save(stream, form)
        files.append(stream.getvalue())

    def draw() -> np.ndarray:
        return scenes.batch(range(COUNT[side]))

    def read() -> np.ndarray:
        return np.stack([np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) for file in files])

    assert draw().shape == read().shape
    race(draw, read, items=COUNT[side], unit="pictures", peer_name=f"decoding {form} from memory")
    benchmark.extra_info["wanted_per_s"] = WANTED[side]
