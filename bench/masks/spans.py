"""Shapes that cover one run of columns per row: rectangles, circles, ellipses.

A mask type of such shapes gives its runs, and is registered as the holes that they fill::

    @mask("rect")
    @filled
    def rect(size, seed, indices) -> Runs:

Runs are far smaller than the holes, so a training on a GPU is sent runs and fills them there.

All of a hole's arithmetic, here and in the files beside, is whole numbers, or +, -, *, / and sqrt of floats,
which IEEE 754 rounds one way only. sin and cos, whose last bit is the maths library's own, are rounded to
whole numbers before use. So a hole has the same bits on every platform and under every library version.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from bench.masks.registry import MaskType

Runs = tuple[np.ndarray, np.ndarray]
"""The first and the last column of each row's run, both included: whole numbers (N, H), which may lie outside the
picture; a row whose last lies before its first stays known."""

RunType = Callable[[tuple[int, int], int, np.ndarray], Runs]


def filled(runs: RunType) -> MaskType:
    """The mask type whose holes are ``runs``, filled.

    >>> second_and_third = filled(lambda size, seed, indices: (np.array([[1]]), np.array([[2]])))
    >>> second_and_third((1, 4), 0, np.arange(1)).astype(int).tolist()
    [[[0, 1, 1, 0]]]
    """

    @functools.wraps(runs)
    def holes(size: tuple[int, int], seed: int, indices: np.ndarray) -> np.ndarray:
        return fill(*runs(size, seed, indices), size[1])

    return holes


def runs_of(mask_type: MaskType) -> RunType | None:
    """What a mask type fills, or None where its shapes are not made of runs.

    >>> runs_of(lambda size, seed, indices: np.zeros((1, *size), bool)) is None
    True
    """
    return getattr(mask_type, "__wrapped__", None)


def fill(first: np.ndarray, last: np.ndarray, width: int) -> np.ndarray:
    """The holes of :data:`Runs`: bool (N, H, width).

    >>> fill(np.array([[1, 2]]), np.array([[2, 1]]), width=4).astype(int).tolist()  # a run, and none
    [[[0, 1, 1, 0], [0, 0, 0, 0]]]
    """
    start = np.clip(first, 0, width)
    length = np.clip(np.clip(last, -1, width - 1) - start + 1, 0, width)
    covered = length > 0
    top, bottom = covered.argmax(axis=1), covered.shape[1] - covered[:, ::-1].argmax(axis=1)
    left = np.where(covered, start, width).min(axis=1, initial=width)
    right = np.where(covered, start + length, 0).max(axis=1, initial=0)
    solid = (length.sum(axis=1) == (bottom - top) * (right - left)).tolist()
    start, length = start.astype(np.uint16)[..., None], length.astype(np.uint16)[..., None]
    columns = np.arange(width, dtype=np.uint16)
    holes = np.zeros((*first.shape, width), bool)
    shapes = zip(holes, solid, start, length, top, bottom, left, right, strict=True)
    for hole, whole, begin, count, y0, y1, x0, x1 in shapes:
        box = hole[y0:y1, x0:x1]
        if whole:
            box[...] = True
        else:
            # A column lies in the run when its distance from the start, taken as unsigned, is below the length.
            np.less(columns[x0:x1] - begin[y0:y1], count[y0:y1], out=box)
    return holes
