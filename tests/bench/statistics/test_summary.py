"""summary.json of invented runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.statistics.summary import psnr, summarise, write_summary
from tests.bench.fake_runs import fake_run

PSNR = np.random.default_rng(0).normal(20, 3, (30, 2))


def rows(run, **wanted):  # type: ignore[no-untyped-def]
    return [r for r in summarise(run)["scores"] if all(r[key] == value for key, value in wanted.items())]


def test_every_variant_seed_mask_and_metric_has_one_row(tmp_path: Path) -> None:
    scores = {"psnr_hole": PSNR, "lpips": PSNR / 100}
    run = fake_run(tmp_path / "r", {("a", 0): scores, ("a", 1): scores, ("b", 0): scores})
    found = [(r["variant"], r["seed"], r["mask"], r["metric"]) for r in summarise(run)["scores"]]
    assert len(found) == len(set(found)) == 3 * 3 * 2


def test_means_pool_pictures_and_all_pools_masks(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": PSNR}})
    assert rows(run, mask="rect")[0]["mean"] == pytest.approx(PSNR[:, 0].mean())
    pooled = rows(run, mask="all")[0]
    assert pooled["mean"] == pytest.approx(PSNR.mean())
    assert pooled["n"] == 60
    assert pooled["images"] == 30
    assert pooled["low"] < pooled["mean"] < pooled["high"]


def test_failed_pictures_are_counted_and_in_no_mean(tmp_path: Path) -> None:
    broken = np.zeros((30, 2), bool)
    broken[:5, 1] = True
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": PSNR}}, failed={("a", 0): broken})
    found = rows(run, mask="circle")[0]
    assert found["failed"] == 5
    assert found["n"] == 25
    assert found["mean"] == pytest.approx(PSNR[5:, 1].mean())
    assert rows(run, mask="all")[0]["failed"] == 5
    assert rows(run, mask="rect")[0]["failed"] == 0


def test_a_column_without_values_is_null_not_a_number(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": PSNR, "lpips": np.full((30, 2), np.nan)}})
    write_summary(run)
    content = json.loads((run.path / "summary.json").read_text(), parse_constant=lambda word: pytest.fail(word))
    empty = next(r for r in content["scores"] if r["metric"] == "lpips" and r["mask"] == "all")
    assert empty["mean"] is None
    assert empty["n"] == 0


def test_psnr_of_the_mean_error_is_not_the_mean_of_psnrs(tmp_path: Path) -> None:
    error = 10 ** (-PSNR / 10)
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": PSNR, "mse_hole": error}})
    found = rows(run, mask="all", metric="psnr_hole")[0]
    assert found["psnr_of_mean_error"] == pytest.approx(-10 * np.log10(error.mean()))
    assert found["psnr_of_mean_error"] < found["mean"] - 0.5
    assert psnr(0.0) == 100.0


def test_throughput_rows_are_copied(tmp_path: Path) -> None:
    speeds = [{"variant": "a", "device": "cpu", "images_per_s": 12.5, "peak_memory_mib": float("nan")}]
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": PSNR}}, throughput=speeds)
    assert summarise(run)["throughput"] == [
        {"variant": "a", "device": "cpu", "images_per_s": 12.5, "peak_memory_mib": None}
    ]


def test_a_picture_recorded_twice_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from bench.errors import BenchError

    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": PSNR}})
    file = run.record_files()[0]
    table = pq.read_table(file, partitioning=None)
    pq.write_table(pa.concat_tables([table, table.slice(0, 1)]), file)
    with pytest.raises(BenchError, match="twice"):
        summarise(run)


def test_rows_by_hole_area_pool_the_masks_of_a_bin(tmp_path: Path) -> None:
    areas = np.tile([0.05, 0.1], (30, 1))  # exactly a tenth is still in the first bin
    areas[:10, 1] = 0.35
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": PSNR}}, areas=areas)
    first, second = summarise(run)["areas"]
    assert (first["area"], second["area"]) == ("0–10 %", "30–40 %")
    assert (first["n"], first["images"], second["n"], second["images"]) == (50, 30, 10, 10)
    assert first["mean"] == pytest.approx(np.concatenate([PSNR[:, 0], PSNR[10:, 1]]).mean())
    assert second["mean"] == pytest.approx(PSNR[:10, 1].mean())
    assert second["low"] < second["mean"] < second["high"]
