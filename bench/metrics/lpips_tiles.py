"""LPIPS of large pictures, tile by tile, so that it takes the memory of a tile and not of the picture.

Each layer's positions are dealt out to tiles. A tile computes its own positions of every tap, and of each layer as much
more as the layers after it look at, with zeros beyond the picture's edge alone: the same sums as over the whole
picture, so the same value to rounding (1e-12 in float64, 1e-6 in float32). Tiles in which nothing differs from the
truth are left out: their distance is zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bench.backbones.lpips_network import Stack, Step, distance_map, unit
from bench.metrics.lpips_patch import upsampling_rows
from bench.util.tf32 import matmul_precision

WHOLE = 2 * 1024 * 1024
"""Pixels of a picture up to which it goes through the stack as a whole."""

TILE = 512
"""Side of a tile's own part in pixels: AlexNet then takes about 60 MB, VGG-16 about 0.7 GB."""


@dataclass(frozen=True)
class Span:
    """Along one axis, what a tile's step takes and gives. taken: of the step's input; before, after: zeros that stand
    for what lies beyond the picture; given: of its output; own: of its output, the tile's own part."""

    taken: tuple[int, int]
    before: int
    after: int
    given: tuple[int, int]
    own: tuple[int, int]


def _spans(steps: Sequence[Step], length: int, tiles: int) -> list[list[Span]]:
    """Along an axis of ``length`` pixels, for each of so many tiles, one :class:`Span` a step."""
    sizes = [length]
    for step in steps:
        sizes.append(step.size(sizes[-1]))
    found = []
    for tile in range(tiles):
        plan: list[Span] = []
        wanted: tuple[int, int] | None = None
        for step, have, gives in reversed(list(zip(steps, sizes, sizes[1:], strict=False))):
            own = gives * tile // tiles, gives * (tile + 1) // tiles
            needed = joined(wanted, own if step.tap and own[0] < own[1] else None)
            if needed is None:
                plan.append(Span((0, 0), 0, 0, (0, 0), own))
                continue
            low = needed[0] * step.stride - step.padding
            high = (needed[1] - 1) * step.stride + step.kernel - step.padding
            taken = max(0, low), min(have, high)
            # A pooling's window may hang over the far edge: it takes what is there, and no zeros.
            after = max(0, high - have) if step.weight is not None else 0
            plan.append(Span(taken, max(0, -low), after, needed, own))
            wanted = taken
        found.append(plan[::-1])
    return found


def joined(one: tuple[int, int] | None, other: tuple[int, int] | None) -> tuple[int, int] | None:
    """The smallest range that holds both.

    >>> joined((0, 4), (2, 6)), joined(None, (2, 6)), joined(None, None)
    ((0, 6), (2, 6), None)
    """
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), max(one[1], other[1])


def taps(stack: Stack, x: Tensor, rows: Sequence[Span], columns: Sequence[Span]) -> Iterator[Tensor]:
    """A tile's own unit features at each tap, from its normalised input, (1, C, h, w).

    >>> bright = Stack((Step(1, 1, 0, torch.ones(1, 3, 1, 1), tap=True),), (torch.ones(1),))  # 0 of black, else 1
    >>> row, columns = Span((0, 1), 0, 0, (0, 1), (0, 1)), Span((0, 2), 0, 0, (0, 2), (1, 2))  # its own: the right one
    >>> x = bright.input(np.array([[[[0, 0, 0], [255, 255, 255]]]], np.uint8))
    >>> [tap.tolist() for tap in taps(bright, x, [row], [columns])]
    [[[[[1.0]]]]]
    """
    top, left = rows[0].taken[0], columns[0].taken[0]
    for step, down, across in zip(stack.steps, rows, columns, strict=True):
        if down.given[0] == down.given[1] or across.given[0] == across.given[1]:
            return  # No position of this layer or a later one is the tile's.
        x = x[:, :, down.taken[0] - top : down.taken[1] - top, across.taken[0] - left : across.taken[1] - left]
        x = step(F.pad(x, (across.before, across.after, down.before, down.after)), padding=0)
        top, left = down.given[0], across.given[0]
        if step.tap:
            own = x[:, :, down.own[0] - top : down.own[1] - top, across.own[0] - left : across.own[1] - left]
            yield unit(own)


def hole_weights(stack: Stack, hole: np.ndarray) -> list[Tensor] | None:
    """As :func:`bench.metrics.lpips_patch.hole_weights`, strip by strip.

    >>> halved = Stack((Step(kernel=1, stride=2, padding=0, tap=True),), (torch.ones(1),))  # 4 pixels to 2 places
    >>> [tap.tolist() for tap in hole_weights(halved, np.array([[False, True, False, False]]))]
    [[[0.75, 0.25]]]
    """
    count = int(hole.sum())
    if not count:
        return None
    height, width = hole.shape
    found = []
    for high, wide in stack.sizes(height, width):
        weights = torch.zeros(high, wide, dtype=torch.float64)
        across = upsampling_rows(wide, width, 0, width)
        for start in range(0, height, TILE):
            strip = hole[start : start + TILE]
            if strip.any():
                down = upsampling_rows(high, height, start, start + len(strip))
                weights += down.T @ (torch.from_numpy(strip / count) @ across)
        found.append(weights.to(stack.device))
    return found


def scores(
    stack: Stack, truth: np.ndarray, fills: Sequence[np.ndarray], weights: Sequence[Tensor] | None
) -> tuple[list[float], list[float]]:
    """LPIPS of each fill, and its map's sum under ``weights``, as :func:`bench.metrics.lpips_patch.scores` has them.

    truth, fills: uint8 (H, W, 3), large enough for the stack. weights: per tap, float64 (h, w); None gives NaN.

    >>> bright = Stack((Step(1, 1, 0, torch.ones(1, 3, 1, 1), tap=True),), (torch.ones(1),))  # 0 of black, else 1
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> fills = [np.where(hole[..., None], np.uint8(255), black), black]
    >>> scores(bright, black, fills, hole_weights(bright, hole))  # one wrong pixel of two; none
    ([0.5, 0.0], [1.0, 0.0])
    """
    height, width = truth.shape[:2]
    areas = [rows * columns for rows, columns in stack.sizes(height, width)]
    whole = np.zeros(len(fills))
    inside = np.zeros(len(fills)) if weights is not None else np.full(len(fills), np.nan)
    axes = [_spans(stack.steps, length, max(1, round(length / TILE))) for length in (height, width)]
    with torch.inference_mode(), matmul_precision("fp32"):
        for rows, columns in product(*axes):
            seen = slice(*rows[0].taken), slice(*columns[0].taken)
            differ = [k for k, filled in enumerate(fills) if not np.array_equal(filled[seen], truth[seen])]
            if not differ:
                continue
            theirs = list(taps(stack, stack.input(truth[seen][None]), rows, columns))
            own = [(r.own, c.own) for r, c, step in zip(rows, columns, stack.steps, strict=True) if step.tap]
            for k in differ:
                ours = taps(stack, stack.input(fills[k][seen][None]), rows, columns)
                for tap, (one, other) in enumerate(zip(theirs, ours, strict=True)):
                    distances = distance_map(one, other, stack.heads[tap])[0].double()
                    whole[k] += float(distances.sum()) / areas[tap]
                    if weights is not None:
                        down, across = own[tap]
                        inside[k] += float((distances * weights[tap][slice(*down), slice(*across)]).sum())
    return whole.tolist(), inside.tolist()
