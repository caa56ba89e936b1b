"""Results by content: what an earlier run scored with the same weights, code, suite, protocol, precision, SPEC keys and
metrics, on this machine and by these versions, is taken over and not scored again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.methods.predictions import Predictions
from bench.runs.manifest import Manifest
from bench.runs.reader import Run, find_runs
from bench.runs.records import record_file, up_to_date
from bench.set_metrics import store
from bench.stages.cells import Cell
from bench.suites.suite import Suite
from bench.util.files import write_bytes
from variants.method import Method


def earlier_runs(folder: Path, manifest: Manifest, own: Path) -> list[Run]:
    """The runs in the folder that scored the same suite by the same versions on the same machine, newest first."""
    ours = (manifest.suite, manifest.versions, manifest.machine)
    return [
        run
        for run in find_runs(folder)
        if run.path.resolve() != own.resolve()
        and (run.manifest.suite, run.manifest.versions, run.manifest.machine) == ours
    ]


def take_over(cell: Cell, earlier: Iterable[Run]) -> Run | None:
    """Copy the cell's records, and set scores where they are wanted, from the first run that has the same."""
    for run in earlier:
        records, whole = record_file(run.path, *cell.key), store.set_file(run.path, *cell.key)
        if not up_to_date(records, cell.facts, len(cell.dataset) * cell.samples):
            continue
        if cell.set_facts is not None:
            if not store.up_to_date(whole, cell.set_facts):
                continue
            write_bytes(cell.set_file, whole.read_bytes())
        write_bytes(cell.file, records.read_bytes())
        return run
    return None


def notes_of(run: Run, method: Method) -> list[str]:
    """What the run was told of the method as it filled."""
    found = (entry for entry in run.manifest.variants if (entry.name, entry.seed) == (method.name, method.seed))
    return [note for entry in found for note in entry.notes]


def digest_fills(methods: Sequence[Method], suite: Suite) -> None:
    """Give folders of finished pictures the digest of the fills that the suite asks for."""
    wanted = [(mask, image_id) for data in suite.datasets for mask in suite.masks_of(data) for image_id in data.ids]
    for method in methods:
        if isinstance(method, Predictions):
            method.content = method.digest(wanted)
