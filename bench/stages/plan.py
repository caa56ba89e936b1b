"""What a run would train and score, and the disk that it would take: counted before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.profiles.profile import Profile
from bench.runs.trained import weights_file
from bench.stages.prepare import Members
from bench.suites.suite import Suite
from variants.registry import variant

COLUMN = 9
"""Bytes of a number in records, as measured: 8, and its share of pages. Names that repeat down a column take next to
none."""

CELL = 13_500
"""Bytes of a file of records before its first row: what it says of its columns, measured with all metrics."""


@dataclass(frozen=True)
class Disk:
    """Bytes. records: of all scores. weights: of finished networks. states: what trainings go on from, with the second
    one that each running training keeps. pictures: of training, uint8; in the run (removed after training) or, where
    they come from files, in the cache."""

    records: int
    weights: int
    states: int
    pictures: int

    @property
    def together(self) -> int:
        """Sum of all parts, in bytes."""
        return self.records + self.weights + self.states + self.pictures


@dataclass(frozen=True)
class Plan:
    """trainings: (variant, seed) still to be trained. trained: how many are there already. methods: that are scored.
    cells: (data set, pictures, mask types). titles: what people call the data sets."""

    run: Path
    trainings: tuple[tuple[str, int], ...]
    trained: int
    methods: tuple[str, ...]
    missing: Mapping[str, str]
    cells: tuple[tuple[str, int, tuple[str, ...]], ...]
    disk: Disk
    titles: Mapping[str, str]

    @property
    def fills(self) -> int:
        """Number of fills that will be scored: methods times pictures times mask types."""
        return len(self.methods) * sum(pictures * len(masks) for _, pictures, masks in self.cells)

    def as_dict(self) -> dict[str, Any]:
        """What ``bench run --dry-run --json`` prints; sizes in bytes."""
        return {
            "run": str(self.run),
            "to_train": [{"variant": name, "seed": seed} for name, seed in self.trainings],
            "trained": self.trained,
            "methods": list(self.methods),
            "left_out": dict(self.missing),
            "data": [{"dataset": name, "pictures": count, "masks": list(masks)} for name, count, masks in self.cells],
            "fills": self.fills,
            "disk_bytes": {
                "records": self.disk.records,
                "weights": self.disk.weights,
                "states": self.disk.states,
                "training_pictures": self.disk.pictures,
                "together": self.disk.together,
            },
        }


def plan_run(
    profile: Profile, members: Members, suite: Suite, run: Path, fresh: bool, metrics: int, pictures: int, together: int
) -> Plan:
    """metrics: columns of scores. pictures: to train and validate on. together: trainings side by side."""
    finished = [
        (name, seed) for name, seed in members.networks if not fresh and weights_file(run, name, seed).is_file()
    ]
    missing = tuple(pair for pair in members.networks if pair not in finished)
    cells = tuple((dataset.name, len(dataset), suite.masks_of(dataset)) for dataset in suite.datasets)
    characters = {d.name: sum(len(image_id.encode(errors="replace")) for image_id in d.ids) for d in suite.datasets}
    records = sum(
        len(members.specs) * len(masks) * (CELL + count * COLUMN * (metrics + 1) + characters[name])
        for name, count, masks in cells
    )
    sizes = [weights_of(name, profile.width) for name, _ in missing]
    side = profile.size or 0
    disk = Disk(
        records=records,
        weights=sum(4 * generator for generator, _ in sizes),
        states=states(sizes, profile.ema > 0, together),
        pictures=pictures * side * side * 3 if missing else 0,
    )
    return Plan(run, missing, len(finished), members.specs, members.missing, cells, disk, suite.titles)


def weights_of(name: str, width: int) -> tuple[int, int]:
    """Numbers learned by a variant's generator, and by its critics."""
    entry = variant.get(name)()
    generator, critics = entry.network(width), entry.objective(width)
    return sum(p.numel() for p in generator.parameters()), sum(p.numel() for p in critics.parameters())


def states(sizes: list[tuple[int, int]], mean: bool, together: int) -> int:
    """Bytes of all states: weights and both of Adam's moments, 4 bytes each, and the running mean where one is kept.
    The largest ``together`` of them lie there twice."""
    each = sorted((12 * (generator + critics) + 4 * generator * mean for generator, critics in sizes), reverse=True)
    return sum(each) + sum(each[:together])
