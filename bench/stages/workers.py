"""Scoring in several processes: copies of this one, which have all that it has loaded and need no start-up.

Each computes with one thread, and what comes of a task depends on the task alone, so records are the same whatever the
number of processes. Methods that no copy can use (see :attr:`variants.method.Method.forks`) fill in this process.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import warnings
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any

from bench.stages.block import Bench, Report, Result, Task
from bench.util.errors import BenchError
from bench.util.imports import import_early
from bench.util.threads import threads
from variants.method import Findings, joined

Raws = dict[Any, Any]

CAN_FORK = sys.platform == "linux"
"""Elsewhere a copy of a process with threads may crash: one process scores."""


@dataclass(eq=False)
class Worker:
    """One scoring process and the pipe to it."""

    process: Any
    connection: Any
    task: int | None = None
    """The number of the task that it is busy with."""


class Workers:
    """``with Workers(bench, 4, report) as workers: for task, result in workers.score(tasks): …``

    Leaving the ``with`` block ends every process. report(text, n): n more fills are done.
    """

    def __init__(self, bench: Bench, count: int, report: Report) -> None:
        self.bench = bench
        self.count = count if CAN_FORK and bench.on_cpu else 1
        self.report = report
        self.workers: list[Worker] = []

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers:
            worker.process.kill()
            worker.process.join()
            worker.connection.close()

    def score(self, tasks: Iterator[Task]) -> Generator[tuple[Task, Result]]:
        """The tasks and what came of them, in order. Raises what a task raised, BenchError where a process ended."""
        with threads(1) if self.bench.on_cpu else contextlib.nullcontext(1) as many:
            first = list(islice(tasks, self.count))
            tasks = chain(first, tasks)
            if len(first) < 2:
                for task in tasks:
                    yield task, self.bench.score(task, self.report, self._filled_here(task, many))
                return
            self.workers = [start(self.bench) for _ in first]
            # After the copies: one made meanwhile would wait for ever for an import that it has no thread to end.
            # What the records are written and averaged with takes a second.
            import_early(("pyarrow.parquet", "pandas", "scipy.special"), daemon=True)
            yield from self._hand_out(tasks, many)

    def _filled_here(self, task: Task, many: int) -> Raws:
        """What the methods that no other process can use put out; they have all threads, whatever the workers."""
        if all(method.forks for method in self.bench.methods):
            return {}
        with threads(many) if self.bench.on_cpu else contextlib.nullcontext():
            return self.bench.fill_here(task)

    def _hand_out(self, tasks: Iterator[Task], many: int) -> Generator[tuple[Task, Result]]:
        handed: list[Task] = []
        ready: dict[int, Result] = {}
        given = 0
        while True:
            idle = [worker for worker in self.workers if worker.task is None]
            task = next(tasks, None) if idle else None
            if task is not None:
                raws = self._filled_here(task, many)
                idle[0].task = len(handed)
                send(idle[0], (task, raws))
                handed.append(task)
            busy = {worker.connection: worker for worker in self.workers if worker.task is not None}
            if not busy:
                return
            for connection in wait(list(busy), 0 if task is not None else None):
                worker = busy[connection]
                what, *content = receive(worker)
                if what == "told":
                    self.report(*content)
                elif what == "failed":
                    raise content[0]
                else:
                    assert worker.task is not None
                    ready[worker.task] = content[0]
                    worker.task = None
            while given in ready:
                yield handed[given], ready.pop(given)
                given += 1

    def findings(self) -> dict[int, Findings]:
        """What the methods noticed in every process, by their places; asked once all is scored."""
        found = [{place: method.findings() for place, method in enumerate(self.bench.methods)}]
        for worker in self.workers:
            send(worker, None)
        for worker in self.workers:
            found.append(receive(worker)[1])
        return {
            place: joined([each[place] for each in found]) if method.forks else found[0][place]
            for place, method in enumerate(self.bench.methods)
        }


def start(bench: Bench) -> Worker:
    """Another process, a copy of this one, that waits for tasks."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(bench, theirs, os.getpid()), daemon=True)
    with ignoring_interrupts(), warnings.catch_warnings():
        # Of forks of a process with threads: those of libraries are stopped, and ours hold no lock that is used there.
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    theirs.close()
    return Worker(process, ours)


def work(bench: Bench, connection: Any, parent: int) -> None:
    """What a worker does: tasks until there are no more. The parent decides when to stop: signals are ignored."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=end_with, args=(parent,), daemon=True).start()
    # A live display of the parent stands in front of them.
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    while (message := connection.recv()) is not None:
        task, raws = message
        try:
            result = bench.score(task, lambda text, fills: connection.send(("told", text, fills)), raws)
            connection.send(("done", result))
        except Exception as error:
            connection.send(("failed", portable(error)))
    found = {place: method.findings() for place, method in enumerate(bench.methods) if method.forks}
    connection.send(("findings", found))


def end_with(parent: int) -> None:
    """End this process soon after its parent, which may be killed at any time."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def portable(error: Exception) -> Exception:
    """The error itself where it can go to another process, else one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return BenchError(f"{type(error).__name__}: {error}")
    return error


def send(worker: Worker, message: Any) -> None:
    """Hand a message to a worker; raises BenchError with the reason where its process has ended."""
    try:
        worker.connection.send(message)
    except OSError:
        raise ended(worker) from None


def receive(worker: Worker) -> Any:
    """Wait for a worker's message; raises BenchError with the reason where its process has ended."""
    try:
        return worker.connection.recv()
    except (EOFError, OSError):
        raise ended(worker) from None


def ended(worker: Worker) -> BenchError:
    """The error to raise for a worker that is gone; a SIGKILL is most often the system short of memory."""
    worker.process.join()
    code = worker.process.exitcode
    killed = code == -signal.SIGKILL
    why = "was killed, probably out of memory: use fewer (--workers)" if killed else f"ended with exit code {code}"
    return BenchError(f"a scoring process {why}; the same command resumes")


@contextlib.contextmanager
def ignoring_interrupts() -> Iterator[None]:
    """What starts inside never hears of a Ctrl-C."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread: no signals arrive there
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
