"""The throughput of a run's methods, as one stage of ``bench run``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from variants.method import Method


def measure_methods(methods: Sequence[Method], file: Path, *, device: str, resolution: int, seconds: float) -> None:
    """Time methods that are ready to fill, at one resolution, into a run's throughput.parquet."""
    from bench.progress import Reporter, say
    from bench.throughput.files import write
    from bench.throughput.measure import run
    from bench.throughput.plan import Report, make_plan
    from bench.throughput.subjects import Subject

    members = {method.name: Subject.of(method) for method in methods if method.kind != "predictions"}
    plan = make_plan(device, [resolution], modes=("eager",), seconds=seconds)
    with Reporter("throughput") as reporter:
        report = Report(say, lambda share: reporter.update("methods", share, 1.0))
        write(run(list(members.values()), plan, report), file)
