"""fsr: frequency-selective reconstruction (Seiler et al. 2015), OpenCV's fast setting. Seconds per picture."""

from __future__ import annotations

from typing import Any

import numpy as np

from variants.method import Reference
from variants.references.extra import lacking_xphoto
from variants.registry import variant


@variant("fsr")
class Fsr(Reference):
    summary = "frequency-selective reconstruction (Seiler et al. 2015), OpenCV contrib, fast"

    def missing(self) -> str:
        return lacking_xphoto()

    def fill(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        import cv2

        xphoto: Any = getattr(cv2, "xphoto")  # noqa: B009 (the plain package's types lack it)
        # It works on YCrCb made from BGR, and its mask is of known pixels.
        given = np.ascontiguousarray(image[:, :, ::-1])
        filled = np.zeros_like(given)
        xphoto.inpaint(given, np.where(hole, 0, 255).astype(np.uint8), filled, xphoto.INPAINT_FSR_FAST)
        # It rounds in YCrCb, so known pixels are put back.
        return np.where(hole[..., None], filled[:, :, ::-1], image)
