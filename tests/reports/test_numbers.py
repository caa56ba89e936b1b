"""Reading a run: alignment by picture, what summary.json says, what is calculated where it says nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.exporters.rounding import typeset
from bench.runs.reader import Run
from reports.numbers import Numbers, paired
from tests.reports.fake_run import fake_run


def records(run: Run, variant: str, mask: str) -> Path:
    return run.path / "records" / variant / "seed-0" / f"scenes-{mask}.parquet"


def test_methods_are_paired_by_picture_not_by_row(small: Run) -> None:
    frame = pd.read_parquet(records(small, "telea", "circle"))
    frame.iloc[::-1].to_parquet(records(small, "telea", "circle"), index=False)
    numbers = Numbers(small)
    expected = frame.set_index("image_id").loc[numbers.ids("scenes"), "psnr_hole"]
    np.testing.assert_array_equal(numbers.block("telea", "scenes", "psnr_hole")[:, 1], expected)


def test_a_picture_that_one_method_lacks_is_missing_there_and_nowhere_else(small: Run) -> None:
    frame = pd.read_parquet(records(small, "telea", "circle"))
    frame.drop(index=2).to_parquet(records(small, "telea", "circle"), index=False)
    numbers = Numbers(small)
    assert np.isnan(numbers.block("telea", "scenes", "psnr_hole")[2, 1])
    assert np.isfinite(numbers.block("baseline", "scenes", "psnr_hole")).all()
    assert np.isnan(numbers.gap("baseline", "telea", "scenes", "psnr_hole")).sum() == 1


def test_means_come_from_the_summary_where_it_has_them(small: Run) -> None:
    file = small.path / "summary.json"
    summary = json.loads(file.read_text())
    row = next(
        r for r in summary["scores"] if (r["variant"], r["mask"], r["metric"]) == ("telea", "circle", "psnr_hole")
    )
    row |= {"mean": 12.5, "low": 12.0, "high": 13.0, "n": 8}
    file.write_text(json.dumps(summary))
    score = Numbers(Run.open(small.path)).score("telea", "scenes", "circle", "psnr_hole")
    assert score is not None
    assert (score.mean, score.low, score.high) == (12.5, 12.0, 13.0)


def test_records_newer_than_the_summary_are_counted(small: Run) -> None:
    (small.path / "summary.json").unlink()
    frame = pd.concat([pd.read_parquet(records(small, "telea", m)) for m in ("standard", "circle")])
    numbers = Numbers(Run.open(small.path))
    score = numbers.score("telea", "scenes", "all", "psnr_hole")
    assert score is not None
    assert score.mean == pytest.approx(frame["psnr_hole"].mean())
    assert score.low < score.mean < score.high


def test_a_pooled_interval_draws_pictures_whole() -> None:
    """Four mask types of one picture are not four observations: copies of a column add nothing."""
    values = np.random.default_rng(0).normal(size=(30, 1))
    one, four = paired([values, np.repeat(values, 4, axis=1)])
    assert (one.low, one.high) == pytest.approx((four.low, four.high), rel=0.02)


def test_a_metric_that_is_lower_the_better_counts_a_drop_as_a_gain(small: Run) -> None:
    numbers = Numbers(small)
    a, b = (numbers.block(name, "scenes", "lpips") for name in ("baseline", "telea"))
    np.testing.assert_allclose(numbers.gap("baseline", "telea", "scenes", "lpips"), b - a)


def test_a_signed_shift_is_best_at_its_target(small: Run) -> None:
    assert Numbers(small).measures["sharpness"].goodness([-0.5, 0.0, 1.0]).tolist() == [-0.5, 0.0, -1.0]


def test_seeds_of_a_variant_are_methods_of_their_own(tmp_path: Path) -> None:
    run = Run.open(fake_run(tmp_path / "r", variants=("baseline", "telea"), seeds=(0, 3), pictures=5, samples=1))
    assert Numbers(run).labels == ["baseline@0", "baseline@3", "telea"]


@pytest.mark.parametrize(("value", "text"), [(-0.001, "0.00"), (-1.5, "−1.50"), (2.0, "2.00")])
def test_numbers_have_a_true_minus_and_no_negative_zero(value: float, text: str) -> None:
    assert typeset(value, 2) == text
