"""Train the networks that a run holds no finished weights of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.datasets.packed import pack
from bench.stages.context import Context
from bench.stages.prepare import describe
from bench.util.progress import Reporter, say


def train_missing(context: Context, networks: Sequence[tuple[str, int]]) -> None:
    """Train every (variant, seed) of ``networks`` that the run holds no finished weights of."""
    from bench.training.train import Job, at_a_time, steps_of, train_all, training_data, validation_data

    writer, profile, device = context.writer, context.profile, context.device
    checkpoints, cache = writer.path / "checkpoints", writer.path / "cache"
    missing = [
        (name, seed)
        for name, seed in networks
        if not (checkpoints / name / f"seed-{seed}" / "generator.safetensors").is_file()
    ]
    if not missing:
        return
    with writer.stage("train"):
        say(f"preparing {sum(profile.train_count):,} training pictures at {profile.size} px")
        parts = training_data(profile)
        writer.update(trained_on=[describe(dataset) for dataset in parts])
        pool = pack(parts, profile.size or 0, cache / "train.npy")
        validation = pack(validation_data(profile), profile.size or 0, cache / "validation.npy")
        pictures = sum(len(dataset) for dataset in parts)
        jobs = [
            Job(name, seed, steps_of(name, profile, pictures), checkpoints / name / f"seed-{seed}", pool, validation,
                profile, device)
            for name, seed in missing
        ]  # fmt: skip
        total = sum(job.steps for job in jobs)
        done = dict.fromkeys([(job.name, job.seed) for job in jobs], 0)
        several = len(profile.seeds) > 1
        with Reporter("train") as reporter:

            def report(progress: Any) -> None:
                done[progress.name, progress.seed] = progress.step
                label = f"{progress.name}@{progress.seed}" if several else progress.name
                if not progress.done:
                    note = f"loss {progress.loss:.4f}, {progress.images_per_s:,.0f} img/s"
                    reporter.update(label, progress.step, progress.steps, note)
                reporter.update("all", sum(done.values()), total)

            train_all(jobs, at_a_time(profile), report)
    for file in (cache / "train.npy", cache / "validation.npy"):
        file.unlink(missing_ok=True)
