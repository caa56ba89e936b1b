"""What ``bench eval`` was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.runs.reader import Build


@dataclass(frozen=True, kw_only=True)
class Request:
    """The command's arguments, as given."""

    methods: tuple[str, ...]
    data: tuple[str, ...]
    masks: str | None
    size: int | None
    count: int | None
    seed: int | None
    metrics: tuple[str, ...]
    protocol: str | None
    polarity: str | None
    threshold: int | None
    suite: Path | None
    force_polarity: bool
    checkpoint: Path | None
    save_predictions: Path | None
    restore_known: bool
    run: str | None
    out: Path | None
    fresh: bool
    build: Build | None
    device: str | None
    weights_dir: Path | None
    runs: Path
    json_output: bool
    wait: bool = False
    fetch: bool = False
    workers: int | None = None
    shard: str | None = None
    samples: int = 1
    export: tuple[Path, ...] = ()
