"""Trains on several gloo ranks, in children that are forked with torch imported."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist


def on_ranks(size: int, folder: Path, task: Callable[[int, int], Any]) -> list[Any]:
    """What ``task(rank, size)`` gives on each rank; with one rank, in this process and without any group."""
    if size == 1:
        return [task(0, 1)]
    context = multiprocessing.get_context("fork")
    pipes = [context.Pipe(duplex=False) for _ in range(size)]
    meeting = folder / f"store-{size}"

    def child(rank: int) -> None:
        torch.set_num_threads(1)
        store = dist.FileStore(str(meeting), size)
        dist.init_process_group("gloo", store=store, rank=rank, world_size=size, timeout=timedelta(seconds=60))
        pipes[rank][1].send(task(rank, size))
        dist.destroy_process_group()

    children = [context.Process(target=child, args=(rank,)) for rank in range(size)]
    for each in children:
        each.start()
    try:
        found = []
        for (receive, _), each in zip(pipes, children, strict=True):
            while not receive.poll(0.2):
                assert each.is_alive() or receive.poll(), "a rank ended without an answer"
            found.append(receive.recv())
        return found
    finally:
        for each in children:
            each.join(10)
            each.kill()
