"""What ``bench run --dry-run`` does: say what a run would train and score, for how long, on how much disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.commands.settings import check_names, with_data
from bench.profiles.profile import Profile

SECONDS = 2.0
"""Of steps, for each variant."""


def dry_run(
    profile: Profile, *, data: Sequence[str] | None, folder: Callable[[str], Path], changed: bool, fresh: bool,
    device: str | None, weights_dir: Path | None, json_output: bool,
) -> None:  # fmt: skip
    """Print what the run would do; steps are timed, and nothing is written."""
    check_names(profile)
    profile = with_data(profile, data)
    from bench.backbones.vgg16 import offer
    from bench.exporters import estimate_terminal, plan_terminal
    from bench.methods.device import check_device
    from bench.metrics.registry import metric
    from bench.set_metrics.registry import split_names
    from bench.stages.plan import plan_run
    from bench.stages.prepare import members_of, require_size, run_name
    from bench.suites.of_profile import open_suite
    from bench.training.estimate import estimate_all
    from bench.training.schedule import at_a_time, training_data, validation_data

    offer(weights_dir)
    require_size(profile)
    members, place = members_of(profile), check_device(device)
    suite = open_suite(profile, packed=False)
    pictures = sum(len(part) for part in training_data(profile) + validation_data(profile))
    metrics = len(split_names(profile.metrics)[0] if profile.metrics else metric.names())
    together = 1 if place.startswith("cuda") else at_a_time(profile)
    run = folder(run_name(profile, changed))
    plan = plan_run(profile, members, suite, run, fresh, metrics, pictures, together)
    programme = estimate_all(plan.trainings, profile, place, SECONDS) if plan.trainings else None
    if json_output:
        print(json.dumps({"schema": 1, **plan.as_dict(), "training": programme.as_dict() if programme else None}))
        return
    plan_terminal.show(plan)
    if programme is not None:
        print()
        estimate_terminal.show(programme)
    print("Not included: the time to score, and to measure speed.")
