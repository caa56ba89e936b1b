"""summary.json of invented runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats

from bench.metrics.declaration import Metric
from bench.metrics.error import psnr_of as psnr
from bench.runs.reader import Run
from bench.set_metrics.store import set_file
from bench.statistics.summary import rows_so_far, summarise, write_summary
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


def test_the_interval_of_a_mean_ends_where_the_metric_does(tmp_path: Path) -> None:
    """Student's of two pictures: 0.53 ± 12.7 x 0.3; SSIM lies in [-1, 1], PSNR in [0, 100]."""
    values = {"ssim_hole": np.array([[0.23], [0.83]]), "psnr_hole": np.array([[20.0], [22.0]])}
    run = fake_run(tmp_path / "r", {("a", 0): values}, masks=("rect",))
    ssim, psnr_hole = (rows(run, mask="rect", metric=name)[0] for name in ("ssim_hole", "psnr_hole"))
    assert (ssim["low"], ssim["high"]) == (-1.0, 1.0)
    assert psnr_hole["low"] == pytest.approx(21 - 12.7062, abs=1e-3)
    assert psnr_hole["high"] == pytest.approx(21 + 12.7062, abs=1e-3)


def test_a_metric_with_a_target_tells_its_mean_distance_from_it(tmp_path: Path) -> None:
    """-3 and 3 in turn have the mean 0 and are all 3 off, wherever they are pooled."""
    seam = np.tile([[-3.0, 3.0], [3.0, -3.0]], (15, 1))
    run = fake_run(tmp_path / "r", {("a", 0): {"seam": seam, "psnr_hole": PSNR}})
    for mask in ("rect", "all"):
        found = rows(run, mask=mask, metric="seam")[0]
        assert (found["mean"], found["distance"]) == (0.0, 3.0)
    assert {row["distance"] for row in summarise(run)["areas"] if row["metric"] == "seam"} == {3.0}
    assert "distance" not in rows(run, mask="all", metric="psnr_hole")[0]


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


def test_an_approximate_metric_says_so_and_how_far_off_it_is(tmp_path: Path) -> None:
    near = Metric("near", direction="lower", approximate=True, mean_error=0.02)
    scores = {("a", 0): {"near": PSNR, "psnr_hole": PSNR}}
    run = fake_run(tmp_path / "r", scores, metrics={"near": near, "psnr_hole": Metric("psnr_hole")})
    found = rows(run, mask="all", metric="near")[0]
    assert (found["approximate"], found["mean_error"]) == (True, 0.02)
    assert "approximate" not in rows(run, mask="all", metric="psnr_hole")[0]


def test_throughput_rows_are_copied(tmp_path: Path) -> None:
    speeds = [{"variant": "a", "device": "cpu", "images_per_s": 12.5, "peak_memory_mib": float("nan")}]
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": PSNR}}, throughput=speeds)
    assert summarise(run)["throughput"] == [
        {"variant": "a", "device": "cpu", "images_per_s": 12.5, "peak_memory_mib": None}
    ]


def test_a_picture_recorded_twice_is_refused(tmp_path: Path) -> None:
    from bench.util.errors import BenchError

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


CELLS = [("a", 0, "scenes", "rect"), ("a", 0, "scenes", "circle")]


