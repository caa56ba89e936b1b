"""Rows of a comparison: counts of failures, levels, what was asked for, and the notes beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bench.comparison.compare import Comparison, Options, compare, count_pictures
from bench.metrics.declaration import Metric
from bench.util.errors import UsageError
from tests.bench.fake_runs import fake_run

RNG = np.random.default_rng(0)
BASE = RNG.normal(20, 3, (24, 2))
CHANGE = RNG.normal(0.4, 0.5, (24, 2))


def scored(change: np.ndarray | float = 0.0, images: int = 24) -> dict[str, np.ndarray]:
    psnr = (BASE + change)[:images]
    return {"psnr_hole": psnr, "lpips": 0.5 - psnr / 100, "mine": np.exp(psnr / 5)}


def rows(comparison: Comparison, metric: str = "psnr_hole", candidate: str = "b") -> dict[str, dict[str, Any]]:
    return {r["mask"]: r for r in comparison.rows if r["metric"] == metric and r["candidate"] == candidate}


def made(path: Path, failed: dict[tuple[str, int], np.ndarray] | None = None, images: int = 24, **more: Any) -> Path:
    """A run that holds a and b."""
    entries = {("a", 0): scored(images=images), ("b", 0): scored(CHANGE, images)}
    fake_run(path / "r", entries, failed=failed, **more)
    return path


@pytest.mark.parametrize("level", [0.8, 0.99])
def test_the_level_asked_for_is_that_of_the_intervals_and_is_said(tmp_path: Path, level: float) -> None:
    comparison = compare(["a", "b"], made(tmp_path, images=6), Options(level=level))
    for mask, change in (("rect", CHANGE[:6, 0]), ("circle", CHANGE[:6, 1]), ("all", CHANGE[:6].mean(1))):
        expected = stats.t.interval(level, 5, loc=change.mean(), scale=stats.sem(change))
        found = rows(comparison)[mask]
        assert [found["low"], found["high"]] == pytest.approx(expected)
    assert comparison.as_json()["interval"] == {"level": level, "resamples": 10_000, "cluster": "image", "seed": 0}


def test_the_draws_asked_for_are_those_made_and_said(tmp_path: Path) -> None:
    made(tmp_path)
    asked = [Options(resamples=200), Options(resamples=200, seed=4), Options(resamples=400, seed=4)]
    found = [compare(["a", "b"], tmp_path, options) for options in asked]
    assert len({rows(comparison, "mine")["all"]["low"] for comparison in found}) == 3
    said = found[1].as_json()["interval"]
    assert (said["resamples"], said["seed"]) == (200, 4)


def test_tests_are_scipys_and_of_their_own_column(tmp_path: Path) -> None:
    entries = {("a", 0): scored(), ("b", 0): scored(CHANGE)}
    for entry in entries.values():
        entry["lpips"][:, 1] = np.nan
        entry["mine"][15:, 1] = np.nan
        entry["mine"] = np.log(entry["mine"])
    fake_run(tmp_path / "r", entries)
    comparison = compare(["a", "b"], tmp_path)
    some = -CHANGE / 5
    some[15:, 1] = np.nan
    changes = {
        "psnr_hole": {"rect": CHANGE[:, 0], "circle": CHANGE[:, 1], "all": CHANGE.mean(1)},
        "lpips": {"rect": CHANGE[:, 0] / 100, "all": CHANGE[:, 0] / 100},
        # An image is one observation: the mean of the mask types that have a value.
        "mine": {"rect": some[:, 0], "circle": some[:15, 1], "all": np.nanmean(some, axis=1)},
    }
    for metric, expected in changes.items():
        found = rows(comparison, metric)
        assert list(found) == list(expected)
        for mask, change in expected.items():
            assert found[mask]["images"] == len(change)
            assert found[mask]["p_wilcoxon"] == pytest.approx(stats.wilcoxon(change, method="exact").pvalue)
            assert found[mask]["effect_size"] == pytest.approx(change.mean() / change.std(ddof=1))


def test_wins_ties_and_losses_are_of_pictures_not_of_images(tmp_path: Path) -> None:
    change = np.zeros((24, 2))
    change[:5, 0], change[2:4, 1], change[10:13, 1] = 0.5, -0.5, 0.7
    fake_run(tmp_path / "r", {("a", 0): scored(), ("b", 0): scored(change)})
    for metric in ("psnr_hole", "lpips"):
        found = rows(compare(["a", "b"], tmp_path), metric)
        counts = {m: (r["wins"], r["ties"], r["losses"], r["n"], r["images"]) for m, r in found.items()}
        assert counts == {"rect": (5, 19, 0, 24, 24), "circle": (3, 19, 2, 24, 24), "all": (8, 38, 2, 48, 24)}


def test_the_tolerance_is_of_the_references_mean_or_the_users(tmp_path: Path) -> None:
    made(tmp_path)
    found = rows(compare(["a", "b"], tmp_path, Options(tolerances={"psnr_hole": 0.7})), "mine")
    assert found["rect"]["tolerance"] == pytest.approx(0.01 * np.exp(BASE[:, 0] / 5).mean())
    wanted = rows(compare(["a", "b"], tmp_path, Options(tolerances={"psnr_hole": 0.7})))
    assert {r["tolerance"] for r in wanted.values()} == {0.7}


def broken(*places: tuple[int, int]) -> np.ndarray:
    found = np.zeros((24, 2), bool)
    for place in places:
        found[place] = True
    return found


def failures(comparison: Comparison, candidate: str = "b") -> dict[str, tuple[int, int]]:
    return {m: (r["reference_failed"], r["candidate_failed"]) for m, r in rows(comparison, candidate=candidate).items()}


def test_failures_are_told_by_side_and_mask_type(tmp_path: Path) -> None:
    made(tmp_path, {("a", 0): broken((0, 0), (1, 0), (1, 1)), ("b", 0): broken((1, 0), (2, 0), (3, 0), (4, 0))})
    comparison = compare(["a", "b"], tmp_path)
    assert failures(comparison) == {"rect": (2, 4), "circle": (1, 0), "all": (3, 4)}
    assert {m: r["n"] for m, r in rows(comparison).items()} == {"rect": 19, "circle": 23, "all": 42}
    assert "a failed on 3 pictures of scenes; they are excluded from the means." in comparison.notes
    assert "b failed on 4 pictures of scenes; they are excluded from the means." in comparison.notes
    circles = compare(["a", "b"], tmp_path, Options(masks=("circle",)))
    assert failures(circles) == {"circle": (1, 0), "all": (1, 0)}
    assert "a failed on 1 pictures of scenes; they are excluded from the means." in circles.notes
    assert not any(note.startswith("b failed") for note in circles.notes)


@pytest.mark.parametrize("side", ["a", "b"])
def test_a_failure_of_either_side_makes_a_comparison_partial(tmp_path: Path, side: str) -> None:
    made(tmp_path, {(side, 0): broken((3, 1))})
    assert compare(["a", "b"], tmp_path).partial
    assert compare(["a", "b"], tmp_path, Options(masks=("circle",))).as_json()["partial"] is True
    assert not compare(["a", "b"], tmp_path, Options(masks=("rect",))).partial


def test_a_failure_of_one_pair_of_several_makes_a_comparison_partial(tmp_path: Path) -> None:
    entries = {(name, 0): scored(change) for name, change in (("a", 0.0), ("b", CHANGE), ("c", -CHANGE))}
    fake_run(tmp_path / "r", entries, failed={("c", 0): broken((3, 1))})
    assert compare(["a", "b", "c"], tmp_path).partial
    assert not compare(["a", "b"], tmp_path).partial


def test_failures_of_every_seed_count(tmp_path: Path) -> None:
    entries = {(name, seed): scored(CHANGE * seed) for name in "ab" for seed in (0, 1)}
    failed = {("b", 0): broken((0, 0), (1, 1)), ("b", 1): broken((0, 0))}
    fake_run(tmp_path / "r", entries, failed=failed)
    assert failures(compare(["a", "b"], tmp_path)) == {"rect": (0, 2), "circle": (0, 1), "all": (0, 3)}


def test_a_picture_on_one_side_only_makes_a_comparison_partial_unless_only_common_ones_are_asked_for(
    tmp_path: Path,
) -> None:
    fake_run(tmp_path / "r", {("a", 0): scored()})
    fake_run(tmp_path / "s", {("b", 0): scored(images=20)}, suite="ab" * 32)
    comparison = compare(["r:a", "s:b"], tmp_path)
    assert comparison.partial
    assert "8 fills of scenes are on one side only (a, b)." in comparison.notes
    assert not compare(["r:a", "s:b"], tmp_path, Options(common=True)).partial


def test_what_is_asked_for_is_kept_and_nothing_of_it_changes(tmp_path: Path) -> None:
    made(tmp_path)
    everything = compare(["a", "b"], tmp_path)
    some = compare(["a", "b"], tmp_path, Options(metrics=("lpips", "psnr_hole"), masks=("circle",)))
    assert [(r["metric"], r["mask"]) for r in some.rows] == [
        ("lpips", "circle"),
        ("psnr_hole", "circle"),
        ("lpips", "all"),
        ("psnr_hole", "all"),
    ]
    for metric in ("lpips", "psnr_hole"):
        found, expected = rows(some, metric), rows(everything, metric)["circle"]
        assert found["all"]["n"] == 24
        for key in ("reference_mean", "candidate_mean", "difference", "p", "wins"):
            assert found["circle"][key] == found["all"][key] == pytest.approx(expected[key])
    for masks in (("all",), ("rect", "circle"), ("rect", "all", "circle")):
        assert [*rows(compare(["a", "b"], tmp_path, Options(masks=masks)))] == ["rect", "circle", "all"]
    only = compare(["a", "b"], tmp_path, Options(metrics=("mine",)))
    assert {r["metric"] for r in only.rows} == {"mine"}
    assert [r["mask"] for r in only.rows] == ["rect", "circle", "all"]


def test_a_score_of_whole_sets_is_not_compared_by_picture(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fid is one value of a whole set"):
        compare(["a", "b"], made(tmp_path), Options(metrics=("fid",)))


@pytest.mark.parametrize(("by_area", "axis"), [(False, "mask type"), (True, "hole area")])
def test_what_the_rows_are_by_is_said(tmp_path: Path, by_area: bool, axis: str) -> None:
    assert compare(["a", "b"], made(tmp_path, images=4), Options(by_area=by_area)).axis == axis


def test_rows_by_hole_area_count_their_own_pictures_and_failures(tmp_path: Path) -> None:
    areas = np.tile([0.05, 0.15], (24, 1))
    areas[:4, 1] = 0.55
    made(tmp_path, {("a", 0): broken((0, 0), (1, 1), (9, 1)), ("b", 0): broken((2, 1), (3, 1))}, areas=areas)
    comparison = compare(["a", "b"], tmp_path, Options(by_area=True))
    assert comparison.axis == "hole area"
    assert failures(comparison) == {"0–10 %": (1, 0), "10–20 %": (1, 0), "50–60 %": (1, 2), "all": (3, 2)}
    assert [r["n"] for r in rows(comparison).values()] == [23, 19, 1, 43]
    circles = compare(["a", "b"], tmp_path, Options(by_area=True, masks=("circle",)))
    assert {m: r["n"] for m, r in rows(circles).items()} == {"10–20 %": 19, "50–60 %": 1, "all": 20}


def test_three_sides_are_compared_with_the_reference_and_pooled_with_each_other(tmp_path: Path) -> None:
    fake_run(tmp_path / "r", {("a", 0): scored(), ("b", 0): scored(CHANGE), ("c", 0): scored(-CHANGE)})
    for by_area in (False, True):
        comparison = compare(["a", "b", "c"], tmp_path, Options(by_area=by_area, metrics=("psnr_hole",)))
        masks = ["0–10 %", "all"] if by_area else ["rect", "circle", "all"]
        assert [(r["candidate"], r["mask"]) for r in comparison.rows] == [(c, m) for c in "bc" for m in masks]
        assert [(r["reference"], r["candidate"], r["mask"]) for r in comparison.matrix] == [
            ("a", "b", "all"),
            ("a", "c", "all"),
            ("b", "c", "all"),
        ]
        assert [r["difference"] for r in comparison.matrix] == pytest.approx(
            [CHANGE.mean(), -CHANGE.mean(), -2 * CHANGE.mean()]
        )
        assert len(comparison.pairs) == 2
        assert len(comparison.notes) == len(set(comparison.notes))
    assert compare(["a", "b"], tmp_path).matrix == []


@pytest.mark.parametrize("by_area", [False, True])
def test_holms_family_holds_the_rows_shown_and_the_other_pairs_pooled(tmp_path: Path, by_area: bool) -> None:
    sides = {("a", 0): scored(), ("b", 0): scored(CHANGE / 3), ("c", 0): scored(-CHANGE / 4)}
    fake_run(tmp_path / "r", sides, areas=np.tile([0.05, 0.15], (24, 1)))
    comparison = compare(["a", "b", "c"], tmp_path, Options(by_area=by_area, metrics=("psnr_hole",)))
    family = sorted([*comparison.rows, comparison.matrix[-1]], key=lambda r: r["p"])
    assert len(family) == 7
    least = 0.0
    for place, r in enumerate(family):
        least = max(least, min(1.0, (7 - place) * r["p"]))
        assert r["p_holm"] == pytest.approx(least)


def test_seeds_that_the_interval_holds_and_those_that_it_does_not_are_named(tmp_path: Path) -> None:
    members = [("a", 0), ("a", 1), ("b", 0), ("telea", 0)]
    fake_run(tmp_path / "r", {key: scored(CHANGE) for key in members}, kinds={"telea": "reference"})
    notes = " ".join(compare(["a", "b", "telea"], tmp_path).notes)
    assert "from training seeds: a 2." in notes
    assert "One training seed of b:" in notes


def test_the_same_records_are_said_to_be_the_same(tmp_path: Path) -> None:
    said = "are the same records, so nothing can differ."

    def told(*sides: str) -> bool:
        return any(said in note for note in compare([*sides], tmp_path).notes)

    fake_run(tmp_path / "r", {("a", 0): scored(), ("a", 1): scored(), ("b", 0): scored()})
    fake_run(tmp_path / "s", {("a", 0): scored()})
    assert told("r:a", "r:a")
    assert not told("r:a@0", "r:a@1")
    assert not told("r:a@0", "r:b")
    assert not told("r:a@0", "s:a")


def test_a_note_that_holds_for_several_pairs_is_told_once(tmp_path: Path) -> None:
    fake_run(tmp_path / "r", {(name, 0): scored(images=10) for name in "abc"})
    notes = compare(["a", "b", "c"], tmp_path).notes
    assert sum(note.startswith("Only 10 images") for note in notes) == 1


@pytest.mark.parametrize(("images", "told"), [(19, True), (20, False)])
def test_fewer_than_twenty_images_are_said_to_be_few(tmp_path: Path, images: int, told: bool) -> None:
    notes = compare(["a", "b"], made(tmp_path, images=images)).notes
    assert any(note.startswith(f"Only {images} images of scenes") for note in notes) == told


def needed(difference: float, alpha: float, power: float, error: float, images: int, lasting: float = 0.0) -> int:
    """Counted up, by SciPy's quantiles."""
    counts = np.arange(6, 9000)
    reach = stats.t.ppf(1 - alpha / 2, counts - 1) + stats.norm.ppf(power)
    enough = (reach * np.sqrt(error**2 * images / counts + lasting**2) < abs(difference)) & (
        2.0 ** (1 - counts) < alpha
    )
    return int(counts[enough.argmax()])


