"""What trainings report as TensorBoard's event files, which mirror each training's history.csv.

A training that goes on writes its file anew, up to its history and on from there, so that each step stands in it once
however often it was interrupted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from bench.runs.trained import training_folder
from bench.util.errors import UsageError
from variants.history import History

FOLDER = "tensorboard"
FLUSH_S = 5
"""How long what is written may take to reach the file, for whoever watches."""

UNPLOTTED = ("step", "epoch", "seconds")


def require() -> None:
    """Raises UsageError where TensorBoard is not installed."""
    try:
        import tensorboard  # noqa: F401
    except ImportError as error:
        raise UsageError("--tensorboard requires TensorBoard: pip install 'inpaint-bench[tensorboard]'") from error


class Events:
    """The event files of the run in ``run``: ``tensorboard/<variant>@<seed>/``, one scalar per column of the history.

    ``with Events(run) as events: events.add(progress)``.
    """

    def __init__(self, run: Path) -> None:
        self.run = run
        self.writers: dict[tuple[str, int], Any] = {}
        self.reached: dict[tuple[str, int], int] = {}

    def __enter__(self) -> Events:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self.writers.values():
            writer.close()

    def add(self, progress: Any) -> None:
        """Write the row that a training reports, if it does."""
        if progress.row:
            key, step = (progress.name, progress.seed), int(progress.row["step"])
            # A training that a cluster began again may report steps that it had reported.
            if step <= self.reached.get(key, step):
                self.begin(*key, before=step)
            self.write(key, progress.row)

    def mirror(self, name: str, seed: int) -> None:
        """Write the whole history of a training that is not going on, where there are no events of it."""
        if not any(self.folder(name, seed).glob("events.*")):
            self.begin(name, seed)

    def folder(self, name: str, seed: int) -> Path:
        """Where one training's event files lie, as TensorBoard's run name NAME@SEED."""
        return self.run / FOLDER / f"{name}@{seed}"

    def begin(self, name: str, seed: int, before: float = math.inf) -> None:
        """A new file in place of what is there, with the rows of the history before step ``before``."""
        from torch.utils.tensorboard import SummaryWriter

        key, folder = (name, seed), self.folder(name, seed)
        if key in self.writers:
            self.writers[key].close()
        for file in folder.glob("events.*"):
            file.unlink()
        # purge_step: a TensorBoard that has read the old file forgets it.
        self.writers[key] = SummaryWriter(str(folder), purge_step=0, flush_secs=FLUSH_S)
        for row in History(training_folder(self.run, name, seed) / "history.csv").rows:
            if int(row["step"]) < before:
                self.write(key, row)

    def write(self, key: tuple[str, int], row: Mapping[str, Any]) -> None:
        """Add one row of history.csv as scalars at its step; empty cells are left out."""
        step = int(row["step"])
        for column, value in row.items():
            if column not in UNPLOTTED and value not in ("", None):
                self.writers[key].add_scalar(column, float(value), step)
        self.reached[key] = step
