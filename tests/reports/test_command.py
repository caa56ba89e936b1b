"""``bench report`` as it is typed: what it prints, and how it ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.bench.command import bench
from tests.reports.fake_run import fake_run

SMALL = {"variants": ("baseline", "telea"), "datasets": ("scenes",), "masks": ("rect",), "pictures": 5, "samples": 1}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with runs/old, runs/new and runs/other, which is of another suite."""
    folder = tmp_path_factory.mktemp("work")
    for age, (name, suite) in enumerate((("other", "e" * 64), ("old", "a" * 64), ("new", "a" * 64))):
        run = fake_run(folder / "runs" / name, suite=suite, **SMALL)  # type: ignore[arg-type]
        os.utime(run / "run.json", (1000 + age, 1000 + age))
    return folder


def test_the_newest_run_is_reported_and_its_path_printed(work: Path) -> None:
    done = bench("report", cwd=work)
    assert (done.returncode, done.stdout) == (0, "runs/new/report.html\n")
    assert (work / "runs" / "new" / "report.html").is_file()


def test_a_run_is_named_and_its_tables_are_exported(work: Path) -> None:
    done = bench("report", "old", "--compare", "new", "--export", "tables", "--out", "page.html", cwd=work)
    assert (done.returncode, done.stdout) == (0, "page.html\n"), done.stderr
    assert (work / "tables" / "beside-scenes.csv").is_file()
    assert "Beside new" in (work / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("nowhere",), 2, "no run at"),
        (("new", "--compare", "other"), 4, "suite fingerprint"),
        (("new", "--out", "runs"), 2, "is a folder"),
        (("new", "--export", "runs/new/run.json"), 2, "is a file"),
        (("--runs-dir", "empty"), 4, "no run under"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_with_its_exit_code(
    work: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    done = bench("report", *words, cwd=work)
    assert done.returncode == code
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
