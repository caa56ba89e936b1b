"""Tasks on a Ray cluster: found or started, asked for what they need, begun again where their worker dies.

All nodes see the run folder and the pictures' cache under the same path. A task returns what went wrong, empty where
nothing did, and sentences for the user.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from bench.util.errors import BenchError, UsageError
from bench.util.progress import say
from bench.util.words import counted
from variants.plugins import PLUGINS_ENV

RETRIES = 3
"""How often a task is begun again after its worker or node died; it goes on from what it had kept."""

POLL_S = 2.0
PATIENCE_S = 30.0
"""How long cancelled tasks are waited for."""

Told = tuple[str, list[str]]
T = TypeVar("T")


def check_launcher(name: str) -> None:
    """Raises UsageError where the name of ``--launcher`` is unknown or not installed."""
    if name != "ray":
        raise UsageError(f"Unknown launcher '{name}'. Use ray.")
    try:
        import ray  # noqa: F401
    except ImportError as error:
        raise UsageError("--launcher ray requires Ray: pip install 'inpaint-bench[ray]'") from error


@contextlib.contextmanager
def connected() -> Iterator[Any]:
    """Ray, connected to the cluster that RAY_ADDRESS names or this machine belongs to, else started on this machine."""
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    began = not ray.is_initialized()
    if began:
        try:
            ray.init(log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise BenchError(f"Ray cannot be reached: {error}") from error
    try:
        yield ray
    finally:
        if began:
            ray.shutdown()


def alive(nodes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, float]]:
    """What the living nodes have, as Ray names it."""
    return [node["Resources"] for node in nodes if node["Alive"]]


def require(needs: Mapping[str, int], nodes: Sequence[Mapping[str, Any]], what: str) -> None:
    """Raises UsageError where no living node has it: the tasks would wait for ever. what: of which there are many."""
    if not any(r.get("CPU", 0) >= needs["num_cpus"] and r.get("GPU", 0) >= needs["num_gpus"] for r in alive(nodes)):
        gpu = " and a GPU" if needs["num_gpus"] else ""
        raise UsageError(
            f"No node of the Ray cluster has {counted(needs['num_cpus'], 'core')}{gpu}, which each {what} needs"
        )


def submit(ray: Any, function: Callable[[T, str], Told], needs: Mapping[str, int], orders: Sequence[T]) -> dict[Any, T]:
    """``function(order, plugins)`` as a task for each of the orders: reference -> order."""
    task = ray.remote(num_cpus=needs["num_cpus"], num_gpus=needs["num_gpus"], max_retries=RETRIES)(function)
    plugins = os.environ.get(PLUGINS_ENV, "")
    return {task.remote(order, plugins): order for order in orders}


def await_all(ray: Any, tasks: Mapping[Any, T], ended: Callable[[T, str], None], look: Callable[[T], None]) -> None:
    """Wait for tasks; whatever is raised meanwhile cancels those that are left.

    ended(order, problem): called as one ends; the problem is empty where there was none. look(order): called every few
    seconds for those that are not.
    """
    waiting = list(tasks)
    try:
        while waiting:
            ready, waiting = ray.wait(waiting, num_returns=1, timeout=POLL_S)
            for reference in ready:
                try:
                    problem, told = ray.get(reference)
                except ray.exceptions.RayError as error:
                    problem, told = f"its worker was lost ({type(error).__name__})", []
                for sentence in told:
                    say(f"warning: {sentence}")
                ended(tasks[reference], problem)
            for reference in waiting:
                look(tasks[reference])
    except BaseException:
        for reference in waiting:
            ray.cancel(reference)
        if waiting:
            ray.wait(waiting, num_returns=len(waiting), timeout=PATIENCE_S)
        raise
