"""How often trainings keep a state, as it is written: ``500``, ``30s``, ``10m``, ``500,10m``."""

from __future__ import annotations

import re

from bench.util.errors import UsageError
from variants.checkpoint_every import Every

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def every(text: str | None) -> Every:
    """``500`` steps, ``30s``, ``10m`` or ``1h``, or a number of steps and a time. Raises UsageError."""
    if text is None:
        return Every()
    steps: int | None = None
    seconds: float | None = None
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", part)
        number = float(match[1]) if match else 0.0
        if match is None or number <= 0 or (not match[2] and number != int(number)):
            raise UsageError(f"--checkpoint-every {text}: give steps (500), a time (30s, 10m, 1h), or both (500,10m)")
        if match[2]:
            seconds = number * UNITS[match[2]]
        else:
            steps = int(number)
    return Every(seconds, steps)
