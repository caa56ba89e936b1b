"""``bench leaderboard``: runs over one suite in one table, one name told apart by run, ties by verdict."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.commands.leaderboard import Request, show_leaderboard
from bench.runs.merged import members_of
from bench.runs.reader import Run
from bench.util.errors import Exit, IncomparableError, UsageError
from tests.bench.fake_runs import fake_run

# Noise of the same pictures in every run: what differs is the level alone.
NOISE = np.random.default_rng(0).normal(0, 1, (30, 2))


def level(mean: float) -> dict[str, np.ndarray]:
    return {"psnr_hole": mean + NOISE}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """a: telea 20 dB, mean_fill 15. b: telea as in a, mine 25, and mean_fill 15.001 by other records."""
    references = {"telea": "reference", "mean_fill": "reference", "mine": "external"}
    fake_run(tmp_path / "a", {("telea", 0): level(20), ("mean_fill", 0): level(15)}, kinds=references)
    fake_run(
        tmp_path / "b",
        {("telea", 0): level(20), ("mine", 0): level(25), ("mean_fill", 0): level(15.001)},
        kinds=references,
    )
    return tmp_path


def request(runs: Path, *names: str, **changes: object) -> Request:
    def build(run: Run) -> Path:
        page = run.path / "report.html"
        page.write_text(", ".join(sorted({name for name, _ in run.members()})))
        return page

    start = {"names": names, "metrics": (), "out": None, "runs": runs, "build": build, "json_output": True}
    return Request(**{**start, **changes})


def test_one_name_for_different_records_is_told_apart_by_run(runs: Path) -> None:
    found = members_of([Run.open(runs / "a"), Run.open(runs / "b")])
    assert [member.name for member in found] == ["telea", "mean_fill.a", "mean_fill.b", "mine"]


def test_methods_of_all_runs_have_places_and_ties_share_one(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show_leaderboard(request(runs, "a", "b")) == Exit.OK
    found = json.loads(capsys.readouterr().out)
    (table,) = found["ranking"]
    places = {place["side"]: (place["rank"], round(place["mean"], 2)) for place in table["places"]}
    mean = NOISE.mean()
    # 0.001 dB lies within the tolerance of PSNR, 0.1 dB.
    assert places == {
        "mine": (1, round(25 + mean, 2)),
        "telea": (2, round(20 + mean, 2)),
        "mean_fill.a": (3, round(15 + mean, 2)),
        "mean_fill.b": (3, round(15 + mean, 2)),
    }
    merged = Run.open(Path(found["merged"]))
    assert (merged.path / "report.html").read_text() == "mean_fill.a, mean_fill.b, mine, telea"
    rows = merged.records("mean_fill.b")
    assert set(rows["variant"]) == {"mean_fill.b"} and rows["psnr_hole"].mean() == pytest.approx(15.001 + mean)


@pytest.mark.parametrize("names", [("a",), ("one",), ("two",)])
def test_one_and_two_methods_have_places_too(
    runs: Path, capsys: pytest.CaptureFixture[str], names: tuple[str, ...]
) -> None:
    fake_run(runs / "one", {("mine", 0): level(25)}, kinds={"mine": "external"})
    fake_run(runs / "two", {("x", 0): level(25), ("y", 0): level(30)}, kinds={"x": "external", "y": "external"})
    show_leaderboard(request(runs, *names))
    (table,) = json.loads(capsys.readouterr().out)["ranking"]
    wanted = {"a": ["telea", "mean_fill"], "one": ["mine"], "two": ["y", "x"]}[names[0]]
    assert [(place["side"], place["rank"]) for place in table["places"]] == [
        (name, place) for place, name in enumerate(wanted, 1)
    ]


def test_a_column_that_one_run_lacks_has_no_places_and_stops_nothing(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As of a run with the student's estimate beside one with LPIPS."""
    lpips, student = np.abs(NOISE) / 10, np.abs(NOISE) / 9
    fake_run(runs / "real", {("x", 0): {**level(25), "lpips": lpips}})
    fake_run(runs / "near", {("y", 0): {**level(30), "lpips": lpips * np.nan, "lpips_student": student}})
    show_leaderboard(request(runs, "real", "near"))
    found = json.loads(capsys.readouterr().out)
    assert {table["metric"] for table in found["ranking"]} == {"psnr_hole"}
    assert "lpips has no places: y has no value of it" in found["notes"]
    assert "lpips_student has no places: x has no value of it" in found["notes"]


def test_the_table_marks_what_is_shared(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show_leaderboard(request(runs, "a", "b", json_output=False))
    shown = capsys.readouterr().out
    rows = [line.split() for line in shown.splitlines()]
    assert next(row for row in rows if row[:1] == ["mine"])[:2] == ["mine", "1"]
    assert next(row for row in rows if row[:1] == ["mean_fill.a"])[:2] == ["mean_fill.a", "=3"]


@pytest.mark.parametrize("change", [{"suite": "cd" * 32}, {"protocol": "lama"}])
def test_runs_that_were_measured_differently_are_refused(runs: Path, change: dict[str, str]) -> None:
    fake_run(runs / "other", {("telea", 0): level(20)}, **change)
    with pytest.raises(IncomparableError, match="measured differently") as told:
        show_leaderboard(request(runs, "a", "other"))
    assert told.value.code == 4


def test_no_run_is_written_over(runs: Path) -> None:
    for out in ("a", "b"):
        with pytest.raises(UsageError, match="choose another --out"):
            show_leaderboard(request(runs, "a", out=Path(out)))
    assert {name for name, _ in Run.open(runs / "b").members()} == {"telea", "mine", "mean_fill"}


def test_a_second_time_gives_the_same(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = []
    for _ in range(2):
        show_leaderboard(request(runs, "a"))
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]
