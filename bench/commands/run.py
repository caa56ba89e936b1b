"""What ``bench run`` does: everything from pictures to report, stage by stage."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.commands.results import show
from bench.commands.settings import check_names, read_every, with_data
from bench.commands.train import not_trained
from bench.exporters.registry import chosen
from bench.profiles.profile import Profile
from bench.runs.reader import Build
from bench.util.errors import BenchError, PartialError, UsageError
from bench.util.files import write_text
from bench.util.progress import say


def run_profile(
    profile: Profile,
    *,
    data: Sequence[str] | None,
    folder: Callable[[str], Path],
    changed: bool,
    fresh: bool = False,
    wait: bool = False,
    offline: bool = False,
    checkpoint_every: str | None = None,
    throughput: bool = True,
    open_report: bool = False,
    device: str | None = None,
    workers: int | None = None,
    weights_dir: Path | None = None,
    json_output: bool = False,
    export: Sequence[Path] = (),
    build: Build | None = None,
    launcher: str | None = None,
    tensorboard: bool = False,
) -> None:
    """Everything from pictures to report; prints where the report is. workers: processes that score. launcher: what
    trains and scores, in place of processes on this machine."""
    began = time.perf_counter()
    check_names(profile)
    files = chosen(export, "scores")
    profile = with_data(profile, data)
    from bench.backbones.vgg16 import offer
    from bench.methods.device import check_device
    from bench.methods.load import load_all
    from bench.methods.weights import weights_of
    from bench.runs.shards import folder_of
    from bench.stages.fetch_backbone import start_fetch
    from bench.stages.finish import finish
    from bench.stages.prepare import members_of, prepare, refuse_to_lose
    from bench.stages.samples import choose_samples
    from bench.stages.score import open_scorers, score_methods
    from bench.stages.score_on_ray import score_spread
    from bench.stages.speed import measure_speed
    from bench.stages.train import train_missing
    from bench.training import tensorboard as events
    from bench.training import together
    from bench.training.on_ray import train_on_ray
    from bench.util.ray_tasks import check_launcher

    kept = read_every(checkpoint_every)
    if tensorboard:
        events.require()
    launch = None
    if launcher is not None:
        check_launcher(launcher)
        launch = train_on_ray
    if together.asked():
        raise UsageError("bench run is a single process: train with torchrun … -m bench train, then run bench run")
    offer(weights_dir)
    members = members_of(profile)
    context = prepare(profile, members, folder, changed, fresh, check_device(device), wait)
    if fresh:
        shutil.rmtree(folder_of(context.writer.path), ignore_errors=True)
    before = dict(context.writer.manifest.stages)
    fetch = start_fetch(profile, weights_dir, offline)
    diverged = train_missing(context, members.networks, kept, launch, tensorboard)
    specs = [spec for spec in members.specs if spec not in {f"{name}@{seed}" for name, seed in diverged}]
    if not specs:
        raise BenchError(f"{not_trained(diverged)}: nothing is left to score")
    context.methods = load_all(specs, weights_of(context.run), None, context.device)
    if fetch is not None:
        fetch.wait()
    scorers = open_scorers(profile, weights_dir, context.device)
    refuse_to_lose(context.writer.path, scorers[0])
    if launch is None:
        outcome = score_methods(context, *scorers, workers=workers)
    else:
        outcome = score_spread(context, specs, *scorers, weights_dir)
    if throughput:
        measure_speed(context)
    choose_samples(context)
    report = finish(context, build)
    show(context.run, report, json_output, open_report)
    for path, form in files:
        write_text(path, form.scores(context.run))
    stages = {name: seconds - before.get(name, 0.0) for name, seconds in context.writer.manifest.stages.items()}
    spent = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in stages.items() if seconds > 0)
    say(f"done in {time.perf_counter() - began:.0f} s ({spent})")
    troubles = [not_trained(diverged)] if diverged else []
    if outcome.partial:
        failed = sum(outcome.failed.values())
        troubles.append(f"{failed} fill{'s' * (failed > 1)} could not be scored; the report lists the reasons")
    if troubles:
        raise PartialError("; ".join(troubles))
