"""The page of a comparison: its tables as data."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.comparison.compare import Options, compare
from reports.comparison import _rows_table, command, ranking
from tests.bench.fake_runs import fake_run

NOISE = np.random.default_rng(0).normal(0, 2, (12, 2))


def test_an_undecided_row_says_how_many_pictures_would_decide_it(tmp_path: Path) -> None:
    levels = {"a": 20 + NOISE, "b": 20.5 - NOISE, "c": 30 + NOISE}
    fake_run(tmp_path / "r", {(name, 0): {"psnr_hole": values} for name, values in levels.items()})
    comparison = compare([f"{tmp_path / 'r'}:{name}" for name in levels], tmp_path)
    rows = [row for row in comparison.rows if row["mask"] == "all"]
    cells = [line.cells[-1] for line in _rows_table("x", rows, "metric").rows]
    assert [cell.text for cell in cells] == ["undecided", "better"]
    assert cells[0].detail == f"{rows[0]['pictures_to_decide']:,} pictures would decide" and not cells[1].detail


def test_places_print_means_with_the_decimals_of_their_metric(tmp_path: Path) -> None:
    levels = {"a": (12.3, 0.06411), "b": (21.3, 0.609), "c": (11.0, 0.5)}
    scores = {
        (name, 0): {"psnr_hole": np.full((12, 2), quality), "ssim_hole": np.full((12, 2), share)}
        for name, (quality, share) in levels.items()
    }
    fake_run(tmp_path / "r", scores)
    comparison = compare([f"{tmp_path / 'r'}:{name}" for name in levels], tmp_path)
    table = ranking(comparison)
    assert table is not None
    told = [[cell.detail for cell in line.cells] for line in table.rows]
    assert told == [["12.30", "0.0641"], ["21.30", "0.6090"], ["11.00", "0.5000"]]


def test_the_command_that_writes_the_page_again_has_every_option_that_was_given(tmp_path: Path) -> None:
    fake_run(tmp_path / "r", {(name, 0): {"psnr_hole": 20 + NOISE} for name in "ab"})
    sides = [f"{tmp_path / 'r'}:a", f"{tmp_path / 'r'}:b"]
    plain = compare(sides, tmp_path)
    assert command(plain, tmp_path / "page.html") == "bench compare r:a r:b --html page.html"
    options = Options(("psnr_hole",), ("rect",), {"psnr_hole": 0.05}, True, resamples=2000, seed=3, by_area=True)
    assert command(compare(sides, tmp_path, options), tmp_path / "my page.html") == (
        "bench compare r:a r:b --metrics psnr_hole --masks rect --tolerance psnr_hole=0.05 --common --by-area "
        "--resamples 2000 --seed 3 --html 'my page.html'"
    )
