"""LPIPS of many fills of one truth, computed only where they differ from it.

A fill equals its truth outside the hole, so each layer's features differ only in the box that the hole's
receptive field reaches. The truth's features are kept; per layer the fills' features are computed inside the
box alone, from the truth's features with the previous layer's box pasted in. The distance
is zero elsewhere. The same value as on whole pictures: to 1e-12 in float64, to 5e-8 in float32, whose own rounding is
as large.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bench.backbones.lpips_network import Stack, Step, distance_map, unit
from bench.metrics.box import Box, edges
from bench.util.tf32 import matmul_precision


@dataclass(frozen=True)
class KeptTruth:
    """A truth's features: each step's input, padded as the step wants it, and each tap's unit features."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[tuple[int, int], ...]
    units: tuple[Tensor, ...]


def keep(stack: Stack, picture: np.ndarray) -> KeptTruth:
    """The features of a truth, uint8 (H, W, 3), that must be large enough (``stack.fits``).

    >>> bright = Stack((Step(1, 1, 0, torch.ones(1, 3, 1, 1), tap=True),), (torch.ones(1),))  # 0 of black, else 1
    >>> kept = keep(bright, np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8))
    >>> kept.outputs, kept.units[0].tolist()
    (((1, 2),), [[[[0.0, 1.0]]]])
    """
    inputs, outputs, units = [], [], []
    with torch.inference_mode(), matmul_precision("fp32"):
        x = stack.input(picture[None])
        for step in stack.steps:
            inputs.append(_padded(step, x))
            x = step(x)
            outputs.append((x.shape[2], x.shape[3]))
            if step.tap:
                units.append(unit(x))
    return KeptTruth(tuple(inputs), tuple(outputs), tuple(units))


def _padded(step: Step, x: Tensor) -> Tensor:
    """Input with the step's zero border, and with what a window may reach beyond the far edge.

    Zero serves max poolings too: what they see has passed a ReLU.
    """
    far = [max(0, (step.size(n) - 1) * step.stride + step.kernel - n - step.padding) for n in x.shape[2:]]
    near = step.padding
    if not near and not any(far):
        return x
    return F.pad(x, (near, max(far[1], near), near, max(far[0], near)))


def differing(truth: np.ndarray, fills: Sequence[np.ndarray]) -> Box:
    """The smallest box that holds every pixel at which any fill, uint8 (H, W, 3), differs from the truth.

    >>> black, fill = np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.uint8)
    >>> fill[1, 2] = fill[2, 0] = 255
    >>> differing(black, [fill])
    Box(top=1, bottom=3, left=0, right=3)
    """
    rows = np.zeros(truth.shape[0], bool)
    columns = np.zeros(truth.shape[1], bool)
    for filled in fills:
        changed = (filled != truth).any(2)
        rows |= changed.any(1)
        columns |= changed.any(0)
    return Box(*edges(rows), *edges(columns))