@pytest.mark.parametrize("level", [0.95, 0.99])
def test_an_undecided_row_says_how_many_pictures_would_decide_it(tmp_path: Path, level: float) -> None:
    rng = np.random.default_rng(5)
    change = rng.normal(0, 1, (40, 1))
    change += 0.25 - change.mean()
    base = rng.normal(20, 3, (40, 1))
    entries = {("a", 0): {"psnr_hole": base, "lpips": base / 100}}
    entries["b", 0] = {"psnr_hole": base + change, "lpips": base / 100 - change / 100}
    fake_run(tmp_path / "r", entries, masks=("rect",))
    # Two rows of equal p in each metric: Holm asks each for half of 0.05. The interval must leave out zero as well.
    alpha, error = min(0.025, 1 - level), stats.sem(change[:, 0])
    found = compare(["a", "b"], tmp_path, Options(level=level)).rows
    assert [row["verdict"] for row in found] == ["undecided"] * 4
    for row in found:
        unit = 1 if row["metric"] == "psnr_hole" else 100
        tolerance = row["tolerance"] * unit
        assert row["image_error"] * unit == row["error"] * unit == pytest.approx(error)
        assert row["pictures_to_decide"] == needed(0.25, alpha, 0.8, error, 40)
        assert row["pictures_for_tolerance"] == needed(tolerance, alpha, 0.8, error, 40)


