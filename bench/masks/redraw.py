"""Drawing again the holes that cover too much: never dropping one, never letting it through."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

LARGEST_AREA = 0.5
"""Of the picture; LaMa's limit."""

ATTEMPTS = 100
CHUNK_PIXELS = 1 << 21
"""Drawn at a time: enough to share the cost of a call, few enough to stay in cache."""


def redrawn(draw: Callable[[np.ndarray, int], np.ndarray], indices: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Holes bool (len(indices), H, W) that cover half of the picture at most.

    ``draw(indices, attempt)`` draws one hole per index from its own stream of each attempt. Where a hundred
    attempts fail (of a picture of a few pixels) the smallest hole stands.

    >>> shrinking = lambda chosen, attempt: np.tile(np.arange(4).reshape(2, 2) < 4 - 2 * attempt, (len(chosen), 1, 1))
    >>> redrawn(shrinking, np.arange(1), (2, 2)).astype(int).tolist()  # all four pixels first, then two
    [[[1, 1], [0, 0]]]
    """
    pixels = size[0] * size[1]
    holes = np.empty((len(indices), *size), bool)
    areas = np.full(len(indices), pixels + 1)
    step = max(CHUNK_PIXELS // pixels, 1)
    for attempt in range(ATTEMPTS):
        pending = np.flatnonzero(areas > LARGEST_AREA * pixels)
        for begin in range(0, len(pending), step):
            chosen = pending[begin : begin + step]
            for row, hole in zip(chosen, draw(indices[chosen], attempt), strict=True):
                covered = np.count_nonzero(hole)
                if covered < areas[row]:
                    holes[row], areas[row] = hole, covered
    return holes
