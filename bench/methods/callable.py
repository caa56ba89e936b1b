"""Any function of (picture, hole) as a method.

It takes the blanked picture, float32 (N, 3, H, W) in [0, 1], and the hole, float32 (N, 1, H, W), 1 where missing, and
gives the picture, float32 (N, 3, H, W) in [0, 1].
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from variants.errors import ExternalError, FillError
from variants.method import Findings, Method

OUTSIDE = 0.05
"""How far beyond [0, 1] an output may lie before it is spoken of: a little is usual, and clipped."""


def safe_name(text: str) -> str:
    """A name for records and folders out of a file's stem."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("._-") or "method"


class CallableMethod(Method):
    """Any function of (picture, hole) tensors as a method; pictures are padded to ``multiple`` by reflection.

    problems: why a picture was not filled, by (mask type, picture id); its raw is NaN.
    """

    def __init__(self, name: str, function: Callable[..., Any], device: str = "cpu", multiple: int = 8) -> None:
        self.name = safe_name(name)
        self.function = function
        self.device = device
        self.multiple = multiple
        self.outside = (0.0, 1.0)
        self.problems: dict[tuple[str, str], str] = {}
        self.works = False

    def fill(self, images: np.ndarray, holes: np.ndarray, ids: list[str] | None = None, mask: str = "") -> np.ndarray:
        """Raises FillError for a function that has not filled any picture yet, or where pictures have no ``ids``."""
        raw = np.full(images.shape, np.nan, np.float32)
        first: FillError | None = None
        # One at a time: nothing is known of how the function treats a batch.
        for k, (out, image, hole) in enumerate(zip(raw, images, holes, strict=True)):
            try:
                out[:] = self.paint(image, hole)
                self.works = True
            except FillError as error:
                first = first or error
                if ids is None:
                    raise
                self.problems[mask, ids[k]] = str(error)
        if first is not None and not self.works:
            raise first
        return raw

    def findings(self) -> Findings:
        return Findings(self.problems, low=self.outside[0], high=self.outside[1])

    def paint(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        """One picture, float32 (H, W, 3)."""
        import torch

        from variants.network_method import reflect

        height, width = hole.shape
        pad = (0, -width % self.multiple, 0, -height % self.multiple)
        x = torch.from_numpy(np.where(hole[..., None], np.uint8(0), image)).to(self.device)
        x = x.permute(2, 0, 1)[None].float().div(255)
        h = torch.from_numpy(hole)[None, None].to(self.device).float()
        if any(pad):
            x, h = reflect(x, pad), reflect(h, pad)
        try:
            with torch.inference_mode():
                y = torch.as_tensor(self.function(x, h))
        except (Exception, SystemExit) as error:
            what = " ".join(f"{type(error).__name__}: {error}".split())
            raise FillError(f"{self.name} failed on a picture of {width} x {height}: {what}") from error
        if y.shape != x.shape:
            raise FillError(
                f"{self.name} gave a picture of shape {tuple(y.shape)}, not {tuple(x.shape)} (N, 3, H, W), in [0, 1]"
            )
        out = y[0, :, :height, :width].permute(1, 2, 0).float().cpu().numpy()
        finite = out[np.isfinite(out)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        if low < -OUTSIDE or high > 1 + OUTSIDE:
            self.outside = min(low, self.outside[0]), max(high, self.outside[1])
        return out


def existing(argument: str, kind: str) -> Path:
    file = Path(argument)
    if not file.is_file():
        raise ExternalError(f"{kind}:{argument} names a file that does not exist")
    return file
