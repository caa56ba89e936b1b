"""The sides of a comparison: what ``[RUN:]VARIANT[@SEED]`` names, and in which run it lies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.runs.reader import Run, find_run, find_runs
from bench.statistics.scores import Scores, load_scores
from bench.util.errors import IncomparableError, UsageError
from variants.registry import suggest


@dataclass(frozen=True)
class Side:
    """One side: a variant of a run, of one seed or (None) of all its seeds. ``label`` is unique in a comparison."""

    run: Run
    variant: str
    seed: int | None
    label: str

    @cached_property
    def scores(self) -> dict[str, Scores]:
        """By data set."""
        return load_scores(self.run, self.variant, self.seed)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The training seed that was named, else all that the run holds."""
        held = tuple(seed for name, seed in self.run.members() if name == self.variant)
        return held if self.seed is None else (self.seed,)

    @property
    def trained(self) -> bool:
        """Whether another training run would have given other weights."""
        entries = [entry for entry in self.run.manifest.variants if entry.name == self.variant]
        return not entries or entries[0].kind == "network"


@dataclass(frozen=True)
class Spec:
    """A side as it was written: ``[RUN:]VARIANT[@SEED]``."""

    text: str
    run: str | None
    variant: str
    seed: int | None


def parse_side(text: str) -> Spec:
    """``[RUN:]VARIANT[@SEED]``. Raises UsageError.

    >>> side = parse_side("old:double_dg@1")
    >>> side.run, side.variant, side.seed
    ('old', 'double_dg', 1)
    """
    match = re.fullmatch(r"(?:(?P<run>.+):)?(?P<variant>[^:@\s]+)(?:@(?P<seed>\d+))?", text)
    if not match:
        raise UsageError(
            f"'{text}' is not a valid side: write [RUN:]VARIANT[@SEED], e.g. double_dg, old:double_dg or double_dg@1"
        )
    seed = match["seed"]
    return Spec(text, match["run"], match["variant"], None if seed is None else int(seed))


def _holds(run: Run, spec: Spec) -> bool:
    """Whether a run holds the variant, and the seed where one is named."""
    return any(name == spec.variant and spec.seed in (None, seed) for name, seed in run.members())


def resolve_sides(texts: list[str], folder: Path) -> list[Side]:
    """The sides named. Those without a run share the newest run that holds them all, else each takes the
    newest that holds it. Raises UsageError for a wrong name, IncomparableError where no run holds one."""
    specs = [parse_side(text) for text in texts]
    free = [spec for spec in specs if spec.run is None]
    runs = find_runs(folder) if free else []
    if free and not runs:
        raise IncomparableError(
            f"no run under {folder} yet: start with bench run, or name one as RUN:{free[0].variant}"
        )
    shared = next((run for run in runs if all(_holds(run, spec) for spec in free)), None)
    chosen = [(spec, _choose(spec, shared, runs, folder)) for spec in specs]
    return [
        Side(run, spec.variant, spec.seed, label) for (spec, run), label in zip(chosen, _labels(chosen), strict=True)
    ]


def _choose(spec: Spec, shared: Run | None, runs: list[Run], folder: Path) -> Run:
    """The run of a side. Raises UsageError or IncomparableError where none holds it."""
    if spec.run is not None:
        run = find_run(spec.run, folder)
        if not _holds(run, spec):
            raise _missing(spec, [run], f"run {run.name}")
        return run
    found = shared or next((run for run in runs if _holds(run, spec)), None)
    if found is None:
        raise _missing(spec, runs, f"no run under {folder}")
    return found


def _missing(spec: Spec, runs: list[Run], where: str) -> Exception:
    """Why no run holds a side: a wrong seed, a wrong name, or a variant that was never scored."""
    held = {pair for run in runs for pair in run.members()}
    seeds = sorted(seed for name, seed in held if name == spec.variant)
    if seeds:
        there = ", ".join(str(seed) for seed in seeds)
        return UsageError(f"'{spec.text}': {spec.variant} has no seed {spec.seed} there, only {there}")
    from variants.registry import Registry

    names = {name for name, _ in held}
    known: Registry[object] = Registry("variant", "variants")
    if spec.variant in known.names():
        verb = "holds no" if where.startswith("run ") else "holds"
        return IncomparableError(
            f"{where} {verb} {spec.variant}: train and score it with bench run, or name another run"
        )
    return UsageError(f"{suggest('variant', spec.variant, names | set(known.names()))}")


def _labels(chosen: list[tuple[Spec, Run]]) -> list[str]:
    """Short names that tell the sides apart: variant and seed, with the run where that is not enough."""
    short = [spec.variant if spec.seed is None else f"{spec.variant}@{spec.seed}" for spec, _ in chosen]
    found = []
    for name, (_, run) in zip(short, chosen, strict=True):
        found.append(name if short.count(name) == 1 else f"{run.name}:{name}")
    for place, name in enumerate(found):
        if name in found[:place]:
            found[place] = f"{name}#{place + 1}"
    return found
