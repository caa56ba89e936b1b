"""What of a batch depends on pixels, one row a fill: integer sums, SSIM, drift, and the sums after correction.

Integers are added up as such and handed on in float64, which holds them exactly up to 2^53, the squares of a picture
of 10^11 pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bench.metrics.on_device.correction import corrected_levels, gains_and_offsets
from bench.metrics.on_device.ssim import picture_and_hole
from bench.metrics.protocol import Protocol

if TYPE_CHECKING:
    from bench.metrics.on_device.batch import Batch


def figures(batch: Batch, protocol: Protocol) -> dict[str, Tensor]:
    """Name -> (K, width), see the code for what each adds up; NaN throughout where a fill has no raw."""
    truth, hole, filled = batch.truth.int(), batch.hole[..., None], batch.filled.int()
    owner = batch.owner
    error = filled - truth[owner]
    here = hole[owner]
    of_truth = {
        "truth colours": colours(truth * hole),
        "truth energy": energy(truth, hole),
        "truth steps": steps(truth, hole),
        "pairs": pairs(hole),
    }
    return {
        **{name: values[owner] for name, values in of_truth.items()},
        **region("image", error),
        **region("hole", error * here),
        "colours": colours(filled * here),
        "levels": total(filled) + total(truth)[owner],
        "energy": energy(filled, here),
        "steps": steps(filled, here),
        "ssim": picture_and_hole(batch.truth, batch.filled, batch.hole, owner, protocol.window),
        **{name: spread(values, batch) for name, values in raw_figures(batch, truth, here).items()},
    }


def raw_figures(batch: Batch, truths: Tensor, holes: Tensor) -> dict[str, Tensor]:
    """The same of the fills that have a raw output, (R, width)."""
    raw, here = batch.raw, holes[batch.raw_of]
    truth, known = truths[batch.owner[batch.raw_of]], ~here
    levels = to_levels(raw)
    q, t = levels * known, truth * known
    drifted = {
        "broken": total(~raw.isfinite().all(-1, keepdim=True)),
        "drift": total((q - t).abs()),
        "q": colours(q),
        "qq": colours(q * q),
        "drift squares": colours((q - t).square()),
    }
    fitted = gains_and_offsets(raw, truth, known, drifted)
    painted = corrected_levels(raw, fitted) * here
    return {
        **drifted,
        "fitted": fitted.flatten(1),
        **region("corrected", painted - truth * here),
        "corrected colours": colours(painted),
    }


def spread(values: Tensor, batch: Batch) -> Tensor:
    """Rows of the fills with raw among those of all fills."""
    whole = values.new_full((len(batch.owner), values.shape[1]), torch.nan, dtype=torch.float64)
    return whole.index_copy_(0, batch.raw_of, values.double())


def to_levels(raw: Tensor) -> Tensor:
    """Rounded to 8 bits, ties to even, int32; NaN becomes 0."""
    return (raw.nan_to_num(0.0) * 255).clamp(0, 255).round().int()


def total(values: Tensor) -> Tensor:
    """(N, H, W, C) -> (N, 1), exact."""
    return values.sum((1, 2, 3), dtype=torch.int64)[:, None]


def colours(values: Tensor) -> Tensor:
    """(N, H, W, 3) -> (N, 3), exact."""
    return values.sum((1, 2), dtype=torch.int64)


def region(name: str, error: Tensor) -> dict[str, Tensor]:
    return {f"{name} squares": total(error.square()), f"{name} absolutes": total(error.abs())}


def energy(levels: Tensor, hole: Tensor) -> Tensor:
    """Squared differences of neighbours that both lie in the hole (bench.metrics.sharpness)."""
    right = (levels[:, :, 1:] - levels[:, :, :-1]) * (hole[:, :, 1:] & hole[:, :, :-1])
    below = (levels[:, 1:] - levels[:, :-1]) * (hole[:, 1:] & hole[:, :-1])
    return total(right.square()) + total(below.square())


def steps(levels: Tensor, hole: Tensor) -> Tensor:
    """Absolute differences of neighbours of which one lies in the hole (bench.metrics.seam)."""
    right = (levels[:, :, 1:] - levels[:, :, :-1]) * (hole[:, :, 1:] ^ hole[:, :, :-1])
    below = (levels[:, 1:] - levels[:, :-1]) * (hole[:, 1:] ^ hole[:, :-1])
    return total(right.abs()) + total(below.abs())


def pairs(hole: Tensor) -> Tensor:
    """How many such neighbours there are."""
    return total(hole[:, :, 1:] ^ hole[:, :, :-1]) + total(hole[:, 1:] ^ hole[:, :-1])
