"""The methods of a demo: the one file of this room that knows how methods are named, found and loaded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.metrics.declaration import in_order
from bench.profiles.profile import Profile, load_profile
from bench.runs.reader import Run, find_runs, out_folder
from bench.util.errors import UsageError
from bench.util.progress import say
from variants.errors import VariantError
from variants.method import Method

PAPER_SIZE = 256
"""The side in pixels that the paper's networks work at: used where no run says another."""
BEST = 2
"""How many trained variants are shown where none is named."""


@dataclass(frozen=True)
class Cast:
    """The methods to be shown and the side, in pixels, that they fill at."""

    methods: list[Method]
    size: int

    @property
    def labels(self) -> list[str]:
        """The names shown, with the seed only where several methods share a name."""
        names = [method.name for method in self.methods]
        return [m.name if names.count(m.name) == 1 else f"{m.name}@{m.seed}" for m in self.methods]


def gather(specs: Sequence[str], runs: Path, device: str | None = None, size: int | None = None) -> Cast:
    """The methods of the specs, or where none is given the best of the newest run beside ``telea``; where no run
    has weights, a small network is trained first. Raises UsageError and VariantError for wrong specs."""
    from bench.methods.device import check_device
    from bench.methods.load import check_spec, load_all
    from bench.methods.spec import parse_spec
    from bench.methods.weights import weights_anywhere

    for spec in specs:
        check_spec(spec)
        if parse_spec(spec).kind == "predictions":
            raise UsageError(f"{spec} are finished pictures, which cannot fill a new one: name a method that can")
    where = check_device(device)
    if not specs:
        specs = best_of(newest(runs) or train_stopgap(runs, where))
    methods = load_all(specs, weights_anywhere(runs), None, where)
    for method in methods:
        if hasattr(method, "chunk"):
            method.chunk = 1
    return Cast(methods, size or trained_size(specs, runs))


def newest(runs: Path) -> Run | None:
    """The newest run that holds weights of a network."""
    return next((run for run in find_runs(runs) if trained(run)), None)


def trained(run: Run) -> list[str]:
    """The variants that a run holds weights of."""
    from bench.runs.trained import trained
    from variants.registry import variant

    return [name for name in trained(run.path) if name in variant.names()]


def best_of(run: Run) -> list[str]:
    """The best trained variants of a run by its first metric over all its mask types, and a reference."""
    metrics = run.manifest.metrics
    deciding = next(iter(in_order(metrics)), "")
    means: dict[str, list[float]] = {name: [] for name in trained(run)}
    for score in (run.summary or {}).get("scores", []):
        if score["variant"] in means and score["mask"] == "all" and score["metric"] == deciding:
            mean = float(score["mean"]) if score["mean"] is not None else math.nan
            means[score["variant"]].append(float(metrics[deciding].goodness(mean)))
    ranked = sorted(means, key=lambda name: -np.nanmean(means[name]) if means[name] else math.inf)
    return [*ranked[:BEST], *references(load_profile("demo"))]


def train_stopgap(runs: Path, device: str) -> Run:
    """A run with a small network, trained now: something to show within a minute or two."""
    from bench.stages.prepare import members_of, prepare
    from bench.stages.train import train_missing

    profile = load_profile("demo")
    members = members_of(profile)
    names = ", ".join(name for name, _ in members.networks)
    say(f"no run under {runs} holds trained weights: training a small {names} (bench run trains better)")
    context = prepare(profile, members, lambda name: out_folder(None, runs, name), False, False, device)
    train_missing(context, members.networks)
    context.writer.finish_training()
    context.writer.close()
    return context.run


def references(profile: Profile) -> list[str]:
    """The methods of a profile that need no training."""
    from bench.stages.prepare import members_of

    members = members_of(profile)
    networks = {f"{name}@{seed}" for name, seed in members.networks}
    return [spec for spec in members.specs if spec not in networks]


def trained_size(specs: Sequence[str], runs: Path) -> int:
    """The side that the first trained network among the specs learned at, pixels."""
    from bench.methods.load import split_seed
    from bench.methods.spec import parse_spec

    for spec in specs:
        name, seed = split_seed(parse_spec(spec).argument)
        for run in find_runs(runs):
            if ":" not in spec and run.checkpoint(name, seed):
                return int(run.manifest.profile.get("size") or PAPER_SIZE)
    return PAPER_SIZE


def fill_one(method: Method, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """raw of one picture, float32 (H, W, 3). Raises UsageError with a sentence where the method fails."""
    try:
        raw = method.fill(image[None], hole[None])[0]
    except VariantError as error:
        raise UsageError(str(error)) from error
    except (RuntimeError, MemoryError) as error:  # of a network, most often for want of memory
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageError(f"{method.name} failed at {hole.shape[1]} × {hole.shape[0]} px: {why}") from error
    if not np.isfinite(raw).all():
        raise UsageError(f"{method.name} returned NaN or infinite values")
    return raw
