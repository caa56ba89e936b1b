"""Progress on stderr: live bars on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from types import TracebackType
from typing import Any

QUIET_S = 10.0
"""Off a terminal, at most one line a task in that many seconds."""


class Reporter:
    """Tasks by name; ``with Reporter("train") as reporter: reporter.update("baseline", 10, 100, "loss 0.1")``."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.live: Any = None
        self.tasks: dict[str, Any] = {}
        self.spoke: dict[str, float] = {}

    def __enter__(self) -> Reporter:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self.live = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.percentage:>3.0f} %"),
                TimeRemainingColumn(compact=True),
                TextColumn("{task.fields[note]}"),
                console=Console(stderr=True),
            )
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live is not None:
            self.live.stop()

    def update(self, task: str, done: float, total: float, note: str = "") -> None:
        """``done`` of ``total`` are finished; off a terminal a line is printed at the end and now and then."""
        if self.live is not None:
            if task not in self.tasks:
                self.tasks[task] = self.live.add_task(f"{self.stage} {task}", total=total, note=note)
            self.live.update(self.tasks[task], completed=done, total=total, note=note)
            return
        now = time.monotonic()
        started = self.tasks.setdefault(task, now)
        if done < total and now - self.spoke.get(task, started) < QUIET_S:
            return
        if self.spoke.get(task) == float("inf"):
            return
        self.spoke[task] = float("inf") if done >= total else now
        say(f"{self.stage} {task}: {100 * done / max(total, 1):.0f} % {note}".rstrip())


def say(text: str) -> None:
    """A line on stderr."""
    with contextlib.suppress(OSError):  # whoever read it has gone, or its disk is full: no reason to stop working
        print(text, file=sys.stderr, flush=True)
