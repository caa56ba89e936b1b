"""shift_map: the picture shifted over itself, along the offsets that most of its patches share (He & Sun 2012),
OpenCV's. Seconds per picture."""

from __future__ import annotations

import numpy as np

from variants.method import Reference
from variants.references.extra import lacking_xphoto, xphoto_filled
from variants.registry import variant


@variant("shift_map")
class ShiftMap(Reference):
    """Copies from few offsets that suit the whole picture; needs OpenCV's contrib modules."""

    summary = "statistics of patch offsets (He & Sun 2012), OpenCV contrib"

    def missing(self) -> str:
        return lacking_xphoto()

    def fill(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        import cv2

        # OpenCV asks for CIELAB.
        filled = xphoto_filled(cv2.cvtColor(image, cv2.COLOR_RGB2LAB), hole, "INPAINT_SHIFTMAP")
        # 8-bit CIELAB loses levels, so known pixels are put back.
        return np.where(hole[..., None], cv2.cvtColor(filled, cv2.COLOR_LAB2RGB), image)
