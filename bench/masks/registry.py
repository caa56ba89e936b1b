"""The registry of mask types, and the one door through which holes are drawn.

A mask type is a function ``(size, seed, indices) -> holes``::

    @mask("rect")
    def rect(size: tuple[int, int], seed: int, indices: np.ndarray) -> np.ndarray:
        '''One upright rectangle (what the type is, its source).'''

``size`` is (height, width) in pixels, ``holes`` bool (len(indices), height, width), True where the picture
is missing. Row i depends on (seed, mask type, indices[i], size) alone: draw with :mod:`bench.util.draws`. An index is
any whole number from 0 up to 2**63 - 1: in suites a digest of the picture's id, in trainings the sample's number.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bench.util.errors import BenchError
from bench.util.guard import guarded
from variants.registry import Registry

MaskType = Callable[[tuple[int, int], int, np.ndarray], np.ndarray]

mask: Registry[MaskType] = Registry("mask", "bench.masks", "mask type", "a function of size, seed and indices")


def draw(name: str, size: tuple[int, int], seed: int, indices: np.ndarray | list[int] | range) -> np.ndarray:
    """Holes of type ``name``, bool (len(indices), H, W), none of them empty.

    Raises UnknownName for a wrong name, BenchError where a mask type (a plug-in's, say) does not keep to this.

    >>> draw("standard", (4, 4), seed=0, indices=[7])[0].astype(int).tolist()
    [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    """
    wanted = np.asarray(indices, dtype=np.int64)
    draw_them = mask.get(name)
    with guarded(mask, name):
        holes = draw_them(size, seed, wanted)
    if not isinstance(holes, np.ndarray) or holes.dtype != bool or holes.shape != (len(wanted), *size):
        got = f"{holes.dtype} {holes.shape}" if isinstance(holes, np.ndarray) else type(holes).__name__
        raise BenchError(
            f"the mask type '{name}' ({mask.origin(name)}) gave {got} "
            f"where a NumPy array bool {(len(wanted), *size)} was asked for"
        )
    for index, hole in zip(wanted, holes, strict=True):
        if not hole.any():
            raise BenchError(
                f"the mask type '{name}' ({mask.origin(name)}) gave an empty hole "
                f"for index {index} at {size[1]}x{size[0]} pixels"
            )
    return holes
