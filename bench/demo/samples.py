"""Pictures to begin with, for whoever has none at hand: a lighthouse first."""

from __future__ import annotations

from functools import cache

import numpy as np

SCENES = {"lighthouse": 0, "sail boat": 7}
"""Scenes of the test stream."""
PHOTOGRAPHS = {"cat": "chelsea", "coffee": "coffee", "temple": "china", "flower": "flower", "rocket": "rocket"}
"""Photographs that installed packages carry; no profile trains on them."""


def names() -> list[str]:
    """Names of all samples in the order in which the page shows them."""
    return [*SCENES, *PHOTOGRAPHS]


@cache
def sample(name: str) -> np.ndarray:
    """A sample picture, uint8 (H, W, 3). Raises KeyError for a name that is not one."""
    from bench.datasets.photos import read_carried
    from bench.datasets.registry import open_dataset

    if name in SCENES:
        return open_dataset("scenes", "test", None, SCENES[name] + 1).load(SCENES[name])
    return read_carried(PHOTOGRAPHS[name])
