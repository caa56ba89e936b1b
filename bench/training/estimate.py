"""How long trainings will take, from a few seconds of real steps, and how far that is from the least possible."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from bench.profiles.profile import Profile
from bench.throughput import memory
from bench.throughput.ceilings import Ceilings, measure_ceilings
from bench.throughput.cost import Cost
from bench.throughput.paper_programme import Training, count_training
from bench.throughput.timing import loop_seconds, warm_up
from bench.training.batches import Batches
from bench.training.resident import Resident, fits
from bench.training.schedule import at_a_time, features_of, plan_of, prepare_cpu, steps_of, training_data
from bench.util.errors import UsageError
from bench.util.progress import say
from variants import perceptual
from variants.graph import WARM_UP
from variants.keep_freed_memory import keep_freed_memory
from variants.perceptual import Weights
from variants.registry import variant
from variants.session import Session, to_device

LOOP_S = 0.25
"""Seconds a sample takes, about: enough steps that one picture more or less does not matter, and short enough that some
fall where other programs leave the machine alone."""

LEAST_BATCH = 8
"""Pictures in a step that stands for one of more: a core's rate is that of large batches by then."""

REACHED = 0.1
"""Of the roofline: large steps on a CPU were seen at 9 to 15 % of it in bf16."""

SENT_POOL = 512
"""Pictures that stand for all: what a step costs does not depend on how many there are."""

BUFFERS = 1.3
"""What a step takes of memory over the tensors that are counted: the libraries' own buffers (1.2 to 1.3 was seen)."""


@dataclass(frozen=True)
class Estimate:
    """One training. first_s: what comes on top of steady steps (start, compiling, recording). floor_s: the least that
    its operations and bytes allow at the machine's measured ceilings; bound: which, ``compute`` or ``memory``."""

    variant: str
    steps: int
    epochs: float
    images_per_s: float
    first_s: float
    training_s: float
    floor_s: float
    bound: str

    @property
    def share(self) -> float:
        """Roofline share: least possible time over estimated time; 1 would leave nothing to gain."""
        return self.floor_s / self.training_s


@dataclass(frozen=True)
class Programme:
    """All trainings of a profile on a device, ``at_a_time`` of them side by side."""

    device: str
    precision: str
    at_a_time: int
    trainings: tuple[Estimate, ...]

    @property
    def together_s(self) -> float:
        """Until the last one ends: shared out evenly, but no sooner than the longest."""
        times = [training.training_s for training in self.trainings]
        return max(max(times), sum(times) / self.at_a_time)

    def as_dict(self) -> dict[str, Any]:
        """What ``bench train --estimate --json`` prints; times are in seconds."""
        return {
            "schema": 1,
            "device": self.device,
            "precision": self.precision,
            "at_a_time": self.at_a_time,
            "together_s": self.together_s,
            "trainings": [{**asdict(t), "roofline_share": t.share} for t in self.trainings],
        }


def estimate_all(trainings: Sequence[tuple[str, int]], profile: Profile, device: str, seconds: float) -> Programme:
    """Trainings, (variant, seed) each, under a profile: from ``seconds`` of steps of each variant.

    Raises UsageError where a step would not fit into memory.
    """
    trainings = list(dict.fromkeys(trainings))
    names = list(dict.fromkeys(name for name, _ in trainings))
    on_gpu = device.startswith("cuda")
    several = 1 if on_gpu else min(at_a_time(profile), len(trainings))
    if not on_gpu:
        prepare_cpu(profile.threads)
        keep_freed_memory()
    pictures = sum(len(part) for part in training_data(profile))
    precision = plan_of(names[0], 0, 1, profile, device, pictures).precision
    counted = {name: count_training(name, profile.width, profile.size or 0, precision, device) for name in names}
    if not on_gpu:
        for training in counted.values():
            require_memory(training, profile.batch, several)
    ceilings = measure_ceilings(device, [precision], seconds=2)
    found = {}
    others = replace(profile, batch=in_a_step(counted[names[0]], profile.batch, precision, ceilings, seconds))
    with company(names[0], others, pictures, several - 1):
        for name in names:
            say(f"timing steps of {name}")
            found[name] = estimate(counted[name], profile, device, pictures, ceilings, seconds)
    seeds = len(trainings) > len(names)
    each = (replace(found[name], variant=f"{name}@{seed}" if seeds else name) for name, seed in trainings)
    return Programme(device, precision, several, tuple(each))


