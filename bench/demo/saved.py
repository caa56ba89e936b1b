"""Saved pictures: PNG files that say how they were filled, and the fill repeated from one.

The text chunk ``inpaint-bench`` holds JSON: ``schema``, ``version`` (of this package) and ``steps``, the fills in
their order, each with ``method``, ``seed``, ``weights_sha256``, ``size`` (the side it was filled at, pixels),
``corrected`` (colour correction was on) and ``hole`` (a PNG in base64, white where missing). What lay under a hole is
not in the file. The last fill can be repeated from it: a method sees known pixels alone, and those are there.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import bench
from bench.demo.uploads import MOST_PIXELS
from bench.util.errors import UsageError

KEY = "inpaint-bench"
SCHEMA = 1


@dataclass(frozen=True)
class Made:
    """How a hole was filled. hole_file: the hole as PNG, which takes a thousandth of its pixels."""

    method: str
    seed: int
    weights_sha256: str
    size: int
    corrected: bool
    hole_file: bytes

    @property
    def hole(self) -> np.ndarray:
        """bool, of the picture's size."""
        return read_hole_png(self.hole_file)


SIZES = range(16, 1025)
"""Sides, in pixels, that holes can be filled at."""


def hole_png(hole: np.ndarray) -> bytes:
    """A hole as PNG, white where missing."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(hole).save(stream, "PNG")
    return stream.getvalue()


def read_hole_png(data: bytes) -> np.ndarray:
    """bool (H, W) from a grey PNG, or from strokes: missing where their alpha is above 127. Raises UsageError."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError("too large")
            if image.mode == "RGBA":
                return np.asarray(image)[..., 3] > 127
            return np.asarray(image.convert("L")) > 127
    except Exception as error:  # decoders raise a dozen unrelated types
        raise UsageError("The hole could not be read.") from error


def save_png(picture: np.ndarray, steps: Sequence[Made]) -> bytes:
    """The picture as PNG with what was done to it."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    facts = {"schema": SCHEMA, "version": bench.__version__, "steps": [as_dict(step) for step in steps]}
    about = PngInfo()
    about.add_itxt(KEY, json.dumps(facts), zip=True)
    stream = io.BytesIO()
    # Twice as fast as the usual level and hardly larger on photographs.
    Image.fromarray(picture).save(stream, "PNG", pnginfo=about, compress_level=3)
    return stream.getvalue()


def as_dict(step: Made) -> dict[str, Any]:
    """A step as the JSON text of a saved PNG has it; the hole is a PNG in base64."""
    return {
        "method": step.method,
        "seed": step.seed,
        "weights_sha256": step.weights_sha256,
        "size": step.size,
        "corrected": step.corrected,
        "hole": base64.b64encode(step.hole_file).decode(),
    }


def read_steps(file: Path) -> list[Made]:
    """The steps that a saved picture tells of; none for any other file, or where they make no sense."""
    from PIL import Image

    try:
        with Image.open(file, formats=["PNG"]) as image:
            shape = (image.height, image.width)
            facts = json.loads(image.info[KEY])
        return [from_dict(step, shape) for step in facts["steps"]] if facts["schema"] == SCHEMA else []
    except Exception:  # another's file, or a damaged one: a picture like any other
        return []


def from_dict(step: dict[str, Any], shape: tuple[int, int]) -> Made:
    """Raises ValueError, KeyError or TypeError for what was not written here."""
    file = base64.b64decode(step["hole"], validate=True)
    hole = read_hole_png(file)
    if hole.shape != shape or not hole.any():
        raise ValueError("the hole is not of this picture")
    kinds = {"method": str, "seed": int, "weights_sha256": str, "size": int, "corrected": bool}
    for key, kind in kinds.items():
        if not isinstance(step[key], kind):
            raise TypeError(key)
    if step["size"] not in SIZES:
        raise ValueError("holes are not filled at such a size")
    return Made(hole_file=file, **{key: step[key] for key in kinds})
