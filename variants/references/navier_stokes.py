"""navier_stokes: isophotes continued by fluid dynamics (Bertalmio, Bertozzi & Sapiro 2001), OpenCV's."""

from __future__ import annotations

import numpy as np

from variants.method import Reference
from variants.references.telea import RADIUS
from variants.registry import variant


@variant("navier_stokes")
class NavierStokes(Reference):
    """Carries edges into the hole; needs no training and takes milliseconds."""

    summary = "Navier-Stokes (Bertalmio et al. 2001), OpenCV, radius 3"

    def fill(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        import cv2

        return cv2.inpaint(image, hole.astype(np.uint8), RADIUS, cv2.INPAINT_NS)
