"""Shards of an evaluation: each scores every N-th picture into a folder of its own beside the run."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.datasets.registry import Dataset
from bench.runs.manifest import Manifest, read_manifest
from bench.util.errors import UsageError
from bench.util.files import write_json
from bench.util.read_errors import read_object

FILE = "shard.json"
"""Lies in the folder of a shard that is complete."""


@dataclass(frozen=True)
class Part:
    """Shard ``number`` of ``of``, from 1. Picture p of a data set, counted from 0, is in shard p mod ``of`` + 1."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Part:
        """``3/16``. Raises UsageError."""
        found = re.fullmatch(r"(\d+)/(\d+)", text.strip())
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise UsageError(f"--shard {text} must be I/N with I from 1 to N, as 3/16")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of_environment(cls) -> Part | None:
        """What torchrun says in RANK and WORLD_SIZE; None where there is one process or neither is set."""
        rank, size = os.environ.get("RANK", ""), os.environ.get("WORLD_SIZE", "")
        if not (rank.isdecimal() and size.isdecimal() and int(rank) < int(size) > 1):
            return None
        return cls(int(rank) + 1, int(size))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def folder(self, run: Path) -> Path:
        """Where this part of a run is written."""
        return folder_of(run) / f"{self.number}-of-{self.of}"

    def positions(self, count: int) -> range:
        """Of its pictures among ``count``."""
        return range(self.number - 1, count, self.of)

    def pick(self, dataset: Dataset) -> Dataset:
        """The data set of its pictures alone."""
        positions = self.positions(len(dataset))
        batch, path = dataset.load_batch, dataset.path
        return replace(
            dataset,
            ids=[dataset.ids[p] for p in positions],
            load=lambda i: dataset.load(positions[i]),
            load_batch=None if batch is None else lambda indices: batch([positions[int(i)] for i in indices]),
            path=None if path is None else lambda i: path(positions[i]),
            digests=[dataset.digests[p] for p in positions] if dataset.digests else (),
        )


def folder_of(run: Path) -> Path:
    """Where the shards of a run lie: beside it, so that no reader takes one for a run."""
    return run.with_name(f"{run.name}.shards")


@dataclass
class Shard:
    """A complete shard. pictures: data set -> (position, id) of each. notes: on the suite. missing: as in run.json.
    noticed: per method, what it found as it filled."""

    path: Path
    part: Part
    pictures: Mapping[str, Sequence[tuple[int, str]]]
    notes: Sequence[str] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    noticed: Sequence[Mapping[str, Any]] = ()

    @property
    def manifest(self) -> Manifest:
        """Its run.json."""
        return read_manifest(self.path / "run.json")

    def write(self) -> None:
        """Write what the part holds, for merging."""
        write_json(
            self.path / FILE,
            {
                "schema": 1,
                "shard": self.part.number,
                "of": self.part.of,
                "pictures": self.pictures,
                "notes": self.notes,
                "missing": self.missing,
                "noticed": self.noticed,
            },
        )


def parts_of(run: Path) -> dict[Part, bool]:
    """The shards of a run that were begun, by number, and whether each is complete."""
    found: dict[Part, bool] = {}
    for file in folder_of(run).glob("*-of-*/run.json"):
        with contextlib.suppress(UsageError):
            found[Part.parse(file.parent.name.replace("-of-", "/"))] = (file.parent / FILE).is_file()
    return dict(sorted(found.items(), key=lambda entry: (entry[0].of, entry[0].number)))


def read_shards(run: Path) -> list[Shard]:
    """The complete shards of a run, by number."""
    found = []
    for file in folder_of(run).glob(f"*/{FILE}"):
        read = read_object(file, "a shard", "score that shard again")
        try:
            pictures = {name: [(int(p), str(i)) for p, i in pairs] for name, pairs in read["pictures"].items()}
            part = Part(int(read["shard"]), int(read["of"]))
            found.append(Shard(file.parent, part, pictures, read["notes"], read["missing"], read["noticed"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(f"{file} is not what a shard holds: score that shard again") from error
    return sorted(found, key=lambda shard: (shard.part.of, shard.part.number))
