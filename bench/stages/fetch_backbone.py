"""The backbone that a run's perceptual columns look through: what would be fetched, and fetching it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.profiles.profile import Profile
from bench.util.progress import say

if TYPE_CHECKING:
    from bench.backbones.background import Fetch


def lacking(profile: Profile, weights_dir: Path | None) -> str | None:
    """The name of the backbone that the profile's metrics want and that is not at hand; None where none is."""
    from bench import backbones
    from bench.metrics.lpips import BACKBONES
    from bench.metrics.protocol import find_protocol
    from bench.metrics.registry import metric
    from bench.set_metrics.registry import split_names

    names = split_names(profile.metrics)[0] if profile.metrics else metric.names()
    if not any((entry := metric.get(name)).group == "perceptual" and not entry.approximate for name in names):
        return None
    name = BACKBONES[find_protocol(profile.protocol).lpips]
    return name if backbones.find(backbones.backbone(name), weights_dir) is None else None


def start_fetch(profile: Profile, weights_dir: Path | None, offline: bool) -> Fetch | None:
    """Begin to fetch AlexNet where it is wanted and the network may be asked; the others are larger, and rare."""
    from bench import backbones
    from bench.backbones.background import Fetch, is_offline

    name = lacking(profile, weights_dir)
    if name is None or name != backbones.DEFAULT:
        return None
    if is_offline(offline):
        say(f"offline: the {name} backbone is not fetched")
        return None
    which = backbones.backbone(name)
    say(f"fetching the {name} backbone ({which.megabytes} MB) in the background, once; --offline skips this")
    return Fetch(which)


def fetch_or_tell(profile: Profile, weights_dir: Path | None, fetch: bool) -> None:
    """Fetch what is lacking where that was asked for; else say what would be."""
    from bench import backbones
    from bench.backbones.background import ENV, Fetch, is_offline

    name = lacking(profile, weights_dir)
    if name is None:
        return
    which = backbones.backbone(name)
    if fetch and is_offline():
        say(f"offline ({ENV} is set): the {name} backbone is not fetched, despite --fetch")
    elif fetch:
        say(f"fetching the {name} backbone ({which.megabytes} MB)")
        Fetch(which).wait(float("inf"))
    else:
        say(
            f"note: {which.scores} need the {name} backbone ({which.megabytes} MB), which is missing: use --fetch or "
            f"'bench weights fetch {name}'"
        )
