"""Timing loops on a device: events around whole loops on CUDA, the clock with a synchronisation elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch


def synchronise(device: str) -> None:
    """Wait for everything that the device was given to do."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    elif device.startswith("mps"):
        torch.mps.synchronize()


def loop_seconds(call: Callable[..., Any], inputs: Sequence[tuple], count: int, device: str, start: int = 0) -> float:
    """Seconds for ``count`` calls back to back, each with the next of ``inputs``, beginning at ``start``.

    On CUDA the host only queues the calls; the time is the device's own, between two events.
    """
    size = len(inputs)
    if device.startswith("cuda"):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        stream = torch.cuda.current_stream(device)
        begin.record(stream)
        for k in range(start, start + count):
            call(*inputs[k % size])
        end.record(stream)
        end.synchronize()
        return begin.elapsed_time(end) / 1e3
    synchronise(device)
    began = time.perf_counter()
    for k in range(start, start + count):
        call(*inputs[k % size])
    synchronise(device)
    return time.perf_counter() - began


def single_seconds(call: Callable[..., Any], inputs: Sequence[tuple], count: int, device: str) -> list[float]:
    """Seconds of each of ``count`` calls as one user waits for it: synchronised before and after."""
    found = []
    for k in range(count):
        synchronise(device)
        began = time.perf_counter()
        call(*inputs[k % len(inputs)])
        synchronise(device)
        found.append(time.perf_counter() - began)
    return found


def warm_up(call: Callable[..., Any], inputs: Sequence[tuple], device: str, seconds: float) -> tuple[float, bool]:
    """Call until it is steady: three calls in a row within 10 % of the three before, or the time is up.

    Returns (seconds a call takes, whether it became steady). At least two calls are made.
    """
    began = time.perf_counter()
    times: list[float] = []
    while True:
        times.append(loop_seconds(call, inputs, 1, device, len(times)))
        recent, before = times[-3:], times[-6:-3]
        if len(before) == 3 and abs(sorted(recent)[1] / sorted(before)[1] - 1) < 0.1:
            return min(times), True
        if len(times) >= 2 and time.perf_counter() - began > seconds:
            return min(times), False
