"""patchmatch: patches copied from the known part, matched at random and from coarse to fine (Barnes et al. 2009),
patchmatch-cython's implementation. The strongest classical reference here."""

from __future__ import annotations

import numpy as np

from variants.method import Reference
from variants.references.extra import lacking
from variants.registry import variant

SEED = 0
"""Its matching is random: one seed for all pictures, so that the same hole is filled alike again."""


@variant("patchmatch")
class PatchMatch(Reference):
    """Copies whole patches, so that texture stays sharp; the seed is fixed."""

    summary = "PatchMatch (Barnes et al. 2009), patchmatch-cython, patches of 5"

    def missing(self) -> str:
        return lacking("patchmatch_cython", "patchmatch-cython")

    def fill(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        from patchmatch_cython import inpaint_pyramid

        if hole.all():
            return np.full(image.shape, 128, np.uint8)
        return np.asarray(inpaint_pyramid(image, hole, seed=SEED))
