"""Training the networks of a run, and how trainings share the machine."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import queue as queues
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.datasets.registry import Dataset, open_dataset
from bench.masks.registry import draw
from bench.profiles.profile import Profile
from bench.runs.provenance import cores
from bench.runs.trained import DIVERGED
from bench.training.batches import HOLE_SEED
from bench.util import start
from bench.util.errors import BenchError
from bench.util.files import write_json
from bench.util.progress import say
from variants.atomic import CannotWrite
from variants.checkpoint_every import Every
from variants.errors import Diverged

if TYPE_CHECKING:
    from variants.perceptual import Weights
    from variants.session import Plan

VALIDATION_PICTURES = 32

COMPILED_STEPS = 5_000
"""From how many steps on compiling pays on a GPU. On a CPU convolutions take the time, which it does not shorten:
measured 1.0 to 1.1 times as fast at the quick profile's size."""


@dataclass(frozen=True)
class Job:
    """One training: which variant and seed, from which pictures, into which folder. every: how often a state is kept.
    features: of VGG16, for those that learn by them."""

    name: str
    seed: int
    steps: int
    folder: Path
    pool: Path
    validation: Path
    profile: Profile
    device: str
    every: Every = field(default_factory=Every)
    features: Weights | None = None

    @property
    def threads(self) -> int:
        """CPU threads that one training takes, as its profile says."""
        return self.profile.threads


def training_data(profile: Profile) -> list[Dataset]:
    """The pictures trained on, data set by data set."""
    return [
        open_dataset(spec, "train", profile.size, count)
        for spec, count in zip(profile.train_data, profile.train_count, strict=True)
    ]


