"""Reading run folders: the one door through which reports, comparisons and gates see a finished run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.runs.manifest import Manifest, read_manifest
from bench.runs.records import AGAIN, mean_over_samples, read_records
from bench.runs.trained import training_folder
from bench.set_metrics.store import read_set
from bench.util.errors import BenchError, IncomparableError, UsageError
from bench.util.parquet import read_metadata, read_table
from bench.util.paths import Outside, inside
from bench.util.progress import say
from bench.util.read_errors import Unfit, read_object, reading, require_regular, why
from bench.util.words import some
from variants.weights import sha256

if TYPE_CHECKING:
    import pandas as pd

RUNS_ENV = "BENCH_RUNS_DIR"


@dataclass(frozen=True)
class Run:
    """A run folder. Raises UsageError from :meth:`open` where there is none."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> Run:
        """The run in a folder. Raises UsageError where there is none."""
        if not (path / "run.json").is_file():
            raise UsageError(f"no run at {path}: it holds no run.json (bench list runs lists the runs)")
        return cls(path)

    @property
    def name(self) -> str:
        """Its folder's name."""
        return self.path.name

    @property
    def begun(self) -> bool:
        """Whether anything was made in it yet."""
        parts = ("cache", "checkpoints", "records", "throughput.parquet", "summary.json")
        return any((self.path / part).exists() for part in parts)

    @cached_property
    def manifest(self) -> Manifest:
        """The contents of run.json. Raises UsageError where they are no run's, or of a newer version."""
        return read_manifest(self.path / "run.json")

    @cached_property
    def summary(self) -> dict[str, Any] | None:
        """The contents of summary.json, or None before the run has one. Raises BenchError where it is damaged."""
        file = self.path / "summary.json"
        if not file.exists():
            return None
        found = read_object(file, "a summary", AGAIN)
        with reading(file, "a summary", AGAIN):
            for row in (*found["scores"], *found.get("areas", [])):
                row["variant"], row["seed"], row["dataset"], row["metric"], row["mean"]
        return found

    def members(self) -> list[tuple[str, int]]:
        """The (variant, seed) pairs that have records, in the order of run.json, then by name."""
        found = {
            (folder.parent.name, seed)
            for folder in (self.path / "records").glob("*/seed-*")
            if (seed := seed_of(folder)) is not None and any(folder.glob("*.parquet"))
        }
        order = self.manifest.members
        return [pair for pair in order if pair in found] + sorted(found - set(order))

    def label(self, variant: str, seed: int) -> str:
        """``variant``, or ``variant@seed`` where the run holds several seeds of it."""
        seeds = [s for v, s in self.members() if v == variant]
        return variant if len(seeds) <= 1 else f"{variant}@{seed}"

    def record_files(self, variant: str | None = None, seed: int | None = None) -> list[Path]:
        """Its record files, of one variant or seed where named."""
        pattern = f"{variant or '*'}/seed-{'*' if seed is None else seed}/*.parquet"
        return sorted((self.path / "records").glob(pattern))

    @cached_property
    def lacking(self) -> list[str]:
        """Files of records that are gone, which is said: a run that ended has those of a method for all mask types and
        data sets that others of it have."""
        if not (self.path / "run.json").is_file() or not self.manifest.finished:
            return []
        there = {pair: {file.name for file in self.record_files(*pair)} for pair in self.members()}
        every = set().union(*there.values())
        found = [f"{v}/seed-{s}/{name}" for (v, s), own in there.items() for name in sorted(every - own)]
        if found:
            say(f"note: {self.path / 'records'} lacks {some(found)}; {AGAIN}")
        return found

    def records(self, variant: str | None = None, seed: int | None = None) -> pd.DataFrame:
        """All records (of one variant, of one seed), one row per picture, the mean of its samples; an empty frame where
        none."""
        import pandas as pd
        import pyarrow as pa

        files = self.record_files(variant, seed)
        if not files:
            return pd.DataFrame()
        self.lacking  # noqa: B018 - says what is gone
        tables = [read_records(file) for file in files]
        return mean_over_samples(pa.concat_tables(tables, promote_options="permissive").to_pandas())

    def set_scores(self, variant: str, seed: int | None = None) -> list[dict[str, Any]]:
        """Scores of whole sets of a variant (of one seed): ``seed``, ``dataset``, ``mask``, ``n``, ``failed`` and
        ``values`` by metric; only metrics that the last evaluation could compute."""
        missing = self.manifest.missing
        found = []
        pattern = f"{variant}/seed-{'*' if seed is None else seed}/*.json"
        for file in sorted((self.path / "sets").glob(pattern)):
            entry = read_set(file, AGAIN)
            with reading(file, "scores of a set", AGAIN):
                values = {name: value for name, value in entry["values"].items() if name not in missing}
                entry["dataset"], entry["mask"], entry["n"] + entry["failed"]
            found += [{**entry, "values": values}] if values else []
        return found

    def throughput(self) -> pd.DataFrame | None:
        """The measurements of speed, None where there are none. Raises BenchError where they are damaged."""
        file = self.path / "throughput.parquet"
        if not file.exists():
            return None
        with reading(file, "measurements of speed", AGAIN, limit_mib=None):
            table = read_table(file)
            if "variant" not in table.column_names:
                raise Unfit("it lacks the column 'variant'")
            return table.to_pandas()

    def throughput_remarks(self) -> list[str]:
        """What the measurement of throughput left out, and why, in sentences."""
        file = self.path / "throughput.parquet"
        if not file.exists():
            return []
        with reading(file, "measurements of speed", AGAIN, limit_mib=None):
            return [str(sentence) for sentence in json.loads(read_metadata(file).get(b"remarks", b"[]"))]

    def history(self, variant: str, seed: int) -> pd.DataFrame | None:
        """The training history of a variant, or None where it was not trained here, or is damaged, which is said."""
        import pandas as pd

        file = training_folder(self.path, variant, seed) / "history.csv"
        if not file.exists():
            return None
        try:
            with reading(file, "a training's history", "its curve is omitted"):
                found = pd.read_csv(file)
                if "step" not in found or not all(found[name].dtype.kind in "if" for name in found):
                    raise Unfit("its columns are not one number per step")
                return found
        except BenchError as error:
            say(f"note: {error}")
            return None

    @cached_property
    def samples(self) -> list[dict[str, Any]]:
        """The items of samples/index.json; an empty list before there are any. Pictures that do not lie in samples/ or
        are not those that were written are left out, which is said. Raises BenchError where the file is damaged."""
        file = self.path / "samples" / "index.json"
        if not file.exists():
            if (self.path / "run.json").is_file() and self.manifest.samples:
                say(f"note: {file} is gone: the run's sample pictures are left out; {AGAIN}")
            return []
        with reading(file, "the list of sample pictures", AGAIN):
            content = json.loads(file.read_text(encoding="utf-8"))
            items, told = content["items"], content.get("sha256", {})
            strange: list[str] = []

            def trusted(name: Any) -> bool:
                try:
                    picture = inside(file.parent, name)
                    if told:  # runs from before have no digests
                        require_regular(picture)
                        if told.get(name) != sha256(picture):
                            raise Unfit("it is not what was written")
                except (Outside, Unfit, OSError) as error:
                    strange.append(str(error) if isinstance(error, Outside) else f"{name} ({why(error)})")
                    return False
                return True

            for item in items:
                for fill in item["fills"].values():
                    for kind, name in fill.items():
                        fill[kind] = name if name is not None and trusted(name) else None
                if not all(isinstance(item[key], str) for key in ("dataset", "mask", "image_id", "why", "of")):
                    raise Unfit("an entry is not text")
                item["hole_area"] + 0.0
            items = [item for item in items if trusted(item["truth"]) and trusted(item["hole"])]
            if strange:
                say(f"note: {file}: left out {some(strange)}; {AGAIN}")
            return items

    def checkpoint(self, variant: str, seed: int | None = None) -> Path | None:
        """The weights of a trained variant (its lowest seed), or None."""
        pattern = f"{variant}/seed-{'*' if seed is None else seed}/generator.safetensors"
        found = [
            (number, file)
            for file in (self.path / "checkpoints").glob(pattern)
            if (number := seed_of(file.parent)) is not None
        ]
        return min(found)[1] if found else None


