"""Throughput on disk: parquet with the environment in its metadata, and pytest-benchmark's JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from bench.throughput.benchmark_json import pytest_benchmark
from bench.throughput.environment import environment
from bench.util.errors import BenchError
from bench.util.files import write_json
from bench.util.parquet import read_table, write_table
from bench.util.progress import say
from bench.util.read_errors import reading

if TYPE_CHECKING:
    from bench.throughput.measure import Result


def write(result: Result, file: Path, key: str = "") -> None:
    """The rows to parquet; the schema's metadata holds ``environment`` and ``remarks`` as JSON, and ``key``:
    a digest of what a run's measurement depends on."""
    import pyarrow as pa

    table = pa.Table.from_pandas(result.frame, preserve_index=False)
    facts = {b"environment": environment(threads_of(result)), b"remarks": list(result.remarks)}
    metadata = {**(table.schema.metadata or {}), **{key: json.dumps(fact).encode() for key, fact in facts.items()}}
    metadata[b"key"] = key.encode()
    write_table(file, table, metadata)


def key_of_file(file: Path) -> str | None:
    """The key that a file of measurements was written with; None where there is none, or it is damaged."""
    if not file.exists():
        return None
    try:
        with reading(file, "measurements of speed", "they are recreated", limit_mib=None):
            return ((read_table(file).schema.metadata or {}).get(b"key") or b"").decode() or None
    except BenchError as error:
        say(f"note: {error}")
        return None


def write_benchmark_json(result: Result, file: Path) -> None:
    """The samples in pytest-benchmark's form; ``pytest-benchmark compare FILE`` reads it."""
    rows = result.frame.to_dict(orient="records")
    cells = [{"row": row, "seconds": s} for row, s in zip(rows, result.samples, strict=True) if s]
    write_json(file, pytest_benchmark(cells, environment(threads_of(result))))


def threads_of(result: Result) -> int:
    """Threads of the CPU that the rows were measured with."""
    return int(result.frame["threads"].iloc[0])
