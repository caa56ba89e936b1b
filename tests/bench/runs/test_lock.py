"""One owner of a run folder, and leftovers of a killed one hurt nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.runs.lock import RunLock, sweep_free
from bench.runs.manifest import Manifest
from bench.runs.reader import Run
from bench.runs.writer import RunWriter
from bench.util.errors import UsageError
from variants.atomic import replacing, sweep

START = Manifest(name="r", suite="0" * 64)


def test_a_second_owner_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    first, second = RunWriter(tmp_path / "r"), RunWriter(tmp_path / "r")
    first.begin(START)
    with pytest.raises(UsageError, match=f"is being written by process {os.getpid()} on .* since 20.*--wait"):
        second.begin(START)
    first.close()
    assert [path.name for path in (tmp_path / "r").iterdir()] == ["run.json"]
    assert second.begin(START)
    second.close()


def test_the_lock_of_a_dead_process_is_free(tmp_path: Path) -> None:
    code = (
        "import os; from pathlib import Path; from bench.runs.lock import RunLock\n"
        f"lock = RunLock(Path({str(tmp_path / 'r')!r})); lock.acquire(); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert (tmp_path / ".r.owner.json").is_file()
    lock = RunLock(tmp_path / "r")
    lock.acquire()
    assert f"process {os.getpid()} " in lock.owner()
    lock.release()


def test_a_folder_that_a_kill_left_before_its_first_run_json_is_a_run_to_be(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / ".run.json-abc.part").write_text("half")
    writer = RunWriter(tmp_path / "r")
    assert not writer.begin(START)
    assert not list((tmp_path / "r").glob(".*.part"))
    writer.close()
    assert Run.open(tmp_path / "r").manifest.suite == START.suite


def test_whoever_only_reads_sweeps_what_no_owner_is_writing(tmp_path: Path) -> None:
    left = tmp_path / "r" / ".report.html-abc.part"
    first = RunWriter(tmp_path / "r")
    first.begin(START)
    left.write_text("half")
    sweep_free(tmp_path / "r")
    assert left.is_file(), "its owner may be writing it"
    first.close()
    sweep_free(tmp_path / "r")
    assert not left.exists()
    RunWriter(tmp_path / "r").begin(START)


def test_half_written_records_are_matched_by_no_reader(tmp_path: Path) -> None:
    folder = tmp_path / "r" / "records" / "telea" / "seed-0"
    file = folder / "scenes-rect.parquet"
    with pytest.raises(KeyboardInterrupt), replacing(file) as temporary:  # noqa: PT012
        kept = temporary
        temporary.write_bytes(b"half")
        # A kill leaves no time to tidy up: keep the leftover.
        leftover = kept.with_name(kept.name.replace("-", "-x", 1))
        leftover.write_bytes(b"half")
        raise KeyboardInterrupt
    assert not list(folder.glob("*.parquet"))
    assert [path.name for path in folder.iterdir()] == [leftover.name]
    assert Run(tmp_path / "r").record_files() == []
    sweep(tmp_path / "r")
    assert not list(folder.iterdir())


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(file) as temporary:  # noqa: PT012
        temporary.write_text("new")
        raise ZeroDivisionError
    assert file.read_text() == "old" and [path.name for path in tmp_path.iterdir()] == ["a.json"]
    with replacing(file) as temporary:
        temporary.write_text("new")
    assert file.read_text() == "new" and file.stat().st_mode & 0o777 == 0o644


def test_names_of_three_hundred_characters_are_refused_in_a_sentence(tmp_path: Path) -> None:
    from bench.util.errors import BenchError
    from bench.util.files import write_text

    with pytest.raises((BenchError, OSError)):
        write_text(tmp_path / ("n" * 300), "x")
