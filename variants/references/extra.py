"""Packages that stronger references need, and how to get them."""

from __future__ import annotations

import importlib.util


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
