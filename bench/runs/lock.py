"""One owner of a run folder: whoever writes it holds its lock; readers need none."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import platform
from pathlib import Path

from bench.util.errors import BenchError, UsageError
from variants.atomic import cannot_write, sweep


def beside(path: Path) -> tuple[Path, Path]:
    """The lock of a run folder, which the system lets go of when its process ends, and the file that says who holds
    it. Both lie beside the folder: what is in it is the run's alone."""
    full = path.absolute()
    return full.parent / f".{full.name}.lock", full.parent / f".{full.name}.owner.json"


class RunLock:
    """The lock of the run at ``path``, held from :meth:`acquire` until :meth:`release` or the end of the process."""

    def __init__(self, path: Path) -> None:
        from filelock import FileLock

        self.path = path
        lock, self._owner = beside(path)
        self._lock = FileLock(lock)

    def acquire(self, wait: bool = False) -> None:
        """Take the lock and sweep what killed owners left half-written. wait: as long as another process holds it.

        Raises UsageError that names the owner where another process holds it.
        """
        from filelock import Timeout

        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=-1 if wait else 0)
        except Timeout:
            raise UsageError(f"{self.path} is being written by {self.owner()}. Wait for it, or pass --wait.") from None
        except OSError as error:
            raise BenchError(str(cannot_write(self.path, error))) from error
        sweep(self.path)
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        facts = {"host": platform.node(), "process": os.getpid(), "since": now}
        with contextlib.suppress(OSError):  # a full disk is told by the first file that matters
            self._owner.write_text(json.dumps(facts), encoding="utf-8")

    @property
    def held(self) -> bool:
        """Whether another process is writing the run; False where that cannot be seen."""
        from filelock import Timeout

        if not self._owner.is_file():  # written by whoever holds it, and left by whoever was killed
            return False
        try:
            with self._lock.acquire(timeout=0):
                return False
        except Timeout:
            return True
        except OSError:
            return False

    def owner(self) -> str:
        """Who holds the lock, in words."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            facts = json.loads(self._owner.read_text(encoding="utf-8"))
            return f"process {facts['process']} on {facts['host']} since {facts['since']}"
        return "another process"

    def release(self) -> None:
        """Give the run free; nothing where it is not held."""
        if self._lock.is_locked:
            self._owner.unlink(missing_ok=True)
            self._lock.release()


def sweep_free(path: Path) -> None:
    """Remove what killed processes left half-written in the run at ``path``, unless another one is writing it now."""
    lock = RunLock(path)
    with contextlib.suppress(BenchError):  # a run of another owner, or one that may only be read
        lock.acquire()
        lock.release()
