"""Synthetic runs and their pages, made once for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.runs.reader import Run
from reports.build import Report, gather, write_page
from tests.reports.fake_run import fake_run


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A whole run as the quick profile leaves it, with fewer pictures."""
    return Run.open(fake_run(tmp_path_factory.mktemp("work") / "runs" / "quick", pictures=16, samples=2))


@pytest.fixture(scope="session")
def report(quick: Run) -> Report:
    return gather(quick)


@pytest.fixture(scope="session")
def page(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(report, tmp_path_factory.mktemp("page") / "report.html")


@pytest.fixture
def small(tmp_path: Path) -> Run:
    """Three methods, one data set, two mask types, few pictures: for tests that change what is there."""
    names = ("baseline", "double_dg", "telea")
    folder = fake_run(
        tmp_path / "small", variants=names, datasets=("scenes",), masks=("standard", "circle"), pictures=8, samples=1
    )
    return Run.open(folder)
