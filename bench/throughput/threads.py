"""How many threads to time with: all that torch takes, unless they stand in each other's way."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Callable, Iterator

import torch

from bench.throughput.timing import loop_seconds

TURNS = 5


@contextlib.contextmanager
def helpful_threads(call: Callable[[], object], say: Callable[[str], None]) -> Iterator[None]:
    """One thread for the length of a ``with`` block where several take longer for ``call``, and say so.

    On a machine that is busy with other work, threads wait at every operation for the one that is not running,
    and figures fall a hundredfold.
    """
    several = torch.get_num_threads()
    if several == 1:
        yield
        return
    times: dict[int, list[float]] = {1: [], several: []}
    with torch.inference_mode():
        for turn in range(TURNS + 1):
            for threads in times:
                torch.set_num_threads(threads)
                seconds = loop_seconds(call, [()], 1, "cpu")
                if turn:  # the first one warms up
                    times[threads].append(seconds)
    alone = statistics.median(times[several]) > statistics.median(times[1])
    torch.set_num_threads(1 if alone else several)
    if alone:
        say(
            f"one thread is faster than {several}: the machine is busy, so figures are for one thread "
            f"(--threads {several} forces {several})"
        )
    try:
        yield
    finally:
        torch.set_num_threads(several)
