"""telea: fast marching inpainting (Telea 2004), OpenCV's implementation."""

from __future__ import annotations

import numpy as np

from variants.method import Reference
from variants.registry import variant

RADIUS = 3


@variant("telea")
class Telea(Reference):
    """Weighted means of known neighbours from the edge inwards: a trained model should beat it."""

    summary = "fast marching (Telea 2004), OpenCV, radius 3"

    def fill(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        import cv2

        return cv2.inpaint(image, hole.astype(np.uint8), RADIUS, cv2.INPAINT_TELEA)
