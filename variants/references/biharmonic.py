"""biharmonic: the smoothest surface through the known pixels (Damelin & Hoang 2018), scikit-image's."""

from __future__ import annotations

import numpy as np

from variants.method import Reference
from variants.registry import variant


@variant("biharmonic")
class Biharmonic(Reference):
    """Smooth and slow, with a solve as large as the hole; a hole that is all of the picture becomes grey."""

    summary = "biharmonic equation (Damelin & Hoang 2018), scikit-image"

    def fill(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        from skimage.restoration import inpaint_biharmonic

        if hole.all():
            return np.full(image.shape, 0.5, np.float32)
        filled = inpaint_biharmonic(image / np.float32(255), hole, channel_axis=-1)
        return np.clip(filled, 0, 1).astype(np.float32)
