"""How far runs are, in words: what ``bench list runs`` says of each, and of shards beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.runs.journal import JOURNAL
from bench.runs.lock import RunLock
from bench.runs.manifest import Manifest, read_manifest
from bench.runs.reader import Run
from bench.runs.shards import Part, folder_of, parts_of
from bench.runs.trained import DIVERGED, WEIGHTS
from bench.util.errors import BenchError
from bench.util.progress import say


def standing(run: Run) -> str:
    """When a run was finished, ISO time, or in words how far it is."""
    if run.manifest.finished:
        return run.manifest.finished
    trainings = [path for path in (run.path / "checkpoints").glob("*/seed-*") if path.is_dir()]
    training = any(not (path / WEIGHTS).is_file() and not (path / DIVERGED).is_file() for path in trainings)
    scored = (run.path / "records").is_dir()
    scoring = scored or (run.path / JOURNAL).is_dir()
    what = "training" if training or run.manifest.action == "train" else "scoring" if scoring else ""
    if RunLock(run.path).held:
        return f"{what} now" if what else "under way"
    if run.manifest.trained:
        return "trained since it was scored" if scored else "trained, not scored"
    return f"{what} interrupted" if what else "interrupted"


@dataclass(frozen=True)
class Shards:
    """The shards beside the run at ``run``, which need not be there yet. manifest: of the first of them. merged: the
    run was finished with them, over the same pictures and not before any of them."""

    run: Path
    parts: dict[Part, bool]
    manifest: Manifest
    merged: bool

    def __str__(self) -> str:
        """How far they are.

        >>> str(Shards(Path("big"), {Part(1, 3): True, Part(3, 3): False}, Manifest(name="", suite=None), False))
        '1 of 3 shards scored, not merged'
        """
        counts = sorted({part.of for part in self.parts})
        return f"{sum(self.parts.values())} of {' or of '.join(map(str, counts))} shards scored, not merged"


def shards_in(folder: Path) -> Iterator[Shards]:
    """The shards that lie in a folder of runs; those that cannot be read are passed over, which is said."""
    suffix = folder_of(Path("run")).suffix
    for place in sorted(folder.glob(f"*{suffix}")):
        try:
            found = shards_of(place.with_name(place.name.removesuffix(suffix)))
        except BenchError as error:
            say(f"note: skipped {place}: {error}")
            continue
        if found is not None:
            yield found


def shards_of(run: Path) -> Shards | None:
    """The shards beside ``run``; None where there are none. Raises UsageError where a run.json cannot be read."""
    parts = parts_of(run)
    if not parts:
        return None
    own = [read_manifest(part.folder(run) / "run.json") for part in parts]
    merged = False
    if (run / "run.json").is_file():
        whole = read_manifest(run / "run.json")
        ends = [manifest.finished for manifest in own]
        merged = whole.suite == own[0].suite and all(end and end <= (whole.finished or "") for end in ends)
    return Shards(run, parts, own[0], merged)
