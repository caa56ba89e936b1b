"""Packages that stronger references need, and how to get them."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np


def lacking(package: str, distribution: str) -> str:
    """'' where ``package`` can be imported, else what to install, as a clause."""
    if importlib.util.find_spec(package) is not None:
        return ""
    return f"it needs {distribution}, which is not installed (pip install {distribution})"


def lacking_xphoto() -> str:
    """'' where OpenCV has its ``xphoto`` module, else what to install, as a clause."""
    import cv2

    if hasattr(cv2, "xphoto"):
        return ""
    return (
        "it needs OpenCV's contrib modules, which are not installed (pip uninstall opencv-python-headless, then "
        "pip install opencv-contrib-python-headless)"
    )


def xphoto_filled(image: np.ndarray, hole: np.ndarray, how: str) -> np.ndarray:
    """What ``cv2.xphoto.inpaint`` makes of an image, uint8 (H, W, 3) in the colours it asks for. how: its constant."""
    import cv2

    xphoto: Any = getattr(cv2, "xphoto")  # noqa: B009 (the plain package's types lack it)
    filled = np.zeros_like(image)
    # Its mask is of known pixels.
    xphoto.inpaint(image, np.where(hole, 0, 255).astype(np.uint8), filled, getattr(xphoto, how))
    return filled
