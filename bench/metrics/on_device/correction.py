"""Colour correction of a batch: the fits of :mod:`bench.metrics.correction` on a device."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bench.metrics.correction import CONSTANT, LEAST_SPREAD_LEVELS


def gains_and_offsets(raw: Tensor, truth: Tensor, known: Tensor, drifted: Mapping[str, Tensor]) -> Tensor:
    """Gain and offset per channel, float64 (R, 3, 2), of values in [0, 1].

    raw float32 (R, H, W, 3); truth, levels, int32 (R, H, W, 3); known bool (R, H, W, 1). drifted: the sums of raw
    rounded to levels (``q``, ``qq``) and of squared differences, (R, 3). Not finite where nothing is known.
    """
    n = known.sum((1, 2)).double()
    t = (truth * known).sum((1, 2), dtype=torch.int64).double()
    tt = (truth * truth * known).sum((1, 2), dtype=torch.int64).double()
    q, qq, squares = (drifted[name].double() for name in ("q", "qq", "drift squares"))
    spread = n * qq - q * q
    gain = (n * ((qq + tt - squares) / 2) - q * t) / spread
    quick = torch.stack([gain, (t - gain * q) / (255 * n)], dim=-1)
    flat = (spread < (LEAST_SPREAD_LEVELS * n) ** 2).any(1)
    return torch.where(flat[:, None, None], exact_fit(raw, truth, known, n), quick)


def exact_fit(raw: Tensor, truth: Tensor, known: Tensor, n: Tensor) -> Tensor:
    """The fit from raw as it is, not rounded."""
    r, t = raw.double(), truth.double() / 255
    r_mean, t_mean = ((values * known).sum((1, 2)) / n for values in (r, t))
    r = (r - r_mean[:, None, None]) * known
    spread = (r * r).sum((1, 2)) / n
    slope = (r * (t - t_mean[:, None, None])).sum((1, 2)) / n
    gain = torch.where(spread > CONSTANT, slope / spread.clamp_min(CONSTANT), 1.0)
    return torch.stack([gain, t_mean - gain * r_mean], dim=-1)


def corrected_levels(raw: Tensor, fitted: Tensor) -> Tensor:
    """Raw after gain and offset, rounded to 8 bits, int32 (R, H, W, 3): in float32, like the plain path."""
    lines = (fitted * 255).float()[:, None, None]
    painted = raw * lines[..., 0]
    painted += lines[..., 1]
    return painted.nan_to_num(0.0).clamp(0, 255).round().int()
