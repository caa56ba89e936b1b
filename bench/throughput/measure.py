"""Timing methods beside each other: every round takes one sample of each, so that what disturbs the machine
disturbs all alike, and the calibration workload with them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.throughput.settings import Setting, sensible_batches, sensible_modes, sensible_precisions, why_not

if TYPE_CHECKING:
    import pandas as pd

    from bench.throughput.subjects import Subject
    from variants.method import Method

Report = Callable[[str], None]


def measure(
    members: Sequence[Subject],
    *,
    device: str = "cpu",
    resolution: int | Sequence[int] = 256,
    batches: Sequence[int] | None = None,
    seconds: float = 60.0,
    precisions: Sequence[str] | None = None,
    modes: Sequence[str] | None = None,
    report: Report = lambda sentence: None,
) -> pd.DataFrame:
    """Time every member at every combination of settings; one row each, and the calibration's.

    seconds: for everything together, warm-up included (the first calls, compiling, are on top). batches,
    precisions and modes default to what suits the device. Methods that are only called (references, files from
    outside) run in fp32 eager on the CPU, references at batch 1. ``report`` is told, in sentences, what could
    not be measured. Columns: docs/throughput.md.
    """
    import pandas as pd

    from bench.throughput import calibration
    from bench.throughput.ceilings import measure_ceilings
    from bench.throughput.cell import Cell

    began = time.perf_counter()
    precisions = list(precisions or sensible_precisions(device))
    sides = [resolution] if isinstance(resolution, int) else list(resolution)
    cells = [
        Cell(member, setting)
        for member in members
        for setting in settings_of(
            member, device, sides, batches or sensible_batches(device), precisions,
            modes or sensible_modes(device), report,
        )
    ]  # fmt: skip
    cells.append(Cell(calibration.subject(), calibration_setting(device)))
    ceilings = measure_ceilings(device, sorted({c.setting.precision for c in cells}), min(1.0, seconds / 10))
    ready = begin(cells, seconds / 3, report)
    compare(ready)
    sample_in_turns(ready, began + seconds)
    return pd.DataFrame([cell.row(ceilings) for cell in ready])


def calibration_setting(device: str) -> Setting:
    from bench.throughput import calibration

    return Setting(device, "fp32", "eager", calibration.RESOLUTION, calibration.BATCH)


def settings_of(
    member: Subject,
    device: str,
    sides: Sequence[int],
    batches: Sequence[int],
    precisions: Sequence[str],
    modes: Sequence[str],
    report: Report,
) -> list[Setting]:
    """The settings at which a member can be run at all."""
    if member.network is None:
        return [Setting("cpu", "fp32", "eager", s, b) for s in sides for b in ([1] if member.one_by_one else batches)]
    found = []
    for precision in precisions:
        for mode in modes:
            why = why_not(Setting(device, precision, mode, sides[0], batches[0]))
            if why:
                report(f"{member.name}: {precision} {mode} left out: {why}")
                continue
            found += [Setting(device, precision, mode, s, b) for s in sides for b in batches]
    return found


def begin(cells: list[Any], seconds: float, report: Report) -> list[Any]:
    """Make and warm up every cell; those that cannot be run are reported and left out."""
    from bench.throughput.cell import Refused

    ready = []
    for cell in cells:
        try:
            cell.begin(seconds / len(cells))
        except Refused as error:
            report(str(error))
        else:
            ready.append(cell)
    return ready


def compare(cells: list[Any]) -> None:
    """Hold the pictures of every faster way of running against eager fp32's."""
    plain: dict[tuple[str, int, int], Any] = {}
    for cell in cells:
        if (cell.setting.precision, cell.setting.mode) == ("fp32", "eager"):
            plain.setdefault((cell.subject.name, cell.setting.resolution, cell.setting.batch), cell)
    for cell in cells:
        reference = plain.get((cell.subject.name, cell.setting.resolution, cell.setting.batch))
        if reference is not None and reference is not cell:
            cell.compare(reference)


def sample_in_turns(cells: list[Any], deadline: float) -> None:
    """Rounds of one sample each, in turning order, until all have settled or the time is up (one round at least)."""
    turn = 0
    while True:
        active = [cell for cell in cells if not cell.settled]
        if not active:
            return
        for k in range(len(active)):
            if turn and time.perf_counter() > deadline:
                return
            active[(k + turn) % len(active)].sample()
        turn += 1


def measure_methods(methods: Sequence[Method], file: Path, *, device: str, resolution: int, seconds: float) -> None:
    """Time methods that are ready to fill, at one resolution, into a run's throughput.parquet."""
    from bench.progress import say
    from bench.throughput.subjects import Subject

    members = {method.name: Subject.of(method) for method in methods if method.kind != "predictions"}
    frame = measure(list(members.values()), device=device, resolution=resolution, seconds=seconds, report=say)
    write(frame, file)


def write(frame: pd.DataFrame, file: Path) -> None:
    """Rows to parquet, with the environment in the file's metadata."""
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    from bench.files import replacing
    from bench.throughput.environment import environment

    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), b"environment": json.dumps(environment())})
    with replacing(file) as temporary:
        pq.write_table(table, temporary)
