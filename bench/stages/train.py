"""Train the networks that a run holds no finished weights of."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from bench.runs.trained import DIVERGED, WEIGHTS, training_folder
from bench.stages.context import Context
from bench.util.progress import Reporter, say
from variants.checkpoint_every import Every

if TYPE_CHECKING:
    from bench.training.schedule import Job
    from bench.training.tensorboard import Events

Launch = Callable[[list["Job"], Callable[[Any], None]], None]
"""Trains jobs and reports their progress: here, under torchrun, or over a cluster."""


def train_missing(
    context: Context,
    networks: Sequence[tuple[str, int]],
    every: Every = Every(),
    launch: Launch | None = None,
    tensorboard: bool = False,
) -> dict[tuple[str, int], str]:
    """Train every (variant, seed) of ``networks`` that the run holds no finished weights of.

    every: how often a state is kept. launch: what trains them, by default processes on this machine. tensorboard: write
    event files for it, too. Returns those that came to nothing, and why.
    """
    from bench.stages import kept
    from bench.training.schedule import may_begin_again, why_diverged
    from bench.training.tensorboard import Events

    kept.settle(context, networks)
    folders = {pair: training_folder(context.writer.path, *pair) for pair in networks}
    for folder in folders.values():
        if may_begin_again(folder):
            (folder / DIVERGED).unlink()
    missing = [
        pair for pair, folder in folders.items() if not (folder / WEIGHTS).is_file() and not why_diverged(folder)
    ]
    with Events(context.writer.path) if tensorboard else contextlib.nullcontext() as events:
        if missing:
            with context.writer.stage("train"):
                train(context, missing, every, launch, events)
        if events is not None:
            for pair in networks:
                events.mirror(*pair)
    kept.clear(context)  # also where a run was killed between its last training and this
    kept.note(context, networks)
    lost = {pair: why_diverged(folder) for pair, folder in folders.items()}
    lost = {pair: why for pair, why in lost.items() if why}
    for pair, why in lost.items():
        context.writer.note(why)
        if pair not in missing:
            say(f"warning: {why} (It is not retried; --fresh starts the run over.)")
    return lost


def train(
    context: Context,
    missing: Sequence[tuple[str, int]],
    every: Every,
    launch: Launch | None,
    events: Events | None = None,
) -> None:
    """Train each (name, seed) in ``missing`` here or wherever ``launch`` starts it, and enter all in run.json."""
    from bench.stages import kept
    from bench.training.schedule import Job, at_a_time, features_of, steps_of, train_all

    profile = context.profile
    say(f"preparing {sum(profile.train_count):,} training pictures at {profile.size} px")
    pool, validation = kept.pools(context)
    kept.begin(context, missing)
    pictures = sum(entry.count for entry in context.writer.manifest.trained_on)
    jobs = [
        Job(name, seed, steps_of(name, profile, pictures), training_folder(context.writer.path, name, seed), pool,
            validation, profile, context.device, every, features_of(name))
        for name, seed in missing
    ]  # fmt: skip
    for job in jobs:
        if job.features is not None:
            context.writer.note(f"{job.name} learned by VGG16's features, torchvision's {job.features.kind}.")
    done = dict.fromkeys([(job.name, job.seed) for job in jobs], 0)
    several = len(profile.seeds) > 1
    with Reporter("train") as reporter:

        def report(progress: Any) -> None:
            done[progress.name, progress.seed] = progress.step
            if events is not None:
                events.add(progress)
            label = f"{progress.name}@{progress.seed}" if several else progress.name
            if progress.resumed:
                say(f"{label} resumes at step {progress.step:,} of {progress.steps:,}")
            if not progress.done:
                reporter.update(label, progress.step, progress.steps, in_words(progress))
            reporter.update("all", sum(done.values()), sum(job.steps for job in jobs))

        try:
            if launch is None:
                train_all(jobs, at_a_time(profile), report)
            else:
                launch(jobs, report)
        finally:
            kept.note(context, missing)


def in_words(progress: Any) -> str:
    """What is said of a training beside its bar."""
    if progress.resumed:
        return "resumed"
    score = progress.row.get("validation_psnr_hole")
    judged = f", {score:.1f} dB" if score is not None else ""
    return f"loss {progress.loss:.4f}{judged}, {progress.images_per_s:,.0f} img/s"
