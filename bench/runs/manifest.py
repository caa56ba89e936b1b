"""What a run is: run.json as dataclasses, which writer, reader, tests and docs/run-folder.md share."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from bench.util.errors import UsageError
from bench.util.files import finite, write_json
from bench.util.paths import Outside, plain
from bench.util.progress import say
from bench.util.read_errors import read_json, reading
from bench.util.words import titles_of

if TYPE_CHECKING:
    from bench.metrics.declaration import Metric

SCHEMA = 1
"""Raised where a key changes its meaning; a key that is new has a default and needs no new schema."""

REQUIRED = ("name", "suite")
"""Keys without which a file is no run.json; any other that it lacks has its default."""


@dataclass
class DatasetEntry:
    """A data set as it was used. split: ``train``, ``test`` or ``all``. count: pictures. note: where they are from, in
    a sentence. skipped: (file, why) of what could not be read. title: what people call it, where name says less."""

    name: str
    split: str = "test"
    count: int = 0
    note: str = ""
    skipped: list[list[str]] = field(default_factory=list)
    title: str = ""


@dataclass
class VariantEntry:
    """A method that was scored. kind: ``network``, ``reference`` or ``external``. fills: ``whole`` or ``hole``, what it
    paints. parameters: weights, 0 where that means nothing. weights_sha256: empty where it has none. gives_raw: False
    for finished pictures. steps: of its training, 0 where that is not known. notes: what was noticed while it filled,
    in sentences."""

    name: str
    seed: int = 0
    kind: str = "network"
    summary: str = ""
    fills: str = "whole"
    parameters: int = 0
    weights_sha256: str = ""
    gives_raw: bool = True
    steps: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Manifest:
    """The contents of run.json.

    name: the folder's. suite: fingerprint, hex SHA-256; None where nothing is scored. command: list of arguments.
    created, finished: ISO times; finished is None while the run is going on. trained: when a command that
    only trains had trained all that it was asked for. profile: the resolved settings.
    precision: of the fills that were scored. size: side in pixels; None: every picture's own. datasets, masks: what
    was scored on. trained_on: the pictures that the networks of this run were trained on. training: what its trainings
    are kept for (:mod:`bench.stages.kept`). samples: digest of what the
    pictures in samples/ depend on. throughput_of: the methods that were timed. metrics: what each column of the
    records means. missing: metric -> why its column is empty. partly: metric -> why
    some fills have no value of it. notes: sentences for the reader. stages: seconds.
    versions, machine, git: package, part or fact -> what it is.
    """

    schema: int = SCHEMA
    name: str
    command: list[str] = field(default_factory=list)
    created: str = ""
    finished: str | None = None
    trained: str | None = None
    profile: dict[str, Any] = field(default_factory=dict)
    suite: str | None
    protocol: str = "native"
    precision: str = "fp32"
    suite_seed: int = 0
    size: int | None = None
    datasets: list[DatasetEntry] = field(default_factory=list)
    masks: list[str] = field(default_factory=list)
    trained_on: list[DatasetEntry] = field(default_factory=list)
    training: dict[str, dict[str, str]] = field(default_factory=dict)
    samples: str | None = None
    throughput_of: list[str] = field(default_factory=list)
    variants: list[VariantEntry] = field(default_factory=list)
    metrics: dict[str, Metric] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    partly: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)
    git: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """What run.json holds; keys of stages that were not reached are left out."""
        found = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        found["metrics"] = {name: entry.as_json() for name, entry in self.metrics.items()}
        for key in ("datasets", "trained_on", "variants"):
            found[key] = [dataclasses.asdict(entry) for entry in found[key]]
        return {key: value for key, value in found.items() if value or key not in LATER}

    @property
    def options(self) -> list[str]:
        """The command's words before the sub-command: ``--plugin FILE`` and its like."""
        end = 1
        while end < len(self.command) and self.command[end].startswith("-"):
            end += 2 if self.command[end] == "--plugin" else 1
        return self.command[1:end]

    @property
    def action(self) -> str:
        """The sub-command that made the run, ``eval``; empty where there is none."""
        return next(iter(self.command[1 + len(self.options) :]), "")

    @property
    def titles(self) -> dict[str, str]:
        """What people call each data set: a folder by its own name, unless another would be called the same."""
        return titles_of((entry.name, entry.title) for entry in self.datasets)

    @property
    def members(self) -> list[tuple[str, int]]:
        """(variant, seed) of what was scored, in order."""
        return [(entry.name, entry.seed) for entry in self.variants]


def all_reasons(parts: Iterable[Mapping[str, Sequence[str]]], names: Iterable[str]) -> dict[str, list[str]]:
    """Why some fills have no value, by column, of several ``partly``, in alphabetical order. names: of the columns.

    >>> all_reasons([{"a": ["y"]}, {"a": ["x", "y"], "b": ["z"]}], ["a"])
    {'a': ['x', 'y']}
    """
    held = list(parts)
    found = {name: sorted({why for part in held for why in part.get(name, ())}) for name in names}
    return {name: told for name, told in found.items() if told}


def shared_titles(manifests: Iterable[Manifest]) -> dict[str, str]:
    """What people call each data set of several runs; its name where the runs call it differently."""
    told: dict[str, set[str]] = {}
    for manifest in manifests:
        for name, title in manifest.titles.items():
            told.setdefault(name, set()).add(title)
    return {name: titles.pop() if len(titles) == 1 else name for name, titles in told.items()}