def validation_data(profile: Profile) -> list[Dataset]:
    """A few pictures that are neither trained on nor scored: what settings are judged by."""
    share = max(1, VALIDATION_PICTURES // len(profile.train_data))
    return [open_dataset(spec, "validation", profile.size, share) for spec in profile.train_data]


def steps_of(name: str, profile: Profile, pictures: int) -> int:
    """How many generator steps a variant trains for under a profile."""
    from variants.registry import variant

    settings = variant.get(name).training
    if profile.steps is not None:
        return profile.steps
    if profile.epochs is not None:
        return max(1, round((profile.epochs or settings.epochs) * pictures / profile.batch))
    return max(1, round(settings.steps * profile.steps_scale))


def work_of(job: Job) -> float:
    """Roughly how long a training takes against another: steps times weights."""
    import torch

    from variants.registry import variant

    try:
        with torch.device("meta"):
            network = variant.get(job.name)().network(job.profile.width)
        return job.steps * float(sum(p.numel() for p in network.parameters()))
    except Exception:
        if variant.plugin(job.name) is None:
            raise
        return 0.0  # It fails in training, too, where that is told.


def plan_of(name: str, seed: int, steps: int, profile: Profile, device: str, pictures: int) -> Plan:
    """What the trainer is told."""
    from variants.session import Plan, best_precision

    return Plan(
        name=name,
        seed=seed,
        width=profile.width,
        steps=steps,
        batch=profile.batch,
        device=device,
        precision=best_precision(device) if profile.precision == "auto" else profile.precision,
        steps_per_epoch=max(1, pictures // profile.batch),
        compile=device.startswith("cuda") and steps >= COMPILED_STEPS,
        threads=1 if device.startswith("cuda") else profile.threads,
        ema=profile.ema,
    )


def at_a_time(profile: Profile) -> int:
    """Trainings side by side on the CPU: as many as the profile says, else as its threads leave room for."""
    return profile.workers or max(1, cores() // profile.threads)


def prepare_cpu(threads: int) -> None:
    """How this process computes when it trains on the CPU."""
    import torch

    torch.set_num_threads(threads)
    # Denormals in fading gradients cost a hundredfold on CPUs and change nothing that is seen.
    torch.set_flush_denormal(True)


def features_of(name: str) -> Weights | None:
    """VGG16's weights that were found here, of a variant that learns by them."""
    from variants import perceptual
    from variants.registry import variant

    return perceptual.finder() if variant.get(name).learns_by_features else None


def run_job(
    job: Job,
    report: Callable[[Any], None],
    stopping: Callable[[], bool],
    tell: Callable[[str], None] = say,
) -> bool:
    """Train one variant; True when complete. Raises Diverged where it came to nothing, and leaves a note of it."""
    from bench.training.resident import batches_for
    from variants import perceptual, ranks
    from variants.network_method import NetworkMethod
    from variants.registry import variant
    from variants.trainer import train

    if not job.device.startswith("cuda"):
        prepare_cpu(job.threads)
    if job.features is not None:
        perceptual.hand_in(lambda: job.features)
    entry = variant.get(job.name)()
    profile = job.profile
    pool = np.load(job.pool, mmap_mode="r")
    images = np.load(job.validation)
    holes = draw("rect", images.shape[1:3], HOLE_SEED - 1, range(len(images)))

    def validate(network: Any) -> float:
        method = NetworkMethod(job.name, entry, network, device=job.device)
        error = (method.fill(images, holes) - images / np.float32(255)) ** 2
        mse = [float(e[h].mean()) for e, h in zip(error, holes, strict=True)]
        return float(np.mean([-10 * np.log10(max(value, 1e-10)) for value in mse]))

    plan = plan_of(job.name, job.seed, job.steps, profile, job.device, len(pool))
    if job.features is not None:
        plan = replace(plan, features=job.features.kind)
    share = (ranks.index(), ranks.size())
    source = batches_for(job.device, pool, profile.batch, job.seed, entry.training.masks, share)
    try:
        return train(
            entry,
            plan,
            source,
            job.folder,
            validate=validate,
            report=report,
            stopping=stopping,
            every=job.every,
            tell=tell,
        )
    except Diverged as error:
        if ranks.index() == 0:
            write_json(job.folder / DIVERGED, {"schema": 1, "why": str(error)})
        raise


def why_diverged(folder: Path) -> str:
    """Why the training in ``folder`` came to nothing, in a sentence; empty where it did not."""
    file = folder / DIVERGED
    if not file.is_file():
        return ""
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["why"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def failed(job: Job, problem: str) -> str:
    """What a training that failed means for the others: nothing where the network is a plug-in's, which is
    said and noted in its folder; else the sentence that ends the command."""
    from variants.registry import variant

    source = variant.plugin(job.name)
    if source is None:
        return f"{job.name}@{job.seed}: {problem}"
    why = f"{source.what}: training {job.name}@{job.seed} failed: {' '.join(problem.split())}"
    write_json(job.folder / DIVERGED, {"schema": 1, "why": why, "again": True})
    say(f"warning: {why}")
    return ""


def may_begin_again(folder: Path) -> bool:
    """Whether a training came to nothing by an error of its code or its machine: the next one may be another."""
    try:
        return bool(json.loads((folder / DIVERGED).read_text(encoding="utf-8")).get("again"))
    except (OSError, ValueError, AttributeError):
        return False


def worker(job: Job, messages: Any, stop: Any) -> None:
    """A training in a process of its own. The parent decides when to stop, so the keyboard is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = str(job.threads)
    parent = multiprocessing.parent_process()

    def stopping() -> bool:
        return stop.is_set() or (parent is not None and not parent.is_alive())

    def tell(sentence: str) -> None:
        messages.put(("told", sentence))

    try:
        complete = run_job(job, messages.put, stopping, tell)
        messages.put(("ended", job.name, job.seed, complete, ""))
    except CannotWrite as error:
        messages.put(("ended", job.name, job.seed, False, str(error)))
    except Diverged as error:
        tell(str(error))
        messages.put(("ended", job.name, job.seed, False, ""))
    except Exception as error:
        messages.put(("ended", job.name, job.seed, False, in_words(error)))


def in_words(error: Exception) -> str:
    """Why a training failed: what a file's trouble is, or Python's own words for what nobody expected."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{os.fsdecode(error.filename)} cannot be used ({error.strerror})"
    return f"{type(error).__name__}: {error}"


def ending(code: int) -> str:
    """Why a process ended that could not say it itself."""
    if code == -signal.SIGKILL:
        return "its process was killed, probably out of memory: use a smaller batch (--set batch=N)"
    return f"its process ended with exit code {code}"


def places_of(device: str, workers: int) -> list[str]:
    """Where trainings run side by side: ``workers`` times on the CPU, or once on every GPU unless ``device`` names
    one."""
    if not device.startswith("cuda"):
        return [device] * workers
    if device != "cuda":
        return [device]
    import torch

    return [f"cuda:{index}" for index in range(max(1, torch.cuda.device_count()))]


def train_all(jobs: list[Job], workers: int, report: Callable[[Any], None]) -> None:
    """Run the jobs, longest first, in processes of their own: ``workers`` at a time, or one on each of several GPUs (on
    a single one: one by one, in this process).

    A training that comes to nothing, or a plug-in's that fails, says so, and the others go on. Ctrl-C lets every
    training save its state, then goes on upwards. Raises BenchError where one of ours failed.
    """
    if not jobs:
        return
    places = places_of(jobs[0].device, workers)
    if jobs[0].device.startswith("cuda") and len(places) == 1:
        from bench.throughput.memory import release

        with stop_on_interrupt() as stop:
            for job in jobs:
                try:
                    if not run_job(job, report, lambda: stop["now"]):
                        raise KeyboardInterrupt
                except Diverged as error:
                    say(f"warning: {error}")
                except CannotWrite:
                    raise
                except Exception as error:
                    if failed(job, f"{type(error).__name__}: {error}"):
                        raise
                release(job.device)
        return
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context: Any = multiprocessing.get_context(method)
    if method == "forkserver":
        # The server imports torch once; every worker is then a fork of it and starts at once.
        context.set_forkserver_preload(["torch", "variants.trainer", "bench.training.schedule"])
        start_fork_server()
    messages, stop_event = context.Queue(), context.Event()
    waiting = sorted(jobs, key=work_of, reverse=True)
    running: dict[tuple[str, int], Any] = {}
    begun: dict[tuple[str, int], Job] = {}
    problems: list[str] = []
    # As a flag, since an exception between a process's start and its entry would leave it without an owner.
    with stop_on_interrupt() as stop:
        while running or (waiting and not stop["now"]):
            try:
                while waiting and places and not stop["now"]:
                    job = replace(waiting.pop(0), device=places.pop(0))
                    process = context.Process(target=worker, args=(job, messages, stop_event), daemon=True)
                    process.start()
                    running[job.name, job.seed] = process
                    begun[job.name, job.seed] = job
                if stop["now"]:
                    stop_event.set()
                with contextlib.suppress(queues.Empty):
                    message = messages.get(timeout=0.5)
                    if isinstance(message, tuple) and message[0] == "told":
                        say(f"warning: {message[1]}")
                    elif isinstance(message, tuple):
                        _, name, seed, _complete, problem = message
                        running.pop((name, seed)).join()
                        places.append(begun[name, seed].device)
                        if problem and (problem := failed(begun[name, seed], problem)):
                            problems.append(problem)
                    else:
                        report(message)
                for key, process in list(running.items()):
                    if process.exitcode not in (None, 0):
                        running.pop(key)
                        places.append(begun[key].device)
                        if problem := failed(begun[key], ending(process.exitcode)):
                            problems.append(problem)
            except KeyboardInterrupt:
                stop["now"] = True
    if stop["now"]:
        raise KeyboardInterrupt
    if problems:
        raise BenchError("training failed for " + "; ".join(problems))


def start_fork_server() -> None:
    """Start the fork server with SIGINT ignored; the parent handles it.

    Otherwise a Ctrl-C during its imports prints a traceback."""
    from multiprocessing import forkserver

    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread: no signals arrive there
        return
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def stop_on_interrupt() -> Iterator[dict[str, bool]]:
    """Turn the first Ctrl-C or SIGTERM into a flag; a second one is a KeyboardInterrupt again. An ignored Ctrl-C
    stays ignored, and outside of the main thread, where no signal arrives, nothing is changed."""
    stop = {"now": False}
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def handler(*_: Any) -> None:
        if before == signal.SIG_IGN and not start.terminated:
            return
        if stop["now"]:
            raise KeyboardInterrupt
        stop["now"] = True

    before = signal.signal(signal.SIGINT, handler)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
