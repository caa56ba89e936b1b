"""When a training keeps its state: every so many steps or seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Every:
    """How often a state is kept: after so many steps, after so many seconds, whichever comes first. None: never."""

    seconds: float | None = 20.0
    steps: int | None = None


class Due:
    """Says when ``every`` has passed since the last state."""

    def __init__(self, every: Every) -> None:
        self.every = every
        self.steps, self.since = 0, time.perf_counter()

    def stepped(self) -> bool:
        """Called after each step. True where a state is due; counting begins anew then."""
        self.steps += 1
        seconds, steps = self.every.seconds, self.every.steps
        due = (steps is not None and self.steps >= steps) or (
            seconds is not None and time.perf_counter() - self.since > seconds
        )
        if due:
            self.steps, self.since = 0, time.perf_counter()
        return due
