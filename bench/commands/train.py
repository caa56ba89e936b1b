"""What ``bench train`` does: only the trainings of a run, or an estimate of how long they would take."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bench.commands.settings import check_names, with_data
from bench.profiles.profile import Profile
from bench.util.errors import UsageError


def train_only(
    names: Sequence[str], profile: Profile, *, data: Sequence[str] | None, folder: Callable[[str], Path],
    changed: bool, fresh: bool, device: str | None, wait: bool = False,
) -> None:  # fmt: skip
    """``bench train``: the named networks of a profile, into the run that ``bench run`` goes on with."""
    profile = with_data(profile, data)
    wanted = networks_named(names, profile)
    from bench.methods.device import check_device
    from bench.stages.prepare import members_of, prepare
    from bench.stages.train import train_missing

    context = prepare(profile, members_of(profile), folder, changed, fresh, check_device(device), wait)
    train_missing(context, wanted)
    for name, seed in wanted:
        print(context.writer.path / "checkpoints" / name / f"seed-{seed}" / "generator.safetensors")


def estimate_only(
    names: Sequence[str], profile: Profile, data: Sequence[str] | None, device: str | None, seconds: float,
    json_output: bool,
) -> None:  # fmt: skip
    """``bench train --estimate``: how long the named networks of a profile would train here; nothing is written."""
    profile = with_data(profile, data)
    wanted = networks_named(names, profile)
    from bench.exporters.estimate_terminal import show
    from bench.methods.device import check_device
    from bench.stages.prepare import require_size
    from bench.training.estimate import estimate_all

    require_size(profile)
    place = check_device(device)
    programme = estimate_all(wanted, profile, place, seconds)
    if json_output:
        print(json.dumps(programme.as_dict()))
    else:
        show(programme)


def networks_named(names: Sequence[str], profile: Profile) -> list[tuple[str, int]]:
    """(variant, seed) of every training that ``names`` ask for. Raises UsageError where one needs no training."""
    from bench.methods.load import is_network, split_seed

    check_names(replace(profile, variants=tuple(split_seed(name)[0] for name in names)))
    wanted: list[tuple[str, int]] = []
    for spec in names:
        name, seed = split_seed(spec)
        if not is_network(name):
            raise UsageError(f"{name} needs no training: bench eval {name} scores it")
        wanted += [(name, s) for s in ([seed] if seed is not None else profile.seeds)]
    return wanted
