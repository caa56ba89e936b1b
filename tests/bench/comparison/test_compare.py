"""Comparisons of invented runs: pairing, direction, refusals, verdicts, ranking, and what comes out."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.comparison.compare import Comparison, Options, compare
from bench.exporters.markdown import comparison_markdown
from bench.util.errors import IncomparableError, UsageError
from tests.bench.fake_runs import fake_run

IMAGES = 40


def draw(seed: int, better: float = 0.0, images: int = IMAGES, masks: int = 2) -> dict[str, np.ndarray]:
    """Scores whose PSNR is ``better`` dB higher and whose LPIPS is better / 100 lower than with 0."""
    base = np.random.default_rng(0).normal(20, 3, (images, masks))
    noise = np.random.default_rng(seed).normal(0, 0.5, (images, masks))
    psnr = base + better + noise
    return {
        "psnr_hole": psnr,
        "lpips": 0.4 - psnr / 100,
        "colour_shift_r": np.random.default_rng(seed + 50).normal(4 - better, 1, (images, masks)),
    }


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    fake_run(
        tmp_path / "first",
        {("baseline", 0): draw(1), ("double_dg", 0): draw(2, 1.0), ("telea", 0): draw(3, -1.0)},
        kinds={"telea": "reference"},
    )
    return tmp_path


def row(comparison: Comparison, metric: str, mask: str = "all", candidate: str | None = None) -> dict[str, Any]:
    found = [
        r
        for r in comparison.rows
        if r["metric"] == metric and r["mask"] == mask and candidate in (None, r["candidate"])
    ]
    assert len(found) == 1
    return found[0]


def test_means_and_difference_by_hand(runs: Path) -> None:
    found = row(compare(["baseline", "double_dg"], runs), "psnr_hole", "circle")
    ours, theirs = draw(1)["psnr_hole"][:, 1], draw(2, 1.0)["psnr_hole"][:, 1]
    assert found["reference_mean"] == pytest.approx(ours.mean())
    assert found["candidate_mean"] == pytest.approx(theirs.mean())
    assert found["difference"] == pytest.approx((theirs - ours).mean())
    assert (found["wins"], found["ties"], found["losses"]) == ((theirs > ours).sum(), 0, (theirs < ours).sum())
    assert found["effect_size"] == pytest.approx((theirs - ours).mean() / (theirs - ours).std(ddof=1))
    assert found["low"] < found["difference"] < found["high"]


def test_pooled_rows_take_an_image_for_one_observation(runs: Path) -> None:
    found = row(compare(["baseline", "double_dg"], runs), "psnr_hole")
    assert found["n"] == 2 * IMAGES
    assert found["images"] == IMAGES
    assert found["wins"] + found["ties"] + found["losses"] == 2 * IMAGES


@pytest.mark.parametrize("metric", ["psnr_hole", "lpips", "colour_shift_r"])
def test_a_gain_is_positive_whatever_the_metrics_direction(runs: Path, metric: str) -> None:
    better = row(compare(["baseline", "double_dg"], runs), metric)
    assert better["difference"] > 0
    assert better["verdict"] == "better"
    worse = row(compare(["double_dg", "baseline"], runs), metric)
    assert worse["difference"] == pytest.approx(-better["difference"])
    assert worse["verdict"] == "worse"


def test_a_signed_shift_is_judged_by_its_distance_from_the_target(tmp_path: Path) -> None:
    shift = np.random.default_rng(0).normal(0, 0.1, (IMAGES, 2))
    fake_run(
        tmp_path / "r", {("a", 0): {"colour_shift_r": shift - 3.0}, ("b", 0): {"colour_shift_r": shift[::-1] + 1.0}}
    )
    found = row(compare(["a", "b"], tmp_path), "colour_shift_r")
    assert found["difference"] == pytest.approx(2.0, abs=0.1)


def test_the_distances_that_decide_stand_beside_the_means(tmp_path: Path) -> None:
    """a is off to both sides and right on average; b is off by one throughout."""
    sides = np.tile([[4.0, -4.0], [-2.0, 2.0]], (IMAGES // 2, 1))
    fake_run(tmp_path / "r", {("a", 0): {"colour_shift_r": sides}, ("b", 0): {"colour_shift_r": sides * 0 - 1.0}})
    comparison = compare(["a", "b"], tmp_path)
    found = row(comparison, "colour_shift_r")
    assert (found["reference_mean"], found["reference_distance"]) == (0.0, 3.0)
    assert (found["candidate_mean"], found["candidate_distance"]) == (-1.0, 1.0)
    assert found["difference"] == 2.0
    assert "0.00, off by 3.00 | -1.00, off by 1.00 | +2.00" in comparison_markdown(comparison, every=True)


def test_pictures_are_paired_by_id_not_by_order(tmp_path: Path) -> None:
    scores = draw(1)
    names = [f"p{i}" for i in range(IMAGES)]
    fake_run(tmp_path / "a", {("baseline", 0): scores}, ids=names)
    turned = {metric: values[::-1] for metric, values in scores.items()}
    fake_run(tmp_path / "b", {("baseline", 0): turned}, ids=names[::-1])
    found = row(compare(["a:baseline", "b:baseline"], tmp_path), "psnr_hole")
    assert found["difference"] == 0
    assert found["low"] == found["high"] == 0
    assert found["ties"] == 2 * IMAGES
    assert found["verdict"] == "same"
    assert found["p"] == 1


def test_without_a_run_the_newest_that_holds_every_side_is_taken(runs: Path) -> None:
    fake_run(runs / "second", {("baseline", 0): draw(7)})
    os.utime(runs / "first" / "run.json", (1, 1))
    comparison = compare(["baseline", "double_dg"], runs)
    assert [side.run.name for side in comparison.sides] == ["first", "first"]
    across = compare(["first:baseline", "baseline"], runs)
    assert [side.run.name for side in across.sides] == ["first", "second"]


def test_a_run_may_be_named_by_its_path(runs: Path, tmp_path: Path) -> None:
    comparison = compare([f"{runs / 'first'}:baseline", f"{runs / 'first'}:double_dg"], tmp_path / "nowhere")
    assert row(comparison, "psnr_hole")["verdict"] == "better"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"suite": "cd" * 32}, "suite fingerprint"),
        ({"protocol": "lama"}, "protocol (native in first, lama in second)"),
        ({"precision": "fp16"}, "precision (fp32 in first, fp16 in second)"),
        ({"versions": {"lpips": 2}}, "metric version of lpips (1 in first, 2 in second)"),
    ],
)
def test_sides_measured_differently_are_refused_saying_what_differs(
    runs: Path, change: dict[str, Any], said: str
) -> None:
    fake_run(runs / "second", {("baseline", 0): draw(1)}, **change)
    with pytest.raises(IncomparableError) as refusal:
        compare(["first:baseline", "second:baseline"], runs)
    assert said in str(refusal.value)


def test_common_compares_the_shared_pictures_of_two_suites(runs: Path) -> None:
    some = {metric: values[:25] for metric, values in draw(2, 1.0).items()}
    fake_run(runs / "second", {("double_dg", 0): some}, suite="cd" * 32, ids=[f"{i:05d}" for i in range(25)])
    comparison = compare(["first:baseline", "second:double_dg"], runs, Options(common=True))
    assert row(comparison, "psnr_hole")["images"] == 25
    assert not comparison.partial


def test_common_leaves_out_pairs_whose_holes_differ(runs: Path) -> None:
    areas = np.full((IMAGES, 2), 0.1)
    areas[:4, 0] = 0.2
    fake_run(runs / "second", {("double_dg", 0): draw(2)}, suite="cd" * 32, areas=areas)
    comparison = compare(["first:baseline", "second:double_dg"], runs, Options(common=True))
    assert row(comparison, "psnr_hole", "rect")["n"] == IMAGES - 4
    assert row(comparison, "psnr_hole", "circle")["n"] == IMAGES
    assert any("different pixels" in note for note in comparison.notes)


@pytest.mark.parametrize("change", [{"suite_seed": 1}, {"size": 128}, {"protocol": "lama"}, {"precision": "fp16"}])
def test_common_cannot_mend_holes_drawn_otherwise(runs: Path, change: dict[str, Any]) -> None:
    fake_run(runs / "second", {("baseline", 0): draw(1)}, **({"suite": "cd" * 32} | change))
    with pytest.raises(IncomparableError, match="--common does not help"):
        compare(["first:baseline", "second:baseline"], runs, Options(common=True))


def test_common_leaves_out_metrics_of_other_versions(runs: Path) -> None:
    fake_run(runs / "second", {("baseline", 0): draw(1)}, versions={"lpips": 2})
    comparison = compare(["first:baseline", "second:baseline"], runs, Options(common=True))
    assert {r["metric"] for r in comparison.rows} == {"psnr_hole", "colour_shift_r"}
    assert any("lpips" in note for note in comparison.notes)


def test_failed_pictures_are_counted_and_not_averaged(tmp_path: Path) -> None:
    broken = np.zeros((IMAGES, 2), bool)
    broken[:3, 0] = True
    fake_run(tmp_path / "r", {("a", 0): draw(1), ("b", 0): draw(2)}, failed={("b", 0): broken})
    comparison = compare(["a", "b"], tmp_path)
    found = row(comparison, "psnr_hole", "rect")
    assert found["n"] == IMAGES - 3
    assert found["candidate_failed"] == 3
    assert found["reference_mean"] == pytest.approx(draw(1)["psnr_hole"][3:, 0].mean())
    assert comparison.partial
    assert any("failed on 3" in note for note in comparison.notes)


def test_a_metric_without_values_has_no_row(tmp_path: Path) -> None:
    empty = draw(1) | {"lpips": np.full((IMAGES, 2), np.nan)}
    fake_run(tmp_path / "r", {("a", 0): empty, ("b", 0): draw(2)}, missing={"lpips": "no alexnet backbone"})
    comparison = compare(["a", "b"], tmp_path)
    assert "lpips" not in {r["metric"] for r in comparison.rows}
    assert "Empty in r: lpips (no alexnet backbone)." in comparison.notes


def test_one_training_seed_is_said_not_to_be_in_the_interval(runs: Path) -> None:
    assert any(
        "training noise" in note and "baseline" in note for note in compare(["baseline", "double_dg"], runs).notes
    )
    alone = compare(["telea", "telea"], runs).notes
    assert not any("training noise" in note for note in alone)


def test_several_seeds_widen_the_interval_by_training_noise(tmp_path: Path) -> None:
    shifts = (-0.4, 0.1, 0.3)
    scores = {("a", k): draw(k + 1, shift) for k, shift in enumerate(shifts)}
    scores |= {("b", k): draw(k + 11, shift) for k, shift in enumerate(shifts)}
    fake_run(tmp_path / "r", scores)
    pooled = compare(["a", "b"], tmp_path)
    single = compare(["a@1", "b@1"], tmp_path)
    width = {
        name: r["high"] - r["low"] for name, r in (("p", row(pooled, "psnr_hole")), ("s", row(single, "psnr_hole")))
    }
    # The seeds' own spread, 0.36 dB a side over 3 seeds: 2 x t(4 df) x 0.36 x sqrt(2/3) = 1.6 dB.
    assert width["p"] == pytest.approx(1.6, rel=0.25)
    assert width["s"] < 0.5
    assert any("3" in note and "training seeds" in note for note in pooled.notes)
    assert row(pooled, "psnr_hole")["reference_mean"] == pytest.approx(
        np.mean([scores["a", k]["psnr_hole"] for k in range(3)])
    )


@pytest.mark.parametrize(("one", "other", "said"), [(2, 5, True), (2, 4, False), (3, 6, False), (1, 5, False)])
def test_two_seeds_against_many_are_said_to_make_intervals_too_short(
    tmp_path: Path, one: int, other: int, said: bool
) -> None:
    entries = {("a", seed): draw(seed, images=6) for seed in range(one)}
    entries |= {("b", seed): draw(9 + seed, images=6) for seed in range(other)}
    fake_run(tmp_path / "r", entries)
    notes = compare(["a", "b"], tmp_path, Options(resamples=100)).notes
    assert any(f"Only 2 training seeds of a against {other}" in note for note in notes) is said


def test_a_tolerance_of_ones_own_moves_the_verdict(runs: Path) -> None:
    wide = compare(["baseline", "double_dg"], runs, Options(tolerances={"psnr_hole": 5.0}))
    assert row(wide, "psnr_hole")["verdict"] == "same"
    assert row(wide, "psnr_hole")["tolerance"] == 5.0


def test_three_sides_give_a_matrix_and_a_ranking_with_ties(tmp_path: Path) -> None:
    fake_run(tmp_path / "r", {("a", 0): draw(1), ("b", 0): draw(2, 1.0), ("c", 0): draw(3, 1.0)})
    comparison = compare(["a", "b", "c"], tmp_path)
    entry = next(e for e in comparison.ranking if e["metric"] == "psnr_hole")
    places = {place["side"]: place["rank"] for place in entry["places"]}
    assert places == {"b": 1, "c": 1, "a": 3}
    pairs = {(m["reference"], m["candidate"]) for m in comparison.matrix if m["metric"] == "psnr_hole"}
    assert pairs == {("a", "b"), ("a", "c"), ("b", "c")}
    assert {r["candidate"] for r in comparison.rows} == {"b", "c"}


def test_a_ranking_by_a_lower_is_better_metric_puts_the_lowest_first(runs: Path) -> None:
    comparison = compare(["baseline", "double_dg", "telea"], runs)
    entry = next(e for e in comparison.ranking if e["metric"] == "lpips")
    assert [place["side"] for place in entry["places"]] == ["double_dg", "baseline", "telea"]
    means = [place["mean"] for place in entry["places"]]
    assert means == sorted(means)


def test_holm_is_over_the_rows_of_a_metric(runs: Path) -> None:
    rows = [r for r in compare(["baseline", "double_dg"], runs).rows if r["metric"] == "colour_shift_r"]
    smallest, middle, largest = sorted(rows, key=lambda r: r["p"])
    assert smallest["p_holm"] == pytest.approx(min(1, 3 * smallest["p"]))
    assert middle["p_holm"] == pytest.approx(max(smallest["p_holm"], min(1, 2 * middle["p"])))
    assert largest["p_holm"] == pytest.approx(max(middle["p_holm"], largest["p"]))


def test_json_has_what_is_promised_and_every_parser_reads_it(runs: Path) -> None:
    content = json.loads(json.dumps(compare(["baseline", "double_dg"], runs).as_json(), allow_nan=False))
    assert content["schema"] == 1
    assert content["suite"] == "ab" * 32
    assert content["reference"] == "baseline"
    promised = {
        "candidate", "dataset", "mask", "metric", "reference_mean", "candidate_mean", "difference", "low", "high", "p",
        "wins", "ties", "losses", "verdict",
    }  # fmt: skip
    assert promised <= set(content["rows"][0])
    assert {r["mask"] for r in content["rows"]} == {"rect", "circle", "all"}


@pytest.mark.parametrize(
    ("sides", "error", "said"),
    [
        (["baseline"], UsageError, "at least one candidate"),
        (["baseline", "double_dgg"], UsageError, "did you mean double_dg"),
        (["baseline", "double_dg@4"], UsageError, "no seed 4"),
        (["baseline", "nowhere:double_dg"], UsageError, "no run at"),
        (["baseline", "basic_gan"], IncomparableError, "basic_gan"),
        (["baseline", "a b"], UsageError, "is not a valid side"),
    ],
)
def test_wrong_sides_are_refused_in_a_sentence(runs: Path, sides: list[str], error: type, said: str) -> None:
    with pytest.raises(error) as refusal:
        compare(sides, runs)
    assert said in str(refusal.value)


def test_no_runs_at_all_is_nothing_to_compare_with(tmp_path: Path) -> None:
    with pytest.raises(IncomparableError, match="no run under"):
        compare(["baseline", "double_dg"], tmp_path)


def test_one_picture_gives_a_difference_and_no_interval(tmp_path: Path) -> None:
    fake_run(tmp_path / "r", {("a", 0): draw(1, images=1), ("b", 0): draw(2, images=1)})
    found = row(compare(["a", "b"], tmp_path), "psnr_hole")
    assert np.isnan(found["low"])
    assert found["verdict"] == "undecided"


def test_the_same_comparison_twice_gives_the_same_numbers(runs: Path) -> None:
    assert compare(["baseline", "double_dg"], runs).rows == compare(["baseline", "double_dg"], runs).rows


def test_rows_by_hole_area_stand_in_place_of_mask_types(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    areas = np.tile([0.05, 0.25], (40, 1))
    areas[:10, 0] = 0.25
    base = rng.normal(20, 3, (40, 2))
    gain = np.where(areas > 0.2, 2.0, -1.0) + rng.normal(0, 0.1, base.shape)
    fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": base}, ("b", 0): {"psnr_hole": base + gain}}, areas=areas)
    rows = {r["mask"]: r for r in compare(["a", "b"], tmp_path, Options(by_area=True)).rows}
    assert list(rows) == ["0–10 %", "20–30 %", "all"]
    assert [r["n"] for r in rows.values()] == [30, 50, 80]
    assert rows["20–30 %"]["difference"] == pytest.approx(gain[areas > 0.2].mean())
    assert [r["verdict"] for r in rows.values()] == ["worse", "better", "better"]
