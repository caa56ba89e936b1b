"""How far a run is, in words, and the shards beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.listing import runs
from bench.runs.lock import RunLock
from bench.runs.manifest import Manifest
from bench.runs.reader import Run
from bench.runs.shards import Part, Shard
from bench.runs.standing import standing
from bench.runs.writer import RunWriter

EARLY, LATE = "2026-01-01T00:00:00+00:00", "2026-01-01T00:01:00+00:00"


def nothing(run: Path) -> None: ...


def half_trained(run: Path) -> None:
    (run / "checkpoints/baseline/seed-0").mkdir(parents=True)
    (run / "checkpoints/baseline/seed-0/state.pt").touch()


def trained(run: Path) -> None:
    half_trained(run)
    (run / "checkpoints/baseline/seed-0/generator.safetensors").touch()


def diverged(run: Path) -> None:
    half_trained(run)
    (run / "checkpoints/baseline/seed-0/diverged.json").touch()


def half_scored(run: Path) -> None:
    trained(run)
    (run / "cache/rows").mkdir(parents=True)


def scored(run: Path) -> None:
    trained(run)
    (run / "records").mkdir()


STATES = [
    ("run", nothing, {}, "interrupted", "under way"),
    ("train", nothing, {}, "training interrupted", "training now"),
    ("train", half_trained, {}, "training interrupted", "training now"),
    ("run", half_trained, {}, "training interrupted", "training now"),
    ("train", trained, {}, "training interrupted", "training now"),  # of two networks, the other was not begun
    ("train", trained, {"trained": LATE}, "trained, not scored", ""),
    ("train", diverged, {"trained": LATE}, "trained, not scored", ""),
    ("train", scored, {"trained": LATE}, "trained since it was scored", ""),
    ("run", trained, {}, "interrupted", "under way"),
    ("run", diverged, {}, "interrupted", "under way"),
    ("run", half_scored, {}, "scoring interrupted", "scoring now"),
    ("eval", scored, {}, "scoring interrupted", "scoring now"),
    ("run", scored, {"finished": LATE}, LATE, ""),
]


def made(path: Path, action: str = "eval", **keys: str) -> Run:
    RunWriter(path, Manifest(name=path.name, suite="ab" * 32, command=["bench", action], **keys)).write()  # type: ignore[arg-type]
    return Run(path)


@pytest.mark.parametrize(("action", "state", "keys", "free", "held"), STATES)
def test_what_a_run_holds_and_whether_it_is_being_written_say_how_far_it_is(
    tmp_path: Path, action: str, state: Callable[[Path], None], keys: dict[str, str], free: str, held: str
) -> None:
    run = made(tmp_path / "r", action, **keys)
    state(run.path)
    assert standing(run) == free
    if held:
        lock = RunLock(run.path)
        lock.acquire()
        assert standing(run) == held
        lock.release()
    assert standing(run) == free


def test_a_run_that_was_only_trained_is_listed_with_its_networks(tmp_path: Path) -> None:
    trained(made(tmp_path / "r", "train", trained=LATE).path)
    (row,) = runs(tmp_path)
    assert (row["finished"], row["methods"]) == ("trained, not scored", "baseline")


def test_asking_how_far_a_run_is_leaves_it_free_and_writes_nothing(tmp_path: Path) -> None:
    run = made(tmp_path / "r")
    standing(run)
    assert [path.name for path in tmp_path.iterdir()] == ["r"]
    (tmp_path / ".r.owner.json").write_text("{}")  # of a process that was killed
    assert standing(run) == "interrupted"
    lock = RunLock(run.path)
    lock.acquire()
    lock.release()


def shard(run: Path, number: int, of: int, complete: bool = True, **keys: str) -> None:
    part = Part(number, of)
    made(part.folder(run), **({"finished": EARLY} if complete else {}), **keys)
    if complete:
        Shard(part.folder(run), part, {}).write()


def test_shards_that_are_not_merged_are_listed_as_the_run_that_they_will_be(tmp_path: Path) -> None:
    shard(tmp_path / "big", 1, 3)
    shard(tmp_path / "big", 3, 3)
    shard(tmp_path / "big", 2, 3, complete=False)
    (row,) = runs(tmp_path)
    assert (row["name"], row["finished"]) == ("big", "2 of 3 shards scored, not merged")


def test_shards_that_are_merged_are_no_run_and_said_to_be_free(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1, 2):
        shard(tmp_path / "big", number, 2)
    made(tmp_path / "big", "merge", finished=LATE)
    (row,) = runs(tmp_path)
    assert (row["name"], row["finished"]) == ("big", LATE)
    assert f"note: {tmp_path / 'big.shards'} is merged into big and can be deleted" in capsys.readouterr().err


def test_a_shard_that_was_scored_again_is_to_be_merged_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shard(tmp_path / "big", 1, 1)
    made(tmp_path / "big", "merge", finished="2025-12-31T00:00:00+00:00")
    assert [row["name"] for row in runs(tmp_path)] == ["big"]
    told = capsys.readouterr().err
    assert "1 of 1 shards scored, not merged; bench merge" in told and "deleted" not in told


def test_shards_of_a_run_that_is_being_scored_over_a_cluster_are_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shard(tmp_path / "big", 1, 2)
    made(tmp_path / "big", "run")
    assert [row["name"] for row in runs(tmp_path)] == ["big"]
    assert capsys.readouterr().err == ""


def test_shards_that_cannot_be_read_are_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shard(tmp_path / "big", 1, 2)
    (Part(1, 2).folder(tmp_path / "big") / "run.json").write_text("{")
    assert runs(tmp_path) == []
    assert "skipped" in capsys.readouterr().err