def reached(step: Step, box: Box, size: tuple[int, int]) -> Box:
    """The outputs of a step, of (height, width) ``size``, whose windows touch the input's box.

    >>> reached(Step(kernel=3, stride=1, padding=1), Box(0, 1, 2, 3), (5, 5))  # one more to each side, up to the edge
    Box(top=0, bottom=2, left=1, right=4)
    """

    def span(low: int, high: int, length: int) -> tuple[int, int]:
        first = -(-(low + step.padding - step.kernel + 1) // step.stride)
        last = (high - 1 + step.padding) // step.stride
        return max(0, first), min(length, last + 1)

    return Box(*span(box.top, box.bottom, size[0]), *span(box.left, box.right, size[1]))


def _advance(step: Step, truth: Tensor, patch: Tensor, box: Box, target: Box) -> Tensor:
    """The step's output in ``target``, (M, C, h, w), from the truth's padded input and the fills' input in ``box``."""
    top, left = target.top * step.stride, target.left * step.stride
    bottom = (target.bottom - 1) * step.stride + step.kernel
    right = (target.right - 1) * step.stride + step.kernel
    p = step.padding
    # What of the box the windows see, in padded coordinates.
    y0, y1 = max(box.top + p, top), min(box.bottom + p, bottom)
    x0, x1 = max(box.left + p, left), min(box.right + p, right)
    seen = patch[:, :, y0 - p - box.top : y1 - p - box.top, x0 - p - box.left : x1 - p - box.left]
    if (y0, y1, x0, x1) == (top, bottom, left, right):
        return step(seen, padding=0)
    field = truth[:, :, top:bottom, left:right].expand(len(patch), -1, -1, -1).clone()
    field[:, :, y0 - top : y1 - top, x0 - left : x1 - left] = seen
    return step(field, padding=0)


def scores(
    stack: Stack,
    kept: KeptTruth,
    truth: np.ndarray,
    fills: Sequence[np.ndarray],
    box: Box,
    weights: Sequence[Tensor] | None,
) -> tuple[list[float], list[float]]:
    """LPIPS of each fill, and its map's sum under ``weights``.

    truth: uint8 (H, W, 3), the picture that ``kept`` is of. box: around the hole; a fill that differs from the
    truth elsewhere too is computed in a box of its own, one that differs nowhere scores 0. weights: per tap,
    float64 (h, w), see :func:`hole_weights`; None gives NaN.

    On a CPU each fill goes by itself: oneDNN picks its algorithm by the batch, and no bit of a score may
    depend on which fills came with it. On a GPU those in one box go as one batch.

    >>> bright = Stack((Step(1, 1, 0, torch.ones(1, 3, 1, 1), tap=True),), (torch.ones(1),))  # 0 of black, else 1
    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> fills = [np.where(hole[..., None], np.uint8(255), black), black]
    >>> scores(bright, keep(bright, black), black, fills, Box(0, 1, 1, 2), hole_weights(bright, hole))
    ([0.5, 0.0], [1.0, 0.0])
    """
    whole = [0.0] * len(fills)
    inside = [0.0 if weights is not None else float("nan")] * len(fills)
    batch = []
    for index, filled in enumerate(fills):
        own = box if same_outside(truth, filled, box) else differing(truth, [filled])
        if own.empty or np.array_equal(filled[own.window], truth[own.window]):
            continue
        if own == box and stack.device.type != "cpu":
            batch.append(index)
        else:
            (whole[index],), (inside[index],) = _together(stack, kept, [filled], own, weights)
    if batch:
        found = _together(stack, kept, [fills[index] for index in batch], box, weights)
        for index, one, other in zip(batch, *found, strict=True):
            whole[index], inside[index] = one, other
    return whole, inside


def same_outside(truth: np.ndarray, filled: np.ndarray, box: Box) -> bool:
    """True where no pixel outside the box differs.

    >>> black, fill = np.zeros((1, 3, 3), np.uint8), np.array([[[0, 0, 0], [9, 9, 9], [0, 0, 0]]], np.uint8)
    >>> same_outside(black, fill, Box(0, 1, 1, 2)), same_outside(black, fill, Box(0, 1, 0, 1))
    (True, False)
    """
    rows = slice(box.top, box.bottom)
    return (
        np.array_equal(truth[: box.top], filled[: box.top])
        and np.array_equal(truth[box.bottom :], filled[box.bottom :])
        and np.array_equal(truth[rows, : box.left], filled[rows, : box.left])
        and np.array_equal(truth[rows, box.right :], filled[rows, box.right :])
    )


def _together(
    stack: Stack,
    kept: KeptTruth,
    fills: Sequence[np.ndarray],
    box: Box,
    weights: Sequence[Tensor] | None,
) -> tuple[list[float], list[float]]:
    """:func:`scores` of fills that differ from the truth only in ``box``, as one batch."""
    count = len(fills)
    whole = torch.zeros(count, dtype=torch.float64, device=stack.device)
    inside = torch.full_like(whole, 0 if weights is not None else float("nan"))
    tap = 0
    with torch.inference_mode(), matmul_precision("fp32"):
        patch = stack.input(np.stack([filled[box.window] for filled in fills]))
        for step, field, size in zip(stack.steps, kept.inputs, kept.outputs, strict=True):
            target = reached(step, box, size)
            if target.empty:
                break
            patch = _advance(step, field, patch, box, target)
            box = target
            if step.tap:
                theirs = kept.units[tap][:, :, *box.window]
                distances = distance_map(theirs, unit(patch), stack.heads[tap]).double()
                whole += distances.sum((1, 2)) / (size[0] * size[1])
                if weights is not None:
                    inside += (distances * weights[tap][box.window]).sum((1, 2))
                tap += 1
    return whole.tolist(), inside.tolist()


def hole_weights(stack: Stack, hole: np.ndarray) -> list[Tensor] | None:
    """Per tap, float64 (h, w): what each position adds to the hole's mean of the bilinearly upsampled map.

    LPIPS' spatial map is each tap's map upsampled to the picture's size; its mean over the hole is linear in
    the tap's map, and these are its weights. None for an empty hole.

    >>> halved = Stack((Step(kernel=1, stride=2, padding=0, tap=True),), (torch.ones(1),))  # 4 pixels to 2 places
    >>> [tap.tolist() for tap in hole_weights(halved, np.array([[True, False, False, False]]))]
    [[[1.0, 0.0]]]
    >>> [tap.tolist() for tap in hole_weights(halved, np.array([[False, True, False, False]]))]
    [[[0.75, 0.25]]]
    """
    if not hole.any():
        return None
    box = Box.around(hole)
    share = torch.from_numpy(hole[box.window] / hole.sum())
    return [weights.to(stack.device) for weights in tap_weights(stack, share, hole.shape, box)]


def tap_weights(stack: Stack, share: Tensor, size: Sequence[int], box: Box) -> list[Tensor]:
    """Per tap, float64 (…, h, w): the weights of a mean over the picture that weighs each pixel in ``box`` by
    ``share``, float64 (…, bottom - top, right - left), and none elsewhere. size: height and width of the picture.

    >>> halved = Stack((Step(kernel=1, stride=2, padding=0, tap=True),), (torch.ones(1),))  # 4 pixels to 2 places
    >>> [tap.tolist() for tap in tap_weights(halved, torch.tensor([[0.5, 0.5]]).double(), (1, 4), Box(0, 1, 0, 2))]
    [[[0.875, 0.125]]]
    """
    rows, columns = box.window
    found: dict[tuple[int, int], Tensor] = {}
    sizes = stack.sizes(*size)
    for height, width in dict.fromkeys(sizes):
        down, across = (upsampling(*pair, share.device) for pair in ((height, size[0]), (width, size[1])))
        found[height, width] = down[rows].T @ share @ across[columns]
    return [found[size] for size in sizes]


@lru_cache(maxsize=64)
def upsampling(short: int, long: int, device: torch.device) -> Tensor:
    """The matrix of bilinear upsampling along one axis, float64 (long, short), pixel centres aligned.

    >>> upsampling(2, 4, torch.device("cpu")).tolist()
    [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    return upsampling_rows(short, long, 0, long).to(device)


def upsampling_rows(short: int, long: int, start: int, stop: int) -> Tensor:
    """Some rows of :func:`upsampling`'s matrix, float64 (stop - start, short), on the CPU.

    >>> upsampling_rows(2, 4, 1, 3).tolist()
    [[0.75, 0.25], [0.25, 0.75]]
    """
    # In float32, because torch's own interpolation places its samples so.
    place = ((torch.arange(start, stop, dtype=torch.float32) + 0.5) * (short / long) - 0.5).clamp_min(0)
    low = place.floor().long().clamp_max(short - 1)
    part = (place - low).double()
    matrix = torch.zeros(stop - start, short, dtype=torch.float64)
    rows = torch.arange(stop - start)
    matrix[rows, low] += 1 - part
    matrix[rows, (low + 1).clamp_max(short - 1)] += part
    return matrix