def test_rows_of_a_run_going_on_are_those_that_its_summary_will_have(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": PSNR}})
    whole = summarise(run)
    assert rows_so_far(run, CELLS) == whole["scores"] + whole["areas"]


def test_rows_of_a_finished_run_are_its_summarys_word_for_word(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": PSNR}})
    whole = summarise(run)
    told = {part: [{**row, "mean": -1.0} for row in whole[part]] for part in ("scores", "areas")}
    (run.path / "summary.json").write_text(json.dumps({**whole, **told}))
    assert rows_so_far(Run.open(run.path), CELLS) == told["scores"] + told["areas"]


def test_of_a_summary_from_before_areas_only_those_are_calculated(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": PSNR}})
    whole = summarise(run)
    old = [{**row, "mean": -1.0} for row in whole["scores"]]
    (run.path / "summary.json").write_text(json.dumps({**whole, "scores": old, "areas": []}))
    assert rows_so_far(Run.open(run.path), CELLS) == old + whole["areas"]


def test_of_a_summary_from_before_areas_only_what_tables_show_is_added_by_area(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": PSNR, "mine": PSNR}})
    whole = summarise(run)
    (run.path / "summary.json").write_text(json.dumps({**whole, "areas": []}))
    found = rows_so_far(Run.open(run.path), CELLS)
    assert found == whole["scores"] + [row for row in whole["areas"] if row["metric"] == "psnr_hole"]
    assert {row["metric"] for row in whole["areas"]} == {"psnr_hole", "mine"}


def test_set_scores_of_a_data_set_that_is_new_are_told_and_no_others(tmp_path: Path) -> None:
    with_set_scores(tmp_path / "r", {("scenes", "rect"): (12.0, 30, 0), ("photos", "rect"): (5.0, 30, 0)})
    run = Run.open(tmp_path / "r")
    run.manifest.metrics["fid"] = Metric("fid", direction="lower")
    found = rows_so_far(run, [("a", 0, "scenes", "rect")])
    assert [(r["dataset"], r["mask"], r["mean"]) for r in found if r["metric"] == "fid"] == [
        ("scenes", "rect", 12.0),
        ("scenes", "all", 12.0),
    ]


def test_a_mask_type_scored_since_makes_its_data_sets_rows_new(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": PSNR}, ("b", 0): {"psnr_hole": PSNR}})
    whole = summarise(run)
    stale = [{**row, "mean": -1.0} for row in whole["scores"] if row["mask"] == "rect"]
    areas = [row for row in whole["areas"] if row["variant"] == "b"]
    kept = [row for row in whole["scores"] if row["variant"] == "b"]
    early = [row for row in stale if row["variant"] == "a"]
    (run.path / "summary.json").write_text(json.dumps({**whole, "scores": early + kept, "areas": areas}))
    cells = [*CELLS, *(("b", *cell[1:]) for cell in CELLS)]
    found = rows_so_far(Run.open(run.path), cells)
    ours = [row for row in whole["scores"] + whole["areas"] if row["variant"] == "a"]
    assert [row for row in found if row["variant"] == "a"] == ours
    assert [row for row in found if row["variant"] == "b"] == kept + areas


def test_psnr_is_capped_and_otherwise_ten_times_the_logarithm() -> None:
    assert psnr(0.0) == psnr(1e-12) == psnr(1e-10) == 100.0
    assert psnr(1e-7) == pytest.approx(70.0)
    assert psnr(0.01) == pytest.approx(20.0)


def test_the_interval_is_students_of_image_means_below_eight_images(tmp_path: Path) -> None:
    few = PSNR[:6]
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": few}}, areas=np.full((6, 2), 0.15))
    found = {r["mask"]: r for r in rows(run)}
    for mask, means in (("rect", few[:, 0]), ("circle", few[:, 1]), ("all", few.mean(1))):
        expected = stats.t.interval(0.95, 5, loc=means.mean(), scale=stats.sem(means))
        assert [found[mask]["low"], found[mask]["high"]] == pytest.approx(expected)
    pooled = {key: value for key, value in found["all"].items() if key != "mask"}
    assert summarise(run)["areas"] == [{**pooled, "area": "10–20 %"}]


def test_the_draws_asked_for_are_those_made_and_said(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": np.exp(PSNR / 5)}})
    found = {asked: summarise(run, *asked) for asked in ((200, 0), (200, 4), (400, 4))}
    for part in ("scores", "areas"):
        assert len({str(summary[part]) for summary in found.values()}) == 3
    assert found[200, 4]["interval"] == {"level": 0.95, "resamples": 200, "cluster": "image", "seed": 4}


def test_every_seed_has_its_own_rows(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", {("a", seed): {"psnr_hole": PSNR + seed} for seed in (0, 3)})
    found = {r["seed"]: r["mean"] for r in rows(run, mask="all")}
    assert found == {0: pytest.approx(PSNR.mean()), 3: pytest.approx(PSNR.mean() + 3)}


def test_failures_add_up_over_masks_and_are_told_apart_by_area(tmp_path: Path) -> None:
    broken, areas = np.zeros((30, 2), bool), np.tile([0.05, 0.15], (30, 1))
    broken[:5, 0] = broken[4:7, 1] = True
    areas[0] = 0.35
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": PSNR}}, failed={("a", 0): broken}, areas=areas)
    assert {r["mask"]: (r["failed"], r["n"]) for r in rows(run)} == {"rect": (5, 25), "circle": (3, 27), "all": (8, 52)}
    by_area = {r["area"]: (r["failed"], r["n"], r["images"]) for r in summarise(run)["areas"]}
    assert by_area == {"0–10 %": (4, 25, 25), "10–20 %": (3, 26, 26), "30–40 %": (1, 1, 1)}


def test_each_psnr_has_the_error_of_its_own_region_and_mask(tmp_path: Path) -> None:
    errors = {"mse": 10 ** (-PSNR / 10), "mse_hole": 10 ** (-PSNR / 20)}
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr": PSNR, "psnr_hole": PSNR / 2, "lpips": PSNR, **errors}})
    found = {(r["mask"], r["metric"]): r.get("psnr_of_mean_error") for r in rows(run)}
    for m, mask in enumerate(("rect", "circle")):
        assert found[mask, "psnr"] == pytest.approx(-10 * np.log10(errors["mse"][:, m].mean()))
        assert found[mask, "psnr_hole"] == pytest.approx(-10 * np.log10(errors["mse_hole"][:, m].mean()))
    assert found["all", "lpips"] is None


def test_the_psnr_of_a_mean_error_is_the_protocols_own(tmp_path: Path) -> None:
    scores = {"psnr": np.full((4, 2), 1000.0), "mse": np.zeros((4, 2))}
    run = fake_run(tmp_path / "r", {("pasted", 0): scores}, protocol="brushbench")
    assert rows(run, mask="all", metric="psnr")[0]["psnr_of_mean_error"] == 1000.0


def test_a_mean_lpips_above_one_keeps_both_ends_of_its_interval(tmp_path: Path) -> None:
    """LPIPS has no greatest value: fills of noise over whole pictures are 1.2 away from them."""
    values = 1.2 + 0.1 * np.random.default_rng(0).standard_normal((12, 2))
    run = fake_run(tmp_path / "r", {("noise", 0): {"lpips": values, "lpips_student": values}})
    for name in ("lpips", "lpips_student"):
        found = rows(run, mask="all", metric=name)[0]
        assert found["low"] < found["mean"] - 0.01 and found["high"] > found["mean"] + 0.01


SetValues = dict[tuple[str, str], tuple[float | None, int, int]]


def with_set_scores(path: Path, values: SetValues) -> list[dict[str, object]]:
    """The FID rows of a run whose ``values[data set, mask]`` are (FID, pictures, failures)."""
    names = tuple(dict.fromkeys(mask for _, mask in values if mask != "blob"))
    run = fake_run(path, {("a", 0): {"psnr_hole": PSNR[:, : len(names)]}}, masks=names)
    run.manifest.metrics["fid"] = Metric("fid", direction="lower")
    for (dataset, mask), (fid, n, failed) in values.items():
        file = set_file(path, "a", 0, dataset, mask)
        file.parent.mkdir(parents=True, exist_ok=True)
        entry = {"variant": "a", "seed": 0, "dataset": dataset, "mask": mask, "n": n, "failed": failed}
        file.write_text(json.dumps({**entry, "values": {"fid": fid, **({"kid": 1.0} if mask == "rect" else {})}}))
    run.manifest.metrics["kid"] = Metric("kid", direction="lower")
    return [r for r in summarise(run)["scores"] if r["metric"] != "psnr_hole"]


def test_a_set_score_of_all_masks_is_their_mean_and_counts_add_up(tmp_path: Path) -> None:
    values: SetValues = {("s", "blob"): (20.0, 28, 2), ("s", "rect"): (12.0, 27, 3), ("s", "circle"): (70.0, 30, 0)}
    found = with_set_scores(tmp_path / "r", values)
    fid = [(r["mask"], r["mean"], r["n"], r["images"], r["failed"]) for r in found if r["metric"] == "fid"]
    assert fid == [
        ("rect", 12.0, 27, 27, 3),
        ("circle", 70.0, 30, 30, 0),
        ("blob", 20.0, 28, 28, 2),  # not among the run's mask types, so last
        ("all", pytest.approx(34.0), 85, 30, 5),
    ]
    # A metric that one mask type lacks has no row of them all.
    assert [r["mask"] for r in found if r["metric"] == "kid"] == ["rect"]


def test_a_set_score_that_one_mask_lacks_is_none_for_all(tmp_path: Path) -> None:
    values: SetValues = {("s", "rect"): (12.0, 30, 0), ("s", "circle"): (None, 1, 29)}
    found = with_set_scores(tmp_path / "r", values)
    assert [r["mean"] for r in found if r["metric"] == "fid"] == [12.0, None, None]


def test_set_scores_of_two_data_sets_are_not_pooled(tmp_path: Path) -> None:
    values: SetValues = {("p", "rect"): (10.0, 30, 0), ("s", "rect"): (30.0, 30, 0)}
    found = [r for r in with_set_scores(tmp_path / "r", values) if r["metric"] == "fid"]
    assert {(r["dataset"], r["mask"]): r["mean"] for r in found} == {
        ("p", "rect"): 10.0,
        ("p", "all"): 10.0,
        ("s", "rect"): 30.0,
        ("s", "all"): 30.0,
    }


def test_a_set_scores_interval_is_of_its_own_metric_and_of_all_masks_where_each_has_one(tmp_path: Path) -> None:
    names = ("rect", "circle")
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": PSNR}}, masks=names)
    left_out = {"rect": {"fid": [10.0, 11.0, 12.0], "kid": [1.0, 1.0, 1.0]}, "circle": {"fid": [31.0, 33.0, 38.0]}}
    for number, name in enumerate(names):
        file = set_file(tmp_path / "r", "a", 0, "scenes", name)
        file.parent.mkdir(parents=True, exist_ok=True)
        entry = {"variant": "a", "seed": 0, "dataset": "scenes", "mask": name, "n": 30, "failed": 0}
        values = {"fid": 11.0 + 20 * number, "kid": 1.0}
        file.write_text(json.dumps({**entry, "values": values, "left_out": left_out[name]}))
    run.manifest.metrics.update({name: Metric(name, direction="lower") for name in ("fid", "kid")})
    found = {(r["metric"], r["mask"]): (r["low"], r["high"]) for r in rows(run) if r["metric"] != "psnr_hole"}

    def jackknifed(value: float, *without: float) -> object:
        half = stats.t.ppf(0.975, 2) * np.sqrt(2 / 3 * np.var(without) * 3)
        return pytest.approx((value - half, value + half))

    assert found["fid", "rect"] == jackknifed(11, 10, 11, 12)
    assert found["fid", "circle"] == jackknifed(31, 31, 33, 38)
    assert found["fid", "all"] == jackknifed(21, 20.5, 22, 25)
    assert found["kid", "rect"] == (1, 1)
    assert found["kid", "circle"] == found["kid", "all"] == (None, None)


def test_of_several_samples_a_row_tells_their_spread_over_its_own_pictures(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": PSNR}})
    noise = np.random.default_rng(1).normal(size=(3, 30, 2))
    for m, file in enumerate(sorted(run.record_files(), key=lambda file: "circle" in file.name)):
        table = pq.read_table(file, partitioning=None)
        samples = []
        for k, shift in enumerate(noise[..., m]):
            one = table.set_column(table.column_names.index("psnr_hole"), "psnr_hole", pa.array(PSNR[:, m] + shift))
            one = one.append_column("sample", pa.array([k] * 30))
            samples.append(one.append_column("sample_diversity", pa.array([float(m)] * 30)))
        pq.write_table(pa.concat_tables(samples), file)
    found = {r["mask"]: r for r in rows(run)}
    for mask, inside in (("rect", np.s_[:1]), ("circle", np.s_[1:]), ("all", np.s_[:])):
        values = (PSNR + noise)[..., inside]
        assert found[mask]["mean"] == pytest.approx(values.mean())
        assert found[mask]["spread"] == pytest.approx(values.std(0, ddof=1).mean())
        assert found[mask]["oracle"] == pytest.approx(values.max(0).mean())
        assert found[mask]["samples"] == 3
        assert (found[mask]["n"], found[mask]["images"]) == (30 * values.shape[2], 30)
    assert {mask: row["diversity"] for mask, row in found.items()} == {"rect": 0, "circle": 1, "all": 0.5}
