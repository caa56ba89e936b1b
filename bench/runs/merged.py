"""Several runs over one suite as one: records and set scores copied, methods of one name told apart by their runs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.runs.manifest import Manifest, all_reasons
from bench.runs.reader import Run
from bench.runs.records import read_records
from bench.set_metrics.store import read_set, write_set
from bench.util.parquet import write_table


@dataclass(frozen=True)
class Member:
    """A method of a run, all its seeds, under the name that it has among all."""

    run: Run
    variant: str
    name: str


def members_of(runs: Sequence[Run]) -> list[Member]:
    """Every method of the runs, in order. What two runs hold alike is there once; where one name stands for different
    records, each is called ``NAME.RUN``."""
    held: dict[str, dict[str, Run]] = {}
    for run in runs:
        for variant in dict.fromkeys(name for name, _ in run.members()):
            held.setdefault(variant, {}).setdefault(digest(run, variant), run)
    found: list[Member] = []
    for variant, own in held.items():
        for run in own.values():
            wanted = name = variant if len(own) == 1 else f"{variant}.{run.name}"
            number = 1
            while any(member.name == name for member in found) or (name != variant and name in held):
                number += 1
                name = f"{wanted}-{number}"
            found.append(Member(run, variant, name))
    return found


def digest(run: Run, variant: str) -> str:
    """Of all records of a method."""
    total = hashlib.sha256()
    for file in run.record_files(variant):
        total.update(f"{file.relative_to(run.path)} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def merged_manifest(runs: Sequence[Run], members: Sequence[Member], name: str) -> Manifest:
    """What run.json says of them together."""
    first = runs[0].manifest
    variants = [
        replace(entry, name=member.name)
        for member in members
        for entry in member.run.manifest.variants
        if entry.name == member.variant
    ]
    metrics = {key: entry for run in reversed(runs) for key, entry in run.manifest.metrics.items()}
    # A column is empty where no run has it.
    missing = {
        key: why
        for run in runs
        for key, why in run.manifest.missing.items()
        if all(key in other.manifest.missing or key not in other.manifest.metrics for other in runs)
    }
    partly = all_reasons((run.manifest.partly for run in runs), metrics)
    notes = [f"{run.name}: {note}" for run in runs for note in run.manifest.notes]
    return Manifest(
        name=name,
        suite=first.suite,
        profile={"name": "leaderboard", "runs": [str(run.path.resolve()) for run in runs]},
        protocol=first.protocol,
        precision=first.precision,
        suite_seed=first.suite_seed,
        size=first.size,
        datasets=first.datasets,
        masks=first.masks,
        variants=variants,
        metrics=metrics,
        missing=missing,
        partly=partly,
        notes=notes,
    )


def copy_members(members: Sequence[Member], target: Path) -> None:
    """Their records and set scores into the run folder ``target``."""
    for member in members:
        for file in member.run.record_files(member.variant):
            table = read_records(file)
            place = table.column_names.index("variant")
            renamed = table.set_column(place, "variant", [[member.name] * table.num_rows])
            write_table(moved(file, member, target), renamed, table.schema.metadata or {})
        for file in sorted((member.run.path / "sets").glob(f"{member.variant}/seed-*/*.json")):
            entry = read_set(file)
            write_set(moved(file, member, target), {**entry, "variant": member.name}, entry.get("facts", {}))


def moved(file: Path, member: Member, target: Path) -> Path:
    """Where a member's file lies in the merged run."""
    room, _, *rest = file.relative_to(member.run.path).parts
    return target.joinpath(room, member.name, *rest)