LATER = ("trained", "trained_on", "training", "samples", "throughput_of")


def write_manifest(manifest: Manifest, file: Path) -> None:
    """Write run.json, with a digest of all that is in it."""
    content = finite(manifest.as_json())
    write_json(file, {**content, "sha256": digest(content)})


def digest(content: dict[str, Any]) -> str:
    """SHA-256 of what a run.json holds, but for this digest."""
    own = {key: value for key, value in content.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()


def read_manifest(file: Path) -> Manifest:
    """The manifest in ``file``; where it is not as it was written, that is said. Raises UsageError, in a sentence, for
    what is none or of a newer version."""
    found = read_json(file, "a run", error=UsageError)
    with reading(file, "a run", error=UsageError):
        manifest = of_json(found, file)
        if found.get("sha256") not in (None, digest(found)):
            tell_changed(file, digest(found))
        return manifest


@cache
def tell_changed(file: Path, _content: str) -> None:
    """Once for each content: a file is read several times."""
    say(f"note: {file} was edited, or is damaged: it is not what was written")


def of_json(found: Any, file: Path) -> Manifest:
    """The manifest that JSON from ``file`` means; keys that no one knows are passed over, those of an earlier version
    that it lacks are what they meant then. Raises UsageError that names the file and the key."""
    if not isinstance(found, dict):
        raise UsageError(f"{file} holds no run: it must be a JSON object")
    schema = found.get("schema", SCHEMA)
    if type(schema) is int and schema > SCHEMA:
        raise UsageError(
            f"{file} has schema {schema}, and this inpaint-bench reads up to {SCHEMA}: update inpaint-bench"
        )
    for key in REQUIRED:
        if key not in found:
            raise UsageError(f"{file} holds no run: it lacks the key '{key}'")
    read = typed(Manifest, found, f"{file}: ")
    read.schema = SCHEMA
    for place, entry in enumerate(read.variants):
        refuse_path(entry.name, f"{file}: variants[{place}].name")
    for place, mask in enumerate(read.masks):
        refuse_path(mask, f"{file}: masks[{place}]")
    return read


def refuse_path(name: str, where: str) -> None:
    """Names of methods and mask types are parts of file names."""
    try:
        plain(name)
    except Outside as error:
        raise UsageError(f"{where}: {error}") from error


def typed(kind: Any, value: Any, where: str) -> Any:
    """``value`` as the type says, dataclasses and all. where: the file and the key, for errors. Raises UsageError."""
    from bench.metrics.declaration import Metric

    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        if value is None or type(value) in inner:
            return value
        return typed(next(one for one in inner if one is not type(None)), value, where)
    if origin is list and isinstance(value, list):
        return [typed(inner[0], item, f"{where}[{place}]") for place, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        if inner[1] is Metric:
            return {name: metric_of(name, entry, inside(where, name)) for name, entry in value.items()}
        return {name: typed(inner[1], item, inside(where, name)) for name, item in value.items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and isinstance(value, dict):
        hints = hints_of(kind)
        lacking = [f.name for f in dataclasses.fields(kind) if needed(f) and f.name not in value]
        if lacking:
            raise UsageError(f"{where} lacks the key '{lacking[0]}'")
        return kind(**{name: typed(hints[name], value[name], inside(where, name)) for name in hints if name in value})
    if (kind is float and type(value) is int) or type(value) is kind:
        return value
    expected = WORDS.get(origin or kind, "a JSON object")
    raise UsageError(f"{where} must be {expected}, not {json.dumps(value)[:40]}")


WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false", list: "a list"}


@cache
def hints_of(kind: type) -> dict[str, Any]:
    """Field -> its type."""
    from bench.metrics.declaration import Metric

    return get_type_hints(kind, localns={"Metric": Metric})


def needed(entry: dataclasses.Field[Any]) -> bool:
    """Whether a key has no default, so that run.json must hold it."""
    return entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING


def inside(where: str, key: str) -> str:
    """The place of a key: ``run.json: variants[0].seed``."""
    return f"{where}{key}" if where.endswith(": ") else f"{where}.{key}"


def metric_of(name: str, entry: Any, where: str) -> Metric:
    """A metric as run.json declares it; what a run from before ranks does not say is what the metric declares today."""
    from bench.metrics import declaration

    if not isinstance(entry, dict):
        raise UsageError(f"{where} must be a JSON object, not {json.dumps(entry)[:40]}")
    said: Mapping[str, Any] = {key: value for key, value in entry.items() if value is not None}
    hints = hints_of(declaration.Metric)
    for key in declaration.DECLARED:
        if key in said and key != "range":
            typed(hints[key], said[key], f"{where}.{key}")
    ends = said.get("range", [None, None])
    if not (isinstance(ends, list) and len(ends) == 2 and all(isinstance(e, int | float | None) for e in ends)):
        raise UsageError(f"{where}.range must be a list of two numbers, not {json.dumps(ends)[:40]}")
    if "rank" not in entry:
        from bench.metrics.registry import metric
        from bench.set_metrics.registry import set_metric

        registry = metric if name in metric.names() else set_metric
        if name in registry.names():
            said = {**registry.get(name).as_json(), **said}
    return declaration.of_json(name, said)