def seed_of(folder: Path) -> int | None:
    """The seed that a folder is of, ``seed-3``; None where its name says another thing."""
    number = folder.name.removeprefix("seed-")
    return int(number) if number.isdecimal() and number.isascii() else None


def runs_dir(option: Path | None = None) -> Path:
    """Where runs live: the option, else BENCH_RUNS_DIR, else ``runs`` of the working directory."""
    return option or Path(os.environ.get(RUNS_ENV) or "runs")


def find_runs(folder: Path) -> list[Run]:
    """The runs of a folder, newest first. What has a run.json that cannot be read is passed over, which is said."""
    found = []
    for file in folder.glob("*/run.json"):
        run = Run(file.parent)
        try:
            run.manifest  # noqa: B018 - read, or not a run
            found.append((file.stat().st_mtime, run))
        except (BenchError, OSError) as error:
            say(f"note: skipped {file.parent}: {error}")
    return [run for _, run in sorted(found, key=lambda pair: pair[0], reverse=True)]


def find_run(spec: str | None, folder: Path) -> Run:
    """The run named or at the path ``spec``; with none, the newest. Raises UsageError, or IncomparableError
    where there is no run at all."""
    if spec:
        path = Path(spec)
        return Run.open(path if (path / "run.json").is_file() else folder / spec)
    found = find_runs(folder)
    if not found:
        raise IncomparableError(f"no run under {folder} yet: start with bench run, or name one by its path")
    # What failed before it scored or trained anything is no run to speak of, unless it is the only one.
    return next((run for run in found if run.begun), found[0])


Build = Callable[[Run], Path]
"""Writes the report of a run and gives its path: what makes runs does not know what shows them."""


def out_folder(out: Path | None, runs: Path, default: str) -> Path:
    """Where a run goes: a bare name stands under the runs folder, a path is taken as it is."""
    if out is None:
        return runs / default
    return out if out.is_absolute() or len(out.parts) > 1 else runs / out
