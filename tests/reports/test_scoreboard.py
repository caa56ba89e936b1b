"""The winner, ties and the sentence that tells them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.comparison.compare import Options, compare
from bench.runs.reader import Run
from reports.numbers import Numbers
from reports.scoreboard import leads, overall, slug, verdict, warnings
from tests.reports.fake_run import fake_run

NAMES = ("baseline", "double_dg", "telea")


def run_with(path: Path, **hole_psnr: float) -> Numbers:
    """Methods whose hole PSNR is all but constant: who wins is known beforehand."""
    facts = {name: {"psnr_hole": value} for name, value in hole_psnr.items()}
    return Numbers(Run.open(fake_run(path, variants=NAMES, datasets=("scenes",), pictures=12, samples=0, facts=facts)))


def test_the_highest_psnr_wins_and_the_gap_is_to_the_second(tmp_path: Path) -> None:
    lead = leads(run_with(tmp_path / "r", baseline=21.0, double_dg=23.5, telea=22.0), "scenes", ["psnr_hole"])[
        "psnr_hole"
    ]
    assert (lead.best, lead.second, lead.tied) == ("double_dg", "telea", ())
    assert lead.ahead is not None
    assert round(lead.ahead.mean, 6) == 1.5


def test_a_lead_is_the_difference_that_compare_prints(tmp_path: Path) -> None:
    """Method by picture, with ids out of order: the same mean and interval to the last digit."""
    ids = [f"{k:04d}" for k in (7, 3, 9, 1, 0, 5, 2, 8, 4, 6, 11, 10)]
    folder = fake_run(tmp_path / "r", variants=NAMES, datasets=("scenes",), ids=ids, samples=0)
    for metric in ("psnr_hole", "seam"):
        lead = leads(Numbers(Run.open(folder)), "scenes", [metric])[metric]
        assert lead.ahead is not None
        options = Options(metrics=(metric,))
        rows = compare([f"{folder}:{lead.second}", f"{folder}:{lead.best}"], tmp_path, options).rows
        row = next(row for row in rows if row["mask"] == "all")
        found = (lead.ahead.mean, lead.ahead.low, lead.ahead.high)
        assert found == pytest.approx((row["difference"], row["low"], row["high"]), rel=1e-6)


def test_equal_methods_are_a_tie_not_a_win(tmp_path: Path) -> None:
    numbers = run_with(tmp_path / "r", baseline=22.0, double_dg=22.0, telea=20.0)
    lead = leads(numbers, "scenes", ["psnr_hole"])["psnr_hole"]
    assert {lead.best, *lead.tied} == {"baseline", "double_dg"}
    answer = verdict(numbers, {"scenes": {"psnr_hole": lead}})
    assert answer is not None
    assert "cannot be told apart" in answer.sentence
    assert "wins" not in answer.sentence


def test_the_lowest_lpips_wins(tmp_path: Path) -> None:
    facts = {name: {"lpips": value} for name, value in zip(NAMES, (0.3, 0.2, 0.1), strict=True)}
    folder = fake_run(tmp_path / "r", variants=NAMES, datasets=("scenes",), pictures=12, samples=0, facts=facts)
    assert leads(Numbers(Run.open(folder)), "scenes", ["lpips"])["lpips"].best == "telea"


def test_the_perceptual_answer_names_its_metric_once(tmp_path: Path) -> None:
    facts = {method: {"psnr_hole": 20.0, "lpips": value} for method, value in zip(NAMES, (0.3, 0.2, 0.1), strict=True)}
    folder = fake_run(tmp_path / "r", variants=NAMES, datasets=("scenes",), pictures=12, samples=0, facts=facts)
    numbers = Numbers(Run.open(folder))
    answer = verdict(numbers, {"scenes": leads(numbers, "scenes", ["psnr_hole", "lpips"])})
    assert answer is not None
    found = next(line for line in answer.more if line.startswith("By "))
    assert found.startswith("By LPIPS: telea has the best mean (0.100), 0.100 ahead of double_dg (95 % interval ")
    assert found.count("LPIPS") == 1


def test_a_metric_with_a_target_is_won_by_the_smallest_distance_from_it(tmp_path: Path) -> None:
    """-0.9 and 0.9 in turn have the mean 0 and are all 0.9 off; -0.2 throughout is 0.2 off; -1 is 1 off."""
    folder = fake_run(tmp_path / "r", variants=NAMES, datasets=("scenes",), pictures=12, samples=0)
    values = {"baseline": (-0.9, 0.9), "double_dg": (-0.2, -0.2), "telea": (-1.0, -1.0)}
    for file in (folder / "records").rglob("*.parquet"):
        frame = pd.read_parquet(file)
        even, odd = values[frame["variant"].iloc[0]]
        frame["sharpness"] = np.where(np.arange(len(frame)) % 2, odd, even)
        frame.to_parquet(file)
    (folder / "summary.json").unlink()
    numbers = Numbers(Run.open(folder))
    found = leads(numbers, "scenes", ["sharpness"])
    assert (found["sharpness"].best, found["sharpness"].tied) == ("double_dg", ())
    rows = {row.name: row.cells[0] for row in overall(numbers, "scenes", found, ["sharpness"]).rows}
    assert rows["baseline"].text == "0.00, off by 0.90"
    assert {name: round(cell.distance or 0.0, 6) for name, cell in rows.items()} == {
        "baseline": 0.9,
        "double_dg": 0.2,
        "telea": 1.0,
    }
    assert round(rows["baseline"].value, 6) == 0.0  # type: ignore[arg-type]
    assert [name for name, cell in rows.items() if cell.mark] == ["double_dg"]


def test_it_is_said_when_no_network_beats_the_references(tmp_path: Path) -> None:
    numbers = run_with(tmp_path / "r", baseline=20.0, double_dg=19.0, telea=22.0)
    answer = verdict(numbers, {"scenes": leads(numbers, "scenes", ["psnr_hole"])})
    assert answer is not None
    assert any("no network beats the best reference on scenes (telea)" in text for text in answer.more)


def test_references_stand_apart_from_networks(tmp_path: Path) -> None:
    numbers = run_with(tmp_path / "r")
    table = overall(numbers, "scenes", {}, ["psnr_hole"])
    assert [(row.name, row.group) for row in table.rows] == [
        ("baseline", "Networks"),
        ("double_dg", "Networks"),
        ("telea", "References, no training"),
    ]


def test_an_empty_column_is_explained_once_above_the_tables(tmp_path: Path) -> None:
    folder = fake_run(tmp_path / "r", variants=NAMES, pictures=4, samples=0, no_lpips="no AlexNet weights were found")
    numbers = Numbers(Run.open(folder))
    table = overall(numbers, "scenes", {}, [m for m in ("psnr_hole", "lpips") if numbers.has(m)])
    assert "lpips" not in [c.key for c in table.columns]
    assert table.notes == []
    notes = numbers.manifest.notes
    assert warnings(numbers) == [*notes, "lpips is empty: no AlexNet weights were found"]
    notes.append("the column lpips is empty: no AlexNet weights were found")
    assert warnings(numbers) == notes
    numbers.manifest.protocol = "lama"
    assert warnings(numbers)[0].startswith("Protocol lama: LaMa's evaluator")


def test_data_sets_with_like_names_keep_places_of_their_own() -> None:
    names = ["scenes", "folder:/a b", "folder:/a-b", "folder:фото", "folder:море", "…"]
    slugs = [slug(name) for name in names]
    assert slugs[0] == "scenes"
    assert len(set(slugs)) == len(names)
    assert all(s and s.isascii() and " " not in s and "/" not in s for s in slugs)


def test_the_batch_size_of_a_speed_stands_with_it(tmp_path: Path) -> None:
    folder = fake_run(tmp_path / "r", variants=NAMES, pictures=4, samples=0)
    numbers = Numbers(Run.open(folder))
    table = overall(numbers, "scenes", {}, ["psnr_hole"])
    place = [column.key for column in table.columns].index("images_per_s")
    frame = pd.read_parquet(folder / "throughput.parquet")
    frame = frame[(frame["precision"] == "fp32") & (frame["mode"] == "eager")]
    for row in table.rows:
        own = frame[frame["variant"] == row.name]
        best = own.loc[own["images_per_s"].idxmax()]
        assert row.cells[place].detail == f"batch {best['batch']}"
        assert row.cells[place].value == pytest.approx(best["images_per_s"])
