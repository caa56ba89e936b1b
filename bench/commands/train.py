"""What ``bench train`` does: only the trainings of a run, or an estimate of how long they would take."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from bench.commands.settings import check_names, read_every, with_data
from bench.profiles.profile import Profile
from bench.runs.trained import weights_file
from bench.util.errors import PartialError, UsageError
from bench.util.progress import say


def train_only(
    names: Sequence[str], profile: Profile, *, data: Sequence[str] | None, folder: Callable[[str], Path],
    changed: bool, fresh: bool, device: str | None, wait: bool = False, checkpoint_every: str | None = None,
    tensorboard: bool = False, weights_dir: Path | None = None,
) -> None:  # fmt: skip
    """``bench train``: the named networks of a profile, into the run that ``bench run`` goes on with.

    Under torchrun, every process calls this, and they train together.
    """
    profile = with_data(profile, data)
    wanted = networks_named(names, profile, weights_dir)
    from bench.methods.device import check_device
    from bench.stages.prepare import members_of, prepare
    from bench.stages.train import Launch, train_missing
    from bench.training import tensorboard as events
    from bench.training import together

    def lead(place: str, fresh: bool, launch: Launch | None) -> None:
        if tensorboard:
            events.require()
        context = prepare(profile, members_of(profile), folder, changed, fresh, place, wait)
        diverged = train_missing(context, wanted, kept, launch, tensorboard)
        for pair in wanted:
            if pair not in diverged:
                print(weights_file(context.writer.path, *pair))
        context.writer.finish_training()
        context.writer.close()
        if diverged:
            raise PartialError(not_trained(diverged))

    kept = read_every(checkpoint_every)
    if not together.asked():
        lead(check_device(device), fresh, None)
        return
    with together.joined(device) as group:
        if group.leads:
            # What is started once more goes on.
            lead(group.device, fresh and not together.restarted(), group.train)
        else:
            group.follow(profile)


def not_trained(diverged: Collection[tuple[str, int]]) -> str:
    """Which trainings came to nothing, in a sentence."""
    names = ", ".join(f"{name}@{seed}" for name, seed in diverged)
    return f"{names} came to nothing in training and {'is' if len(diverged) == 1 else 'are'} left out"


def estimate_only(
    names: Sequence[str], profile: Profile, data: Sequence[str] | None, device: str | None, seconds: float,
    json_output: bool, weights_dir: Path | None = None,
) -> None:  # fmt: skip
    """``bench train --estimate``: how long the named networks of a profile would train here; nothing is written."""
    profile = with_data(profile, data)
    wanted = networks_named(names, profile, weights_dir)
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


def networks_named(names: Sequence[str], profile: Profile, weights_dir: Path | None) -> list[tuple[str, int]]:
    """(variant, seed) of every training that ``names`` ask for and that lacks nothing here. Raises UsageError where one
    needs no training, or none can be trained."""
    from bench.backbones.vgg16 import offer
    from bench.methods.load import is_network, split_seed
    from variants.registry import variant

    offer(weights_dir)
    missing: dict[str, str] = {}

    check_names(replace(profile, variants=tuple(split_seed(name)[0] for name in names)))
    wanted: list[tuple[str, int]] = []
    for spec in names:
        name, seed = split_seed(spec)
        if not is_network(name):
            raise UsageError(f"{name} needs no training: bench eval {name} scores it")
        if why := variant.get(name)().missing():
            missing[name] = why
        else:
            wanted += [(name, s) for s in ([seed] if seed is not None else profile.seeds)]
    if not wanted:
        raise UsageError("; ".join(f"{name} cannot be trained: {why}" for name, why in missing.items()))
    for name, why in missing.items():
        say(f"warning: {name} is left out: {why}")
    return wanted
