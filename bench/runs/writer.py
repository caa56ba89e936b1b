"""Writing a run folder: its manifest, what it may be continued with, and how long its stages took."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.runs import provenance
from bench.runs.lock import RunLock
from bench.runs.manifest import Manifest, read_manifest, write_manifest
from bench.util.errors import UsageError
from bench.util.files import finite, require_writable
from variants.atomic import is_temporary

CONTENTS = (
    "checkpoints",
    "records",
    "sets",
    "samples",
    "cache",
    "tensorboard",
    "throughput.parquet",
    "summary.json",
    "report.html",
    "run.json",
    "shard.json",
    "asked.json",
)

EXECUTION = ("workers", "samples", "throughput_s", "name")
"""Profile keys that change how a run goes, not what its numbers are."""


KEPT = ("trained_on", "training", "samples", "throughput_of", "variants", "metrics", "missing", "partly", "stages")
"""What a run that goes on keeps of run.json."""


class RunWriter:
    """The manifest of the run at ``path``, written at every change."""

    def __init__(self, path: Path, manifest: Manifest | None = None) -> None:
        self.path = path
        self.manifest = manifest or Manifest(name=path.name, suite=None)
        self.lock: RunLock | None = None

    def begin(self, start: Manifest, fresh: bool = False, wait: bool = False) -> bool:
        """Start the run, or go on with the one that is there. True where it goes on. The run's lock is held from here
        until :meth:`close`; wait: for another process that holds it.

        start: the profile and what the suite is; what is known of command and machine is added. Raises UsageError
        where the folder holds a run of other settings, or something that is no run.
        """
        file = self.path / "run.json"
        if self.path.exists() and not self.path.is_dir():
            raise UsageError(f"{self.path} is a file, not a run folder: choose another --out")
        if not file.is_file() and self.path.is_dir() and any(map(foreign, self.path.iterdir())):
            raise UsageError(f"{self.path} contains other files and no run.json: choose another --out")
        require_writable(self.path)
        self.hold(wait)
        if fresh:
            clear(self.path)
        before: Manifest | None = None
        if file.is_file():
            try:
                before = read_manifest(file)
            except UsageError as error:
                raise UsageError(f"{error}: choose another --out, or remove that folder") from error
            self.refuse_other(before, start)
        now = stamp()
        self.manifest = dataclasses.replace(
            start,
            name=self.path.name,
            command=provenance.command_line(),
            created=before.created if before else now,
            versions=provenance.versions(),
            machine=provenance.machine(),
            git=provenance.git(Path(__file__).parent),
            **({key: getattr(before, key) for key in KEPT} if before else {}),
        )
        self.write()
        return before is not None

    def hold(self, wait: bool = False) -> None:
        """Take the run's lock, until :meth:`close`. Raises UsageError where another process has it."""
        self.lock = RunLock(self.path)
        self.lock.acquire(wait)

    def refuse_other(self, before: Manifest, start: Manifest) -> None:
        """Raises UsageError where the run there was made with other settings."""
        old, new = before.profile, finite(start.profile)
        unlike = [
            f"{key} is {old.get(key)} there and {new.get(key)} here"
            for key in new
            if key not in EXECUTION and key in old and old[key] != new[key]
        ]
        if before.suite and start.suite and before.suite != start.suite and not unlike:
            unlike = ["its pictures or holes have changed since (different suite fingerprint)"]
        if unlike:
            raise UsageError(
                f"the run {self.path} was made with different settings ({'; '.join(unlike[:3])}): "
                "name another --out, or start over (--fresh where the command has it, else remove that folder)"
            )

    def update(self, **values: Any) -> None:
        """Change keys of run.json."""
        self.manifest = dataclasses.replace(self.manifest, **values)
        self.write()

    def note(self, text: str) -> None:
        """Add a remark for the reader to run.json, once; written with the next update."""
        if text not in self.manifest.notes:
            self.manifest.notes.append(text)

    def write(self) -> None:
        """Write run.json."""
        write_manifest(self.manifest, self.path / "run.json")

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage; a stage that was taken up again adds to what it took before."""
        began = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            stages = self.manifest.stages
            stages[name] = round(stages.get(name, 0.0) + spent, 2)
            self.write()

    def close(self) -> None:
        """Let go of the run: another process may write it."""
        if self.lock is not None:
            self.lock.release()

    def finish(self) -> None:
        """Mark the run as complete."""
        self.update(finished=stamp())

    def finish_training(self) -> None:
        """Say that all was trained that was asked for, and nothing else was."""
        self.update(trained=stamp())


def foreign(path: Path) -> bool:
    """Something that no run has in its folder, nor a killed one leaves there."""
    return path.name not in CONTENTS and not is_temporary(path)


def stamp() -> str:
    """Now, UTC, ISO 8601 to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def clear(path: Path) -> None:
    """Remove what a run consists of from ``path``, and nothing else."""
    for name in CONTENTS:
        target = path / name
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
