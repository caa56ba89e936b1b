"""mean_fill: the mean colour of the known pixels. What every method must beat."""

from __future__ import annotations

import numpy as np

from variants.method import Reference
from variants.registry import variant


@variant("mean_fill")
class MeanFill(Reference):
    """One colour for the whole hole; grey where no pixel is known."""

    summary = "mean colour of the known pixels"

    def fill(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        known = image[~hole]
        mean = known.mean(axis=0) if len(known) else np.full(3, 127.5)
        filled = image.astype(np.float32)
        filled[hole] = mean
        filled /= 255
        return filled
