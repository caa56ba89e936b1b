"""Trainings over a cluster: each a Ray task that asks for its cores or its GPU, and begun again where its worker dies.

All nodes see the run folder and the pictures' cache under the same path. A task writes what a training on this machine
writes; the driver holds the run's lock and reads from each history how far its training is.
"""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from bench.training.train import Job, failed, run_job
from bench.util.errors import BenchError, UsageError
from bench.util.progress import say
from variants.errors import Diverged
from variants.plugins import PLUGINS_ENV

RETRIES = 3
"""How often a training is begun again after its worker or node died; it goes on from its last state."""

POLL_S = 2.0
PATIENCE_S = 30.0
"""How long cancelled trainings are waited for."""


def launcher(name: str) -> Callable[[list[Job], Callable[[Any], None]], None]:
    """What trains jobs, by the name of ``--launcher``. Raises UsageError where it is unknown or not installed."""
    if name != "ray":
        raise UsageError(f"Unknown launcher '{name}'. Use ray.")
    try:
        import ray  # noqa: F401
    except ImportError as error:
        raise UsageError("--launcher ray requires Ray: pip install 'inpaint-bench[ray]'") from error
    return train_on_ray


def train_on_ray(jobs: list[Job], report: Callable[[Any], None]) -> None:
    """Train the jobs on the cluster that RAY_ADDRESS names or this machine belongs to, else on this machine.

    A training that comes to nothing says so, and the others go on; Ctrl-C cancels all. Raises UsageError where no node
    has what a training asks for, BenchError where one failed.
    """
    if not jobs:
        return
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    began = not ray.is_initialized()
    if began:
        try:
            ray.init(log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise BenchError(f"Ray cannot be reached: {error}") from error
    try:
        needs = needed(jobs[0])
        require(needs, ray.nodes())
        task = ray.remote(num_cpus=needs["num_cpus"], num_gpus=needs["num_gpus"], max_retries=RETRIES)(train_there)
        plugins = os.environ.get(PLUGINS_ENV, "")
        await_all(ray, {task.remote(portable(job), plugins): job for job in jobs}, report)
    finally:
        if began:
            ray.shutdown()


def needed(job: Job) -> dict[str, int]:
    """What a training asks of its node, as Ray names it."""
    return {"num_cpus": job.threads, "num_gpus": 1 if job.device.startswith("cuda") else 0}


def require(needs: dict[str, int], nodes: list[dict[str, Any]]) -> None:
    """Raises UsageError where no living node has it: the tasks would wait for ever."""
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    if not any(r.get("CPU", 0) >= needs["num_cpus"] and r.get("GPU", 0) >= needs["num_gpus"] for r in alive):
        gpu = " and a GPU" if needs["num_gpus"] else ""
        raise UsageError(f"No node of the Ray cluster has {needs['num_cpus']} cores{gpu}, which each training needs")


def portable(job: Job) -> Job:
    """The job as another node finds its files; Ray shows a task its own GPU as the first."""
    paths = {name: getattr(job, name).absolute() for name in ("folder", "pool", "validation")}
    return replace(job, device=job.device.partition(":")[0], **paths)


def train_there(job: Job, plugins: str) -> tuple[str, list[str]]:
    """The task. Returns what went wrong, empty where nothing did, and sentences for the user."""
    from bench.training.together import visible
    from variants.atomic import CannotWrite

    os.environ[PLUGINS_ENV] = plugins
    for file in (job.pool, job.validation):
        if not visible(file):
            return f"{file} is not on {platform.node()}: --out and BENCH_CACHE_DIR must name shared folders", []
    told: list[str] = []
    try:
        run_job(job, lambda progress: None, lambda: False, told.append)
    except Diverged as error:
        return "", [*told, str(error)]
    except CannotWrite as error:
        return str(error), told
    except Exception as error:
        return f"{type(error).__name__}: {error}", told
    return "", told


def await_all(ray: Any, tasks: dict[Any, Job], report: Callable[[Any], None]) -> None:
    """Wait for tasks, with progress. Raises BenchError where one failed."""
    from variants.trainer import Progress

    waiting, problems = list(tasks), []
    known = dict.fromkeys(tasks, 0)

    def tell_reached(reference: Any) -> None:
        for progress in reached(tasks[reference], known[reference]):
            known[reference] = progress.step
            report(progress)

    try:
        while waiting:
            ready, waiting = ray.wait(waiting, num_returns=1, timeout=POLL_S)
            for reference in ready:
                job = tasks[reference]
                try:
                    problem, told = ray.get(reference)
                except ray.exceptions.RayError as error:
                    problem, told = f"its worker was lost ({type(error).__name__})", []
                for sentence in told:
                    say(f"warning: {sentence}")
                if problem:
                    if problem := failed(job, problem):
                        problems.append(problem)
                else:
                    tell_reached(reference)
                    report(Progress(job.name, job.seed, job.steps, job.steps, 0.0, 0.0, done=True))
            for reference in waiting:
                tell_reached(reference)
    except BaseException:
        for reference in waiting:
            ray.cancel(reference)
        if waiting:
            ray.wait(waiting, num_returns=len(waiting), timeout=PATIENCE_S)
        raise
    if problems:
        raise BenchError("training failed for " + "; ".join(problems))


def reached(job: Job, after: int) -> Iterator[Any]:
    """How far a training is: every row of its history past the step ``after``."""
    from variants.history import History
    from variants.trainer import Progress

    known = ("step", "epoch", "seconds", "images_per_s", "lr", "validation_psnr_hole")
    for given in History(job.folder / "history.csv").rows:
        row = {key: float(value) for key, value in given.items() if value not in ("", None)}
        if row["step"] > after:
            loss = sum(value for key, value in row.items() if key not in known and not key.startswith("critic"))
            yield Progress(job.name, job.seed, int(row["step"]), job.steps, loss, row["images_per_s"], row=row)
