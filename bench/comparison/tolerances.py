"""How much of a difference still counts as the same, metric by metric, unless the user says otherwise."""

from __future__ import annotations

import re

import numpy as np

from bench.statistics.scores import Facts
from bench.util.errors import UsageError
from variants.registry import suggest

BY_NAME = {
    "ssim": 0.005,
    "ssim_hole": 0.005,
    "lpips": 0.005,
    "lpips_hole": 0.005,
    "l1": 0.001,
    "l1_hole": 0.002,
    "mse": 0.0002,
    "mse_hole": 0.0005,
    "colour_shift_share": 0.02,
    "sharpness": 0.02,
}
"""Half an 8-bit level is 0.002 of the value range; 0.005 of SSIM or LPIPS is the third decimal that papers print."""

BY_UNIT = {"dB": 0.1, "ΔE00": 0.2, "levels": 0.5, "8-bit levels": 0.5}
"""0.1 dB is the last decimal that papers argue about, 0.5 is half an 8-bit level, and 1 ΔE00 is about what an
eye can see side by side."""

SHARE = 0.01
"""Of the reference's mean, for a metric of which nothing is known."""


def tolerance(facts: Facts, reference_mean: float, wanted: dict[str, float] | None = None) -> float:
    """The difference, in the metric's unit, below which two sides are the same."""
    for table in (wanted or {}, BY_NAME):
        for name in (facts.name, facts.name.removesuffix("_corrected")):
            if name in table:
                return table[name]
    if facts.unit in BY_UNIT:
        return BY_UNIT[facts.unit]
    return SHARE * abs(reference_mean) if np.isfinite(reference_mean) else 0.0


def read_tolerances(options: list[str], metrics: list[str]) -> dict[str, float]:
    """``METRIC=VALUE`` options as a dictionary. Raises UsageError for a wrong name or value."""
    found = {}
    for option in options:
        match = re.fullmatch(r"\s*(\w+)\s*=\s*(\d*\.?\d+(?:[eE][-+]?\d+)?)\s*", option)
        if not match:
            raise UsageError(f"--tolerance '{option}' is not METRIC=VALUE with a value of 0 or more: psnr_hole=0.05")
        name, value = match.groups()
        if name not in metrics:
            raise UsageError(f"--tolerance: {suggest('metric', name, metrics)}")
        found[name] = float(value)
    return found
