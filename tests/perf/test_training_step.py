"""Training beside the loop that a notebook would write: fp32, eager, a DataLoader, ``.item()`` every step.

Both train the same network on the same pictures, each in a process of its own with that process's usual settings.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STEPS = {64: 4, 128: 1}


@contextlib.contextmanager
def worker(kind: str, name: str, side: int, threads: int | None = None):  # type: ignore[no-untyped-def]
    """A training in a process of its own: ``ask(steps)`` begins some steps, ``answer()`` waits for their seconds."""
    words = [sys.executable, str(Path(__file__).with_name("training_worker.py")), kind, name, str(side)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    # A notebook has torch's own number of threads, whatever this process was given.
    environment.pop("OMP_NUM_THREADS", None)
    process = subprocess.Popen(
        [*words, str(threads)] if threads else words,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    requests, answers = process.stdin, process.stdout

    def ask(steps: int) -> None:
        requests.write(f"{steps}\n")
        requests.flush()

    try:
        yield ask, lambda: float(answers.readline())
    finally:
        requests.close()
        process.wait(timeout=60)


@pytest.mark.benchmark(group="training step")
@pytest.mark.parametrize("side", [64, 128])
@pytest.mark.parametrize("name", ["baseline", "gan_res_mask"])
def test_a_training_step(name: str, side: int, race: Callable[..., float]) -> None:
    """Processor time of a step, one thread each."""
    with worker("ours", name, side, 1) as mine, worker("notebook", name, side, 1) as theirs:

        def turn(ask: Callable[[int], None], answer: Callable[[], float]) -> float:
            ask(STEPS[side])
            return answer()

        race(
            lambda: turn(*mine), lambda: turn(*theirs), items=STEPS[side], unit="steps", wanted=2.0,
            peer_name="a notebook's loop, one thread", self_timed=True,
        )  # fmt: skip


@pytest.mark.benchmark(group="training step")
@pytest.mark.parametrize("side", [64, 128])
@pytest.mark.parametrize("name", ["baseline", "gan_res_mask"])
def test_two_trainings(name: str, side: int, race: Callable[..., float]) -> None:
    """Wall time on the whole machine: ours side by side, one thread each, as ``bench run`` does; a notebook's one
    after the other with torch's own threads."""
    with (
        worker("ours", name, side, 1) as first,
        worker("ours", name, side, 1) as second,
        worker("notebook", name, side) as theirs,
    ):
        steps = STEPS[side]

        def ours() -> None:
            for ask, _ in (first, second):
                ask(steps)
            for _, answer in (first, second):
                answer()

        def peer() -> None:
            ask, answer = theirs
            ask(2 * steps)
            answer()

        race(
            ours, peer, items=2 * steps, unit="steps", wanted=2.0, timer=time.perf_counter,
            peer_name="a notebook's loops, one after the other",
        )  # fmt: skip