def test_holms_step_is_the_rows_of_the_metric_no_more_certain() -> None:
    row = {"metric": "m", "difference": 0.3, "tolerance": 0.1, "image_error": 0.2, "error": 0.2, "images": 40}
    ps = (0.04, 0.2, 0.2, 0.6)
    found = [{**row, "p": p, "verdict": "undecided"} for p in ps]
    other = [{**row, "metric": "n", "p": 0.9, "verdict": "undecided"}]
    count_pictures([*found, *other], 0.95)
    wanted = [needed(0.3, 0.05 / steps, 0.8, 0.2, 40) for steps in (4, 3, 3, 1, 1)]
    assert [r["pictures_to_decide"] for r in [*found, *other]] == wanted


def test_training_noise_is_what_the_images_leave_of_the_error_and_does_not_shrink() -> None:
    row = {"metric": "m", "difference": 0.9, "tolerance": 0.1, "image_error": 0.3, "error": 0.5, "images": 40, "p": 0.2}
    found = {**row, "verdict": "undecided"}
    less = {**found, "error": 0.34}
    for entry in (found, less):
        count_pictures([entry], 0.95)
    assert found["pictures_to_decide"] is None  # 2.8 x √(0.5² - 0.3²) is more than 0.9
    assert less["pictures_to_decide"] == needed(0.9, 0.05, 0.8, 0.3, 40, np.sqrt(0.34**2 - 0.3**2))
    rounded = {**found, "error": 0.3 - 1e-12}
    count_pictures([rounded], 0.95)
    assert rounded["pictures_to_decide"] == needed(0.9, 0.05, 0.8, 0.3, 40)