@contextlib.contextmanager
def company(name: str, profile: Profile, pictures: int, count: int) -> Iterator[None]:
    """``count`` other processes that train on the CPU meanwhile, as they will: cores share memory and clock."""
    context = multiprocessing.get_context("spawn")
    begun = context.Semaphore(0)
    others = [
        context.Process(target=keep_training, args=(name, profile, pictures, features_of(name), begun), daemon=True)
        for _ in range(count)
    ]
    for other in others:
        other.start()
    try:
        for _ in others:
            begun.acquire(timeout=60)
        yield
    finally:
        for other in others:
            other.terminate()
            other.join()


def keep_training(name: str, profile: Profile, pictures: int, features: Weights | None, begun: Any) -> None:
    """Train until killed, as a neighbour that keeps the machine busy; releases ``begun`` once ready."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    perceptual.hand_in(lambda: features)
    prepare_cpu(profile.threads)
    keep_freed_memory()
    step = steps(name, profile, "cpu", pictures)
    begun.release()
    while True:
        step()


def steps(name: str, profile: Profile, device: str, pictures: int) -> Callable[[], None]:
    """A training's next step, on made-up pictures of the profile's size."""
    side = profile.size or 0
    plan = plan_of(name, 0, steps_of(name, profile, pictures), profile, device, pictures)
    pool = np.random.default_rng(0).integers(0, 256, (min(pictures, SENT_POOL), side, side, 3), dtype=np.uint8)
    entry = variant.get(name)()
    masks = entry.training.masks
    resident = fits(device, pictures * side * side * 3)
    source = Resident(device, pool, plan.batch, 0, masks) if resident else Batches(pool, plan.batch, 0, masks)
    session = Session(entry, plan)

    def step() -> None:
        session.step(*to_device(*source(session.step_count), device))

    return step


def require_memory(training: Training, batch: int, at_a_time: int) -> None:
    """Raises UsageError where steps on ``batch`` pictures, so many side by side, would not fit into memory."""
    try:
        memory.require(at_a_time * batch * BUFFERS * training.bytes_held / 2**20)
    except MemoryError as error:
        several = f", {at_a_time} trainings at a time" if at_a_time > 1 else ""
        raise UsageError(
            f"a step of {training.name} on {batch:,} pictures{several}: {error}; use a smaller --set batch=N"
        ) from error


def in_a_step(counted: Training, batch: int, precision: str, ceilings: Ceilings, seconds: float) -> int:
    """How many of the ``batch`` pictures a timed step takes: fewer where the whole may take longer than ``seconds``, so
    that no estimate of a large training takes minutes and gigabytes."""
    least, _ = ceilings.share(Cost(counted.flops_step * batch, counted.bytes_step * batch), precision, 1.0)
    likely = least / REACHED
    return max(min(batch, LEAST_BATCH), int(batch * seconds / likely)) if likely > seconds else batch


def estimate(
    counted: Training, profile: Profile, device: str, pictures: int, ceilings: Ceilings, seconds: float
) -> Estimate:
    """One training, from ``seconds`` of its steps; counted: what its steps cost.

    The fastest sample counts: others say how busy the machine was meanwhile. Steps that are too long are of fewer
    pictures, and count as many times as the whole has more.
    """
    name = counted.name
    plan = plan_of(name, 0, steps_of(name, profile, pictures), profile, device, pictures)
    some = in_a_step(counted, plan.batch, plan.precision, ceilings, seconds)
    began = time.perf_counter()
    next_step, taken = steps(name, replace(profile, batch=some), device, pictures), 0

    def step() -> None:
        nonlocal taken
        taken += 1
        next_step()

    # A GPU's steps are recorded after the first few.
    for _ in range(WARM_UP + 1 if device.startswith("cuda") else 1):
        step()
    first_s = time.perf_counter() - began
    if taken == 1 and first_s >= 5 * seconds:
        # Of so long a step, starting is a small part: a second one would double the wait.
        per_step, first_s = first_s, 0.0
    else:
        if first_s < seconds:
            warm_up(step, [()], device, seconds)
        first_s, first_steps = time.perf_counter() - began, taken
        began = time.perf_counter()
        samples = [loop_seconds(step, [()], 1, device)]
        count = max(1, round(LOOP_S / samples[0]))
        while time.perf_counter() - began < seconds:
            samples.append(loop_seconds(step, [()], count, device) / count)
        per_step = min(samples[1:] or samples)
        # The first steps are steps of the training, too.
        first_s = max(0.0, first_s - first_steps * per_step)
    per_step *= plan.batch / some
    least = Cost(counted.flops_step * plan.batch, counted.bytes_step * plan.batch)
    share, bound = ceilings.share(least, plan.precision, per_step)
    return Estimate(
        variant=name,
        steps=plan.steps,
        epochs=plan.steps * plan.batch / pictures,
        images_per_s=plan.batch / per_step,
        first_s=first_s,
        training_s=first_s + plan.steps * per_step,
        floor_s=share * per_step * plan.steps,
        bound=bound,
    )
