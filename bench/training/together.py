"""One training on several processes that torchrun started: how they find each other, and how they end.

The first process, rank 0, does all that one process does: it holds the run's lock, prepares pictures, writes and talks.
The others are told what to train, compute their shares of every batch, and say nothing. Whichever of them fails leaves
its reason in torchrun's store; rank 0 says it in a sentence, and the job ends. A process that is killed takes the job
with it, too, and ``torchrun --max-restarts N`` starts it again from the last state.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.datasets.packed import pack
from bench.profiles.profile import Profile
from bench.training.schedule import Job, features_of, run_job, training_data, validation_data
from bench.util.errors import BenchError, Exit, UsageError
from variants.checkpoint_every import Every
from variants.errors import Diverged, VariantError

LONG = datetime.timedelta(hours=12)
"""How long ranks wait for each other: rank 0 may prepare pictures for hours. Processes that end are noticed at once."""

ONEDNN = "could not create a primitive"
"""All that oneDNN says where a processor's memory does not suffice."""

POLL_S = 0.5
VISIBLE_S = 60.0
"""How long a file that rank 0 wrote may take to show on another machine that shares its folder."""


def asked() -> bool:
    """Whether torchrun, or what sets the same variables, started several processes."""
    return os.environ.get("WORLD_SIZE", "1") not in ("", "1") and "RANK" in os.environ


def restarted() -> bool:
    """Whether torchrun started the processes once more."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


def place(device: str | None) -> str:
    """This process's device: a GPU of its own by its local rank, unless the CPU is asked for or all there is.

    Raises UsageError where there are fewer GPUs than processes.
    """
    import torch

    if device == "cpu" or not torch.cuda.is_available():
        return "cpu"
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if local >= torch.cuda.device_count():
        raise UsageError(
            f"There are more processes than GPUs ({torch.cuda.device_count()}): use --nproc-per-node "
            f"{torch.cuda.device_count()}, or --device cpu"
        )
    return f"cuda:{local}"


class Group:
    """The processes of one job, from :func:`joined`."""

    def __init__(self, store: Any, rank: int, size: int, device: str) -> None:
        self.store, self.rank, self.size, self.device = store, rank, size, device
        self.stopping = False
        self.speaking = threading.Lock()
        self.ended = threading.Event()

    @property
    def leads(self) -> bool:
        """Whether this process is rank 0, which alone writes files and prints."""
        return self.rank == 0

    def watch(self, store: Any) -> None:
        """In a thread of its own: end this process when the job is over, or say what another one failed of."""
        while not self.ended.wait(POLL_S):
            try:
                if self.leads and store.check(["trouble"]):
                    if self.speaking.acquire(blocking=False):
                        print(f"bench: {store.get('trouble').decode()}", file=sys.stderr, flush=True)
                        store.set("over", str(int(Exit.FAILED)))
                        os._exit(Exit.FAILED)
                    return
                over = int(store.get("over")) if not self.leads and store.check(["over"]) else None
            except Exception:  # the store went with the process that held it
                over = Exit.FAILED
            if over is not None:
                os._exit(over)

    def publish(self, jobs: list[Job]) -> None:
        """Rank 0 says what is trained."""
        told = [
            [job.name, job.seed, job.steps, job.features.kind if job.features else "",
             *map(str, (job.folder, job.pool, job.validation))]
            for job in jobs
        ]  # fmt: skip
        self.store.set("jobs", json.dumps(told))

    def train(self, jobs: list[Job], report: Callable[[Any], None]) -> None:
        """Rank 0's part of all trainings, one after another. Raises KeyboardInterrupt where it was told to stop."""
        if jobs and jobs[0].profile.batch % self.size:
            raise UsageError(
                f"batch = {jobs[0].profile.batch} cannot be shared evenly by {self.size} processes: change --set batch "
                "or --nproc-per-node"
            )
        self.publish(jobs)
        for job in jobs:
            with contextlib.suppress(Diverged):
                if not run_job(replace(job, device=self.device), report, lambda: self.stopping):
                    raise KeyboardInterrupt

    def follow(self, profile: Profile) -> None:
        """Another rank's part: what rank 0 publishes."""
        self.store.wait(["jobs"], LONG)
        for name, seed, steps, kind, *paths in json.loads(self.store.get("jobs")):
            folder, pool, validation = map(Path, paths)
            for file, data in ((pool, training_data), (validation, validation_data)):
                if not visible(file):  # no shared folder: this machine prepares its own
                    pack(data(profile), profile.size or 0, file)
            features = features_of(name)
            if kind != (features.kind if features else ""):
                raise UsageError(f"{name} learns by VGG16's {kind} there, which is not what this machine finds first")
            job = Job(name, seed, steps, folder, pool, validation, profile, self.device, Every(), features)
            with contextlib.suppress(Diverged):
                run_job(job, lambda progress: None, lambda: False, lambda sentence: None)


