"""Writing a threshold file from a finished run, with the run's scores beside it as the reference of the gate."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

from bench.gate import speed
from bench.gate.noise import Noise, NoiseFloor, rounded_up
from bench.gate.rules import read_thresholds
from bench.runs.reader import Run
from bench.statistics.scores import ALL, KEYS
from bench.util.errors import IncomparableError, UsageError
from bench.util.files import replacing, write_json, write_text

UNFINISHED = ".reference.part"
"""Lies in a reference until the threshold file is there too: one that a killed command left is written anew."""

SPEED_DROP_PERCENT = 25.0
"""Allowed where no A/A runs say better: ratios on a shared machine of two cores stay within it."""


def write_threshold_file(path: Path, run: Run, floor: NoiseFloor, force: bool = False) -> list[Path]:
    """Write the threshold file and the reference beside it; the paths written.

    The reference is a run folder with the scores of the gated metrics alone, small enough to be committed.
    Raises UsageError where a file is there already, IncomparableError for a run without scores.
    """
    reference = path.with_name(f"{path.stem}-reference")
    for there in (path, reference):
        if there.exists() and not force and not (reference / UNFINISHED).exists():
            raise UsageError(f"{there} exists: overwrite it with --force, or name another file with --thresholds")
    rows = [row for row in floor.rows if row.mask == ALL]
    ranks = {row.metric: row.rank for row in rows if row.rank is not None}
    metrics = sorted(ranks, key=lambda name: ranks[name])
    if not metrics:
        metrics = list(dict.fromkeys(row.metric for row in rows))
    if not metrics:
        raise IncomparableError(
            f"the run {run.name} holds no scores to derive thresholds from: finish it with bench run"
        )
    write_reference(reference, run, metrics)
    write_text(path, threshold_text(run, floor, [row for row in rows if row.metric in metrics], metrics, reference))
    read_thresholds(path)
    (reference / UNFINISHED).unlink()
    return [path, reference]


def threshold_text(run: Run, floor: NoiseFloor, rows: list[Noise], metrics: list[str], reference: Path) -> str:
    """The text of a threshold file for a run, with each tolerance's origin."""
    measured = any(row.instances > 1 for row in rows)
    source = (
        f"# Tolerances: the default of each metric, raised to the noise floor of A/A runs ({', '.join(floor.runs)})."
        if measured
        else "# Tolerances: the default of each metric. Run-to-run noise was not measured: bench noise does."
    )
    lines = [
        f"# Written by bench check --init from the run {run.name}. bench check -h tells how rules are written.",
        source,
        f"against = {json.dumps(reference.name, ensure_ascii=False)}",
        "",
        "fail_if = [",
    ]
    for metric in metrics:
        own = [row for row in rows if row.metric == metric]
        largest = max(row.tolerance for row in own)
        title = own[0].title
        if not measured or all(row.tolerance == largest for row in own):
            lines.append(f"    {rule(f'{metric}:{largest:g}')},  # {title}")
            continue
        for row in own:
            told = f"run to run {row.run_sd:.2g}, A/A within {row.floor:.2g}"
            if not math.isnan(row.image_error):
                told += f", image error {row.image_error:.2g}"
            lines.append(f"    {rule(f'{row.variant}.{metric}:{row.tolerance:g}')},  # {title}: {told}")
    short = speed.too_briefly_timed(run)
    for variant in dict.fromkeys(variant for variant, _, _ in speed.ratios(run)):
        if variant in short:
            lines.append(f"    # {variant}: timed too briefly for a rule about its speed (bench throughput --seconds)")
            continue
        allowed = min(95.0, rounded_up(max(SPEED_DROP_PERCENT, floor.speeds.get(variant, 0.0))))
        lines.append(f"    {rule(f'{variant}.speed:{allowed:g}%')},  # of its ratio to the calibration workload")
    return "\n".join([*lines, "]", ""])


def rule(text: str) -> str:
    """A rule as a string of TOML."""
    return json.dumps(text, ensure_ascii=False)


def write_reference(folder: Path, run: Run, metrics: list[str]) -> None:
    """A run folder with run.json, the records of some metrics and the speeds of ``run``."""
    from bench.runs.records import read_records
    from bench.util.parquet import write_table

    if folder.exists():
        ours = (folder / "run.json").is_file() or (folder / UNFINISHED).is_file()
        if not ours or folder.is_symlink():
            raise UsageError(f"{folder} is not a reference of an earlier --init: move it away, or name another file")
        write_text(folder / UNFINISHED, "")
        for there in folder.iterdir():
            if there.name != UNFINISHED:
                shutil.rmtree(there) if there.is_dir() and not there.is_symlink() else there.unlink()
    else:
        write_text(folder / UNFINISHED, "")
    for file in run.record_files():
        table = read_records(file)
        kept = table.select([name for name in table.column_names if name in KEYS or name in metrics])
        target = folder / file.relative_to(run.path)
        write_table(target, kept, kept.schema.metadata or {}, compression="zstd")
    if (run.path / "throughput.parquet").is_file():
        with replacing(folder / "throughput.parquet") as temporary:
            shutil.copyfile(run.path / "throughput.parquet", temporary)
    write_json(folder / "run.json", reference_manifest(run, metrics))


def reference_manifest(run: Run, metrics: list[str]) -> dict[str, Any]:
    """What a comparison needs of run.json, without the machine's and the user's particulars."""
    kept = ("schema", "name", "suite", "protocol", "precision", "suite_seed", "size", "masks", "variants", "versions")
    whole = run.manifest.as_json()
    return {key: whole[key] for key in kept} | {"metrics": {name: whole["metrics"][name] for name in metrics}}
