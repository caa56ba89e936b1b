"""Trainings over a cluster: each a Ray task that asks for its cores or its GPU, and begun again where its worker dies.

A task writes what a training on this machine writes; the driver holds the run's lock and reads from each history how
far its training is.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from bench.training.schedule import Job, failed, run_job
from bench.util.errors import BenchError
from bench.util.ray_tasks import Told, await_all, connected, require, submit
from variants.errors import Diverged
from variants.plugins import PLUGINS_ENV


def train_on_ray(jobs: list[Job], report: Callable[[Any], None]) -> None:
    """Train the jobs on the cluster that RAY_ADDRESS names or this machine belongs to, else on this machine.

    A training that comes to nothing says so, and the others go on; Ctrl-C cancels all. Raises UsageError where no node
    has what a training asks for, BenchError where one failed.
    """
    from variants.trainer import Progress

    if not jobs:
        return
    known = {(job.name, job.seed): 0 for job in jobs}
    problems = []

    def look(job: Job) -> None:
        for progress in reached(job, known[job.name, job.seed]):
            known[job.name, job.seed] = progress.step
            report(progress)

    def ended(job: Job, problem: str) -> None:
        if not problem:
            look(job)
            report(Progress(job.name, job.seed, job.steps, job.steps, 0.0, 0.0, done=True))
        elif problem := failed(job, problem):
            problems.append(problem)

    with connected() as ray:
        needs = needed(jobs[0])
        require(needs, ray.nodes(), "training")
        await_all(ray, submit(ray, train_there, needs, list(map(portable, jobs))), ended, look)
    if problems:
        raise BenchError("training failed for " + "; ".join(problems))


def needed(job: Job) -> dict[str, int]:
    """What a training asks of its node, as Ray names it."""
    return {"num_cpus": job.threads, "num_gpus": 1 if job.device.startswith("cuda") else 0}


def portable(job: Job) -> Job:
    """The job as another node finds its files; Ray shows a task its own GPU as the first."""
    paths = {name: getattr(job, name).absolute() for name in ("folder", "pool", "validation")}
    return replace(job, device=job.device.partition(":")[0], **paths)


def train_there(job: Job, plugins: str) -> Told:
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