def test_of_several_seeds_the_images_error_is_that_of_the_seeds_mean(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    ours, theirs = BASE[None, :12] + rng.normal(0, 0.5, (2, 2, 12, 2)) + np.array([0.0, 1.5])[:, None, None]
    entries = {(name, s): {"psnr_hole": side[s]} for name, side in (("a", ours), ("b", theirs)) for s in (0, 1)}
    fake_run(tmp_path / "r", entries)
    found = rows(compare(["a", "b"], tmp_path))
    change = theirs.mean(0) - ours.mean(0)
    for mask, values in (("rect", change[:, 0]), ("circle", change[:, 1]), ("all", change.mean(1))):
        assert found[mask]["image_error"] == pytest.approx(stats.sem(values))
        assert found[mask]["error"] > 1.5 * found[mask]["image_error"]


def test_a_row_that_is_decided_needs_no_pictures(tmp_path: Path) -> None:
    decided = [row for row in compare(["a", "b"], made(tmp_path)).rows if row["verdict"] != "undecided"]
    assert decided
    for name in ("pictures_to_decide", "pictures_for_tolerance"):
        assert {row[name] for row in decided} == {None}


def test_of_a_metric_with_a_target_a_row_has_both_distances_and_their_difference(tmp_path: Path) -> None:
    seam = np.tile([[-3.0, 3.0], [1.0, -2.0]], (6, 1))
    nearest = Metric("seam", direction="nearest", target=1.0)
    entries = {("a", 0): {"seam": seam, "psnr_hole": BASE[:12]}, ("b", 0): {"seam": seam / 2, "psnr_hole": BASE[:12]}}
    fake_run(tmp_path / "r", entries, metrics={"seam": nearest, "psnr_hole": Metric("psnr_hole", unit="dB")})
    found = rows(compare(["a", "b"], tmp_path), "seam")
    # Off 1: 4 and 2 with 0 and 3; halved 2.5 and 0.5 with 0.5 and 2.
    distances = {m: (r["reference_distance"], r["candidate_distance"]) for m, r in found.items()}
    assert distances == {"rect": (2, 1.5), "circle": (2.5, 1.25), "all": (2.25, 1.375)}
    assert {m: r["difference"] for m, r in found.items()} == {"rect": 0.5, "circle": 1.25, "all": 0.875}
    assert {m: r["reference_mean"] for m, r in found.items()} == {"rect": -1, "circle": 0.5, "all": -0.25}
    assert "reference_distance" not in rows(compare(["a", "b"], tmp_path))["all"]


def test_an_approximate_metric_says_so_in_its_rows_and_once_in_the_notes(tmp_path: Path) -> None:
    near = Metric("near", direction="lower", approximate=True, mean_error=0.02, summary="A stand-in.")
    entries = {(name, 0): {"near": BASE, "psnr_hole": BASE} for name in "abc"}
    fake_run(tmp_path / "r", entries, metrics={"near": near, "psnr_hole": Metric("psnr_hole", unit="dB")})
    comparison = compare(["a", "b", "c"], tmp_path)
    found = rows(comparison, "near")["all"]
    assert (found["approximate"], found["mean_error"]) == (True, 0.02)
    assert "approximate" not in rows(comparison)["all"]
    assert comparison.notes.count("near is approximate, off by 0.02 on average: A stand-in.") == 1


def test_a_ranking_gives_distances_only_of_metrics_with_a_target(tmp_path: Path) -> None:
    entries = {(name, 0): {"seam": BASE - shift, "psnr_hole": BASE} for name, shift in (("a", 0), ("b", 5), ("c", 9))}
    kinds = {"seam": Metric("seam", direction="nearest", target=20.0), "psnr_hole": Metric("psnr_hole", unit="dB")}
    fake_run(tmp_path / "r", entries, metrics=kinds)
    told = {entry["metric"]: entry["places"] for entry in compare(["a", "b", "c"], tmp_path).ranking}
    assert all(set(place) == {"side", "rank", "mean"} for place in told["psnr_hole"])
    for place in told["seam"]:
        shift = {"a": 0, "b": 5, "c": 9}[place["side"]]
        assert place["distance"] == pytest.approx(np.abs(BASE - shift - 20).mean())
        assert place["mean"] == pytest.approx(BASE.mean() - shift)
