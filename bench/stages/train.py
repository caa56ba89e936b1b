"""Train the networks that a run holds no finished weights of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.stages.context import Context
from bench.util.progress import Reporter, say


def train_missing(context: Context, networks: Sequence[tuple[str, int]]) -> None:
    """Train every (variant, seed) of ``networks`` that the run holds no finished weights of."""
    from bench.stages import kept
    from bench.training.train import Job, at_a_time, steps_of, train_all

    kept.settle(context, networks)
    writer, profile, device = context.writer, context.profile, context.device
    checkpoints = writer.path / "checkpoints"
    missing = [
        (name, seed)
        for name, seed in networks
        if not (checkpoints / name / f"seed-{seed}" / "generator.safetensors").is_file()
    ]
    if not missing:
        kept.note(context, networks)
        return
    with writer.stage("train"):
        say(f"preparing {sum(profile.train_count):,} training pictures at {profile.size} px")
        pool, validation = kept.pools(context)
        kept.begin(context, missing)
        pictures = sum(entry.count for entry in writer.manifest.trained_on)
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

            try:
                train_all(jobs, at_a_time(profile), report)
            finally:
                kept.note(context, networks)
    kept.clear(context)
