"""shift_map: the picture shifted over itself, along the offsets that most of its patches share (He & Sun 2012),
OpenCV's. Seconds per picture."""

from __future__ import annotations

from typing import Any

import numpy as np

from variants.method import Reference
from variants.references.extra import lacking_xphoto
from variants.registry import variant


@variant("shift_map")
class ShiftMap(Reference):
    summary = "statistics of patch offsets (He & Sun 2012), OpenCV contrib"

    def missing(self) -> str:
        return lacking_xphoto()

    def fill(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        import cv2

        xphoto: Any = getattr(cv2, "xphoto")  # noqa: B009 (the plain package's types lack it)
        # OpenCV asks for CIELAB, and its mask is of known pixels.
        given = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
        filled = np.zeros_like(given)
        xphoto.inpaint(given, np.where(hole, 0, 255).astype(np.uint8), filled, xphoto.INPAINT_SHIFTMAP)
        # 8-bit CIELAB loses levels, so known pixels are put back.
        return np.where(hole[..., None], cv2.cvtColor(filled, cv2.COLOR_LAB2RGB), image)
