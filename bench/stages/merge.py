"""Joining the shards of an evaluation into its run: every row once, or a sentence that names what is not so."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.runs.manifest import Manifest, all_reasons
from bench.runs.records import KEY, read_records, record_file
from bench.runs.shards import Part, Shard, folder_of, read_shards
from bench.runs.writer import RunWriter
from bench.set_metrics.registry import set_metric
from bench.set_metrics.scorer import SetScorer
from bench.set_metrics.store import read_set, set_file, write_set
from bench.stages.cells import truths_file
from bench.stages.outcome import Outcome
from bench.stages.score import note_columns, note_outcome
from bench.util.errors import IncomparableError, UsageError
from bench.util.parquet import write_table
from bench.util.words import some
from variants.method import Findings, Method, joined, tell_apart

if TYPE_CHECKING:
    import pyarrow as pa

SAME = ("suite", "profile", "protocol", "precision", "suite_seed", "size", "masks")
"""Keys of run.json in which shards of one evaluation agree."""

Pictures = list[tuple[int, str, int]]
"""Position in the data set, id, and the place of its shard."""


def absent(shards: Sequence[Shard], of: int) -> list[Part]:
    """The shards of ``of`` that are not among the complete ones."""
    there = {shard.part.number for shard in shards if shard.part.of == of}
    return [Part(number, of) for number in range(1, of + 1) if number not in there]


@dataclass(frozen=True)
class Joint:
    """Shards that are all there and of one evaluation, and their rows by cell. pictures: of each data set."""

    shards: Sequence[Shard]
    manifests: Sequence[Manifest]
    methods: Sequence[Method]
    pictures: Mapping[str, Pictures]
    tables: Mapping[tuple[Method, str, str], pa.Table]


def merge(run: Path, wait: bool = False) -> tuple[RunWriter, Outcome]:
    """Write the run at ``run`` from its shards. wait: for a process that writes it.

    Raises UsageError where there are no shards, IncomparableError where shards or rows are missing, double or unlike.
    """
    joint = gather(run, read_shards(run))
    writer = RunWriter(run)
    notes = list(dict.fromkeys(note for shard in joint.shards for note in shard.notes))
    start = dataclasses.replace(joint.manifests[0], notes=notes, finished=None, stages={}, missing={})
    writer.begin(start, wait=wait)
    outcome = join(writer, joint)
    stages = Counter[str]()
    for manifest in joint.manifests:
        stages.update(manifest.stages)
    writer.update(stages={name: round(seconds, 2) for name, seconds in stages.items()})
    return writer, outcome


def gather(run: Path, shards: Sequence[Shard]) -> Joint:
    """The shards of ``run`` with their rows; nothing is written. Raises what :func:`merge` does."""
    manifests = check_shards(run, shards)
    first = manifests[0]
    titles = first.titles
    pictures = {e.name: pictures_of(shards, e.name, e.count, titles[e.name]) for e in first.datasets}
    methods = [stand_in(entry.name, entry.seed) for entry in first.variants]
    tell_apart(methods)
    cells = [(method, entry.name, mask) for entry in first.datasets for mask in first.masks for method in methods]
    tables = {cell: join_records(shards, *cell, pictures[cell[1]], titles[cell[1]]) for cell in cells}
    return Joint(shards, manifests, methods, pictures, tables)


def join(writer: RunWriter, joint: Joint) -> Outcome:
    """Write records and set scores into a run that has begun; its run.json learns of methods, metrics and what is
    missing."""
    run, shards, first = writer.path, joint.shards, joint.manifests[0]
    titles = first.titles
    outcome = Outcome()
    set_names: dict[str, None] = {}
    restored = all(json.loads(table.schema.metadata[KEY]).get("restore_known", True) for table in joint.tables.values())
    for (method, dataset, mask), table in joint.tables.items():
        key = (method.name, method.seed, dataset, mask)
        write_table(record_file(run, *key), table, {KEY: table.schema.metadata[KEY]})
        rows = table.select(["image_id", "sample", "failed"]).to_pylist()
        for row in rows:
            if row["failed"]:
                outcome.note_failure(method, mask, row["image_id"], row["failed"])
        failed = [bool(row["failed"]) for row in rows if row["sample"] == 0]
        set_names |= dict.fromkeys(join_sets(run, shards, key, joint.pictures[dataset], failed, titles[dataset]))
    variants = []
    for method, entry in zip(joint.methods, first.variants, strict=True):
        outcome.note_findings(method, noticed(shards, method, outcome), restored, first.metrics)
        variants.append(dataclasses.replace(entry, notes=outcome.told.get(method.label, [])))
    scored = [shard for shard in shards if any(shard.pictures.values())]
    missing = {name: why for name, why in scored[0].missing.items() if all(name in shard.missing for shard in scored)}
    # What one shard has no value of at all, others may have.
    alone = [{name: [why] for name, why in shard.missing.items() if name not in missing} for shard in scored]
    partly = all_reasons([*alone, *(shard.manifest.partly for shard in scored)], first.metrics)
    note_outcome(writer, outcome)
    counts = {entry.name: entry.count for entry in first.datasets}
    missing = note_columns(writer, missing, {name: set_metric.get(name) for name in set_names}, counts)
    writer.update(variants=variants, metrics=first.metrics, missing=missing, partly=partly)
    return outcome


def check_shards(run: Path, shards: Sequence[Shard]) -> list[Manifest]:
    """The manifests of shards that are all there and of one evaluation."""
    where = folder_of(run)
    if not shards:
        raise UsageError(f"no shards of {run}: bench eval … --shard 1/N scores one, into {where}")
    counts = sorted({shard.part.of for shard in shards})
    if len(counts) > 1:
        raise IncomparableError(
            f"{where} holds shards of {' and of '.join(map(str, counts))}: remove those that do not belong together"
        )
    if missing := absent(shards, counts[0]):
        raise IncomparableError(
            f"{run.name} lacks the shards {some([str(part) for part in missing])}: score them with --shard, then "
            f"bench merge {run}"
        )
    if doubled := [str(a.part) for a, b in pairwise(shards) if a.part == b.part]:
        raise IncomparableError(f"{where} holds the shard {doubled[0]} twice: remove one")
    manifests = [shard.manifest for shard in shards]
    first = manifests[0]
    for shard, manifest in zip(shards[1:], manifests[1:], strict=True):
        unlike = [key for key in SAME if getattr(manifest, key) != getattr(first, key)]
        unlike += ["variants"] * (manifest.members != first.members)
        if unlike:
            raise IncomparableError(
                f"the shards {shards[0].part} and {shard.part} of {run.name} are unlike: {', '.join(unlike)} "
                f"{'differs' if len(unlike) == 1 else 'differ'} in their run.json"
            )
    return manifests


def pictures_of(shards: Sequence[Shard], dataset: str, count: int, title: str) -> Pictures:
    """Every picture of a data set, in its order. title: what people call it."""
    found = sorted(
        (position, image_id, place)
        for place, shard in enumerate(shards)
        for position, image_id in shard.pictures.get(dataset, [])
    )
    double = [name for name, times in Counter(name for _, name, _ in found).items() if times > 1]
    if double:
        raise IncomparableError(f"{title}: {some(double)} lie in more than one shard")
    if [position for position, _, _ in found] != list(range(count)):
        raise IncomparableError(f"{title}: the shards hold {len(found):,} of its {count:,} pictures")
    return found


def join_records(
    shards: Sequence[Shard], method: Method, dataset: str, mask: str, pictures: Pictures, title: str
) -> pa.Table:
    """The rows of a cell in the data set's order, samples in theirs, with the facts of all in its metadata. title: what
    people call the data set."""
    import pyarrow as pa

    what = f"{method.label} on {title}, {mask}"
    tables, facts = [], []
    for shard in shards:
        file = record_file(shard.path, method.name, method.seed, dataset, mask)
        if not file.is_file():
            raise IncomparableError(f"rows are missing: shard {shard.part} has no records of {what}")
        tables.append(read_records(file))
        facts.append((tables[-1].schema.metadata or {}).get(KEY, b""))
        fills = list(zip(*(tables[-1].column(name).to_pylist() for name in ("image_id", "sample")), strict=True))
        ids = {name for name, _ in fills}
        own = [name for _, name in shard.pictures.get(dataset, [])]
        for why, names in (
            ("double rows", [name for (name, _), times in Counter(fills).items() if times > 1]),
            ("rows are missing", sorted(set(own) - ids)),
            ("rows of other pictures", sorted(ids - set(own))),
        ):
            if names:
                raise IncomparableError(f"{why}: {some(names)} of {what} in shard {shard.part}: score that shard again")
    for shard, other, table in zip(shards, facts, tables, strict=True):
        if other != facts[0]:
            raise IncomparableError(
                f"unlike rows: {what} was scored otherwise in shard {shard.part} than in {shards[0].part} "
                f"({difference(facts[0], other)})"
            )
        if table.column_names != tables[0].column_names:
            raise IncomparableError(f"unlike rows: {what} has other columns in shard {shard.part}")
    whole = pa.concat_tables(tables)
    samples = sorted(set(whole.column("sample").to_pylist()))
    keys = zip(*(whole.column(name).to_pylist() for name in ("image_id", "sample")), strict=True)
    row = {key: place for place, key in enumerate(keys)}
    if absent_fills := [name for _, name, _ in pictures for sample in samples if (name, sample) not in row]:
        raise IncomparableError(f"rows are missing: samples of {some(absent_fills)} of {what}: score the shards again")
    return whole.take([row[name, sample] for _, name, _ in pictures for sample in samples])


def difference(ours: bytes, theirs: bytes) -> str:
    """The facts that differ, by name."""
    a, b = json.loads(ours or b"{}"), json.loads(theirs or b"{}")
    return ", ".join(key for key in sorted({*a, *b}) if a.get(key) != b.get(key))


def join_sets(
    run: Path, shards: Sequence[Shard], key: tuple[str, int, str, str], pictures: Pictures, failed: Sequence[bool],
    title: str,
) -> list[str]:  # fmt: skip
    """Write the set scores of a cell from the features of its shards; their names, none where none were wanted. title:
    what people call the data set."""
    holding = [shard for shard in shards if shard.pictures.get(key[2])]
    files = [set_file(shard.path, *key) for shard in holding]
    if not files or not any(file.is_file() for file in files):
        return []
    entries = [read_set(file) for file in files]
    if any(entry["facts"] != entries[0]["facts"] for entry in entries):
        raise IncomparableError(f"unlike set scores of {key[0]} on {title}, {key[3]}: the shards looked otherwise")
    order = np.argsort([position for shard in holding for position, _ in shard.pictures[key[2]]])
    fills = np.concatenate([np.load(file.with_suffix(".npy")) for file in files])[order]
    truths = np.concatenate([np.load(truths_file(shard.path, key[2])) for shard in holding])[order]
    names = list(entries[0]["facts"]["metrics"])
    found = SetScorer(names, looks=False).scores(truths, fills, failed)
    identity: dict[str, Any] = dict(zip(("variant", "seed", "dataset", "mask"), key, strict=True))
    write_set(set_file(run, *key), identity | found, entries[0]["facts"])
    return names


def noticed(shards: Sequence[Shard], method: Method, outcome: Outcome) -> Findings:
    """What the method noticed in all shards together."""
    entries = [e for shard in shards for e in shard.noticed if (e["variant"], e["seed"]) == (method.name, method.seed)]
    if drifted := sum(e["drifted"] for e in entries):
        outcome.drifted[method.label] = drifted
    return joined([Findings({}, e["extra"], e["low"], e["high"], e.get("unread", {})) for e in entries] or [Findings()])


def stand_in(name: str, seed: int) -> Method:
    """A method by name alone."""
    method = Method()
    method.name, method.seed = name, seed
    return method