def visible(file: Path) -> bool:
    """Whether ``file`` is there, with patience for a shared folder that is slow to show it."""
    until = time.monotonic() + (VISIBLE_S if int(os.environ.get("LOCAL_RANK", "0")) == 0 else 10 * VISIBLE_S)
    while not file.is_file():
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
        with contextlib.suppress(OSError):
            os.listdir(file.parent)  # noqa: PTH208  (asks NFS for the folder anew)
    return True


@contextlib.contextmanager
def joined(device: str | None) -> Iterator[Group]:
    """Meet the other processes. What is raised within becomes a sentence of rank 0, and the end of all of them."""
    import torch
    import torch.distributed as dist
    from torch.distributed.rendezvous import rendezvous

    if int(os.environ.get("RANK", "0")) == 0:
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    store, rank, size = next(rendezvous("env://", timeout=LONG))
    store = dist.PrefixStore(f"attempt {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
    group = Group(store, rank, size, "cpu")
    watcher = threading.Thread(target=group.watch, args=(store.clone(),), daemon=True)
    watcher.start()
    # The others end with rank 0, which saves the state first.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, (lambda *_: setattr(group, "stopping", True)) if group.leads else signal.SIG_IGN)
    try:
        group.device = place(device)
        on_gpu = group.device.startswith("cuda")
        if on_gpu:
            torch.cuda.set_device(group.device)
        dist.init_process_group("nccl" if on_gpu else "gloo", store=store, rank=rank, world_size=size, timeout=LONG)
        yield group
        if group.leads and not store.check(["jobs"]):
            group.publish([])  # nothing was left to train
        group.ended.set()
        dist.destroy_process_group()
    except BaseException as error:
        if group.leads:
            leave(group, error)
            raise
        if not lost(error):
            store.set("trouble", f"process {rank} of {size} on {platform.node()}: {sentence(error)}")
            time.sleep(20 * POLL_S)  # rank 0 ends this one, too
        os._exit(Exit.FAILED)


def leave(group: Group, error: BaseException) -> None:
    """Rank 0's end: what another process failed of is told first. Raises BenchError with that."""
    interrupted = isinstance(error, KeyboardInterrupt) or group.stopping
    if lost(error) and not interrupted:
        # Whoever failed has said why, or had no time to.
        time.sleep(2 * POLL_S)
        if not group.speaking.acquire(blocking=False):
            time.sleep(LONG.total_seconds())  # the watcher is speaking, and ends this process
        told = group.store.get("trouble").decode() if group.store.check(["trouble"]) else ""
        group.store.set("over", str(int(Exit.FAILED)))
        raise BenchError(
            told
            or "Another process of this training ended without a message. Rerun the same command to resume from the "
            "last state, or let torchrun --max-restarts do it."
        ) from error
    group.speaking.acquire(blocking=False)
    group.store.set("over", str(int(Exit.FAILED)))
    if group.stopping and not isinstance(error, KeyboardInterrupt):
        raise KeyboardInterrupt from error
    if isinstance(error, Exception) and not isinstance(error, BenchError | VariantError):
        raise BenchError(sentence(error)) from error


def lost(error: BaseException) -> bool:
    """Whether an error says only that another process is gone."""
    import torch.distributed as dist

    text = str(error)
    return isinstance(error, dist.DistError) or (
        isinstance(error, RuntimeError) and ("gloo" in text or "onnection" in text) and not out_of_memory(error)
    )


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on a GPU or on the host."""
    from bench.throughput.memory import is_out_of_memory

    return is_out_of_memory(error) or "allocate memory" in str(error)


def sentence(error: BaseException) -> str:
    """What went wrong in a process, in one line."""
    if out_of_memory(error):
        return "out of memory. Use a smaller --set batch or --size, or more processes."
    text = " ".join(str(error).split())
    if text == ONEDNN:
        return f"{text}: most likely out of memory. Use a smaller --set batch or --size, or more processes."
    return text if isinstance(error, BenchError | VariantError) else f"{type(error).__name__}: {text}"
