"""fsr: frequency-selective reconstruction (Seiler et al. 2015), OpenCV's fast setting. Seconds per picture."""

from __future__ import annotations

import numpy as np

from variants.method import Reference
from variants.references.extra import lacking_xphoto, xphoto_filled
from variants.registry import variant


@variant("fsr")
class Fsr(Reference):
    """Continues texture by few frequencies; needs OpenCV's contrib modules."""

    summary = "frequency-selective reconstruction (Seiler et al. 2015), OpenCV contrib, fast"

    def missing(self) -> str:
        return lacking_xphoto()

    def fill(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        # It works on YCrCb made from BGR.
        filled = xphoto_filled(np.ascontiguousarray(image[:, :, ::-1]), hole, "INPAINT_FSR_FAST")
        # It rounds in YCrCb, so known pixels are put back.
        return np.where(hole[..., None], filled[:, :, ::-1], image)
