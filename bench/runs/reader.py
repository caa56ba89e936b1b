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
from bench.util.errors import IncomparableError, UsageError

if TYPE_CHECKING:
    import pandas as pd

RUNS_ENV = "BENCH_RUNS_DIR"


@dataclass(frozen=True)
class Run:
    """A run folder. Raises UsageError from :meth:`open` where there is none."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> Run:
        if not (path / "run.json").is_file():
            raise UsageError(f"no run at {path}: it holds no run.json (bench list runs lists the runs)")
        return cls(path)

    @property
    def name(self) -> str:
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
        """The contents of summary.json, or None before the run has one."""
        file = self.path / "summary.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None

    def members(self) -> list[tuple[str, int]]:
        """The (variant, seed) pairs that have records, in the order of run.json, then by name."""
        found = {
            (folder.parent.name, int(folder.name.removeprefix("seed-")))
            for folder in (self.path / "records").glob("*/seed-*")
            if any(folder.glob("*.parquet"))
        }
        order = self.manifest.members
        return [pair for pair in order if pair in found] + sorted(found - set(order))

    def label(self, variant: str, seed: int) -> str:
        """``variant``, or ``variant@seed`` where the run holds several seeds of it."""
        seeds = [s for v, s in self.members() if v == variant]
        return variant if len(seeds) <= 1 else f"{variant}@{seed}"

    def record_files(self, variant: str | None = None, seed: int | None = None) -> list[Path]:
        pattern = f"{variant or '*'}/seed-{'*' if seed is None else seed}/*.parquet"
        return sorted((self.path / "records").glob(pattern))

    def records(self, variant: str | None = None, seed: int | None = None) -> pd.DataFrame:
        """All records (of one variant, of one seed), one row per picture; an empty frame where none."""
        import pandas as pd
        import pyarrow as pa
        import pyarrow.parquet as pq

        files = self.record_files(variant, seed)
        if not files:
            return pd.DataFrame()
        tables = [pq.read_table(file, partitioning=None) for file in files]
        return pa.concat_tables(tables, promote_options="permissive").to_pandas()

    def set_scores(self, variant: str, seed: int | None = None) -> list[dict[str, Any]]:
        """Scores of whole sets of a variant (of one seed): ``seed``, ``dataset``, ``mask``, ``n``, ``failed`` and
        ``values`` by metric; only metrics that the last evaluation could compute."""
        missing = self.manifest.missing
        found = []
        pattern = f"{variant}/seed-{'*' if seed is None else seed}/*.json"
        for file in sorted((self.path / "sets").glob(pattern)):
            entry = json.loads(file.read_text(encoding="utf-8"))
            values = {name: value for name, value in entry["values"].items() if name not in missing}
            found += [{**entry, "values": values}] if values else []
        return found

    def throughput(self) -> pd.DataFrame | None:
        import pandas as pd

        file = self.path / "throughput.parquet"
        return pd.read_parquet(file) if file.is_file() else None

    def throughput_remarks(self) -> list[str]:
        """What the measurement of throughput left out, and why, in sentences."""
        import pyarrow.parquet as pq

        file = self.path / "throughput.parquet"
        metadata = (pq.read_schema(file).metadata or {}) if file.is_file() else {}
        return [str(sentence) for sentence in json.loads(metadata.get(b"remarks", b"[]"))]

    def history(self, variant: str, seed: int) -> pd.DataFrame | None:
        """The training history of a variant, or None where it was not trained here."""
        import pandas as pd

        file = self.path / "checkpoints" / variant / f"seed-{seed}" / "history.csv"
        return pd.read_csv(file) if file.is_file() else None

    def samples(self) -> list[dict[str, Any]]:
        """The items of samples/index.json; an empty list before there are any."""
        file = self.path / "samples" / "index.json"
        return json.loads(file.read_text(encoding="utf-8"))["items"] if file.is_file() else []

    def checkpoint(self, variant: str, seed: int | None = None) -> Path | None:
        """The weights of a trained variant (its lowest seed), or None."""
        pattern = f"{variant}/seed-{'*' if seed is None else seed}/generator.safetensors"
        files = sorted(
            (self.path / "checkpoints").glob(pattern),
            key=lambda file: int(file.parent.name.removeprefix("seed-")),
        )
        return files[0] if files else None


def runs_dir(option: Path | None = None) -> Path:
    """Where runs live: the option, else BENCH_RUNS_DIR, else ``runs`` of the working directory."""
    return option or Path(os.environ.get(RUNS_ENV) or "runs")


def find_runs(folder: Path) -> list[Run]:
    """The runs of a folder, newest first."""
    files = sorted(folder.glob("*/run.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    return [Run(file.parent) for file in files]


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
