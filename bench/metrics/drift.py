"""The drift of a method: raw less the truth on the known pixels, which it was given, in 8-bit levels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bench.metrics.card import Hole, Truth
from bench.metrics.scratch import SCRATCH

NOTHING_LEVELS = 1e-3
"""A mean magnitude below which there is no drift but the rounding of float32."""


@dataclass(frozen=True)
class Drift:
    """Sums over the known pixels, in levels, of the drift e and the truth t.

    total: of |e| over channels too; not finite where any value of raw, in the hole as well, is not. The others are
    per channel, float64 (3,): of e, e², e t; None where there is no drift to speak of. known: pixels.
    """

    known: int
    total: float
    e: np.ndarray | None = None
    ee: np.ndarray | None = None
    et: np.ndarray | None = None

    @property
    def mean_levels(self) -> float:
        """Mean |e| over known pixels and channels; NaN for a full hole."""
        return self.total / (3 * self.known) if self.known else float("nan")


def measure_drift(truth: Truth, hole: Hole, raw: np.ndarray) -> Drift:
    """The sums for raw, float32 (H, W, 3) in [0, 1], contiguous."""
    import cv2

    if "unit" not in truth.kept:
        truth.kept["unit"] = truth.picture.astype(np.float32) / np.float32(255)
    unit = truth.kept["unit"]
    error = np.subtract(hole.box.of(raw), hole.box.of(unit))
    error *= hole.weights(np.float32)
    total = 255.0 * (cv2.norm(raw, unit, cv2.NORM_L1) - (cv2.norm(error, cv2.NORM_L1) if hole.area else 0.0))
    drift = Drift(hole.known, max(total, 0.0) if math.isfinite(total) else total)
    if not drift.mean_levels >= NOTHING_LEVELS:
        return drift
    e = np.subtract(raw, unit, out=SCRATCH.array("drift", raw.shape, np.float32))
    here = hole.box.of(e)
    here -= error
    rows = e.reshape(len(e), -1)
    return Drift(
        drift.known,
        drift.total,
        255 * per_channel(cv2.reduce(rows, 0, cv2.REDUCE_SUM)),
        255**2 * per_channel(np.einsum("ij,ij->j", rows, rows)),
        # e is zero in the hole, so the truth need not be masked there.
        255**2 * per_channel(np.einsum("ij,ij->j", rows, unit.reshape(rows.shape))),
    )


def per_channel(columns: np.ndarray) -> np.ndarray:
    """Sums per column of (H, 3 W) to sums per channel, float64 (3,)."""
    return columns.reshape(-1, 3).sum(axis=0, dtype=np.float64)
