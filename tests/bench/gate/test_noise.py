"""The noise floor on invented runs with known noise, against numpy, scipy and a simulation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

from bench.exporters.noise_terminal import print_noise
from bench.gate.noise import Noise, NoiseFloor, measure_noise, reach, rounded_up, speed_floor
from bench.runs.reader import Run
from bench.statistics.intervals import resample
from bench.util.errors import IncomparableError
from tests.bench.fake_runs import fake_run

BASE = np.random.default_rng(0).normal(20, 3, (40, 2))
SHIFTS = {"a": (0.0, 0.3, -0.1), "b": (0.1, 0.0, 0.2)}
"""What training seeds add to every picture: standard deviations of 0.2082 and 0.1, pooled 0.1633."""
SD = {"a": np.sqrt(0.13 / 3), "b": 0.1}
POOLED = np.sqrt((0.13 / 3 + 0.01) / 2)


def run(path: Path, seeds: tuple[int, ...] = (0, 1, 2), **keywords: Any) -> Run:
    entries = {(v, k): {"psnr_hole": BASE + SHIFTS[v][k]} for v in SHIFTS for k in seeds}
    entries["telea", 0] = {"psnr_hole": BASE - 1}
    return fake_run(path, entries, kinds={"telea": "reference"}, **keywords)


def row(
    floor: NoiseFloor, variant: str, mask: str = "all", metric: str = "psnr_hole", dataset: str = "scenes"
) -> Noise:
    (found,) = (r for r in floor.rows if (r.variant, r.mask, r.metric, r.dataset) == (variant, mask, metric, dataset))
    return found


# ---- the spread of instances


def test_the_floor_is_students_bound_of_the_larger_of_own_and_pooled_spread(tmp_path: Path) -> None:
    found = measure_noise([run(tmp_path / "r")])
    bound = stats.t.ppf(0.99, 4) * np.sqrt(2)  # two instances differ; three of each of two variants leave 4 df
    for variant, larger in (("a", SD["a"]), ("b", POOLED)):
        noise = row(found, variant)
        assert noise.run_sd == pytest.approx(SD[variant])
        assert noise.floor == pytest.approx(bound * larger)
        assert (noise.instances, noise.images, noise.unit, noise.title) == (3, 40, "dB", "psnr_hole [dB ↑]")
        assert noise.mean == pytest.approx(BASE.mean() + np.mean(SHIFTS[variant]))
        assert noise.image_error == pytest.approx(0, abs=1e-9)
    assert (row(found, "a").tolerance, row(found, "b").tolerance) == (1.2, 0.87)  # 1.103 and 0.8655, rounded up
    assert (found.runs, found.notes, found.speeds, found.known) == (["r"], [], {}, True)
    assert [(r.variant, r.mask) for r in found.rows[:3]] == [("a", "rect"), ("a", "circle"), ("a", "all")]


def test_two_runs_of_the_same_seed_are_instances_too(tmp_path: Path) -> None:
    found = measure_noise([run(tmp_path / "x", (0,)), run(tmp_path / "y", (1,))])
    assert {noise.instances for noise in found.rows} == {2}
    assert found.runs == ["x", "y"]
    assert row(found, "a").run_sd == pytest.approx(0.3 / np.sqrt(2))


def test_what_is_not_trained_has_a_floor_of_its_own_and_lends_it_to_nobody(tmp_path: Path) -> None:
    # Telea moves by 2 dB between the runs, the networks by 0.3 and 0.1.
    def made(name: str, seed: int) -> Run:
        entries = {(v, 0): {"psnr_hole": BASE + SHIFTS[v][seed]} for v in SHIFTS}
        entries |= {("telea", 0): {"psnr_hole": BASE + 2 * seed}, ("copy", 0): {"psnr_hole": BASE}}
        return fake_run(tmp_path / name, entries, kinds={"telea": "reference", "copy": "reference"})

    found = measure_noise([made("x", 0), made("y", 1)])
    pooled = np.sqrt((0.3**2 / 2 + 0.1**2 / 2) / 2)
    assert row(found, "telea").floor == pytest.approx(stats.t.ppf(0.99, 1) * np.sqrt(2) * np.sqrt(2))
    assert row(found, "a").floor == pytest.approx(stats.t.ppf(0.99, 2) * np.sqrt(2) * max(pooled, 0.3 / np.sqrt(2)))
    assert (row(found, "copy").floor, row(found, "copy").tolerance) == (0, 0.1)


def test_every_data_set_has_its_own_floor(tmp_path: Path) -> None:
    for dataset, scale in (("photos", 10.0), ("scenes", 1.0)):
        made = fake_run(
            tmp_path / "r", {("a", k): {"psnr_hole": BASE + scale * SHIFTS["a"][k]} for k in range(3)}, dataset=dataset
        )
    found = measure_noise([made])
    bound = stats.t.ppf(0.99, 2) * np.sqrt(2) * SD["a"]
    assert row(found, "a").floor == pytest.approx(bound)
    assert row(found, "a", dataset="photos").floor == pytest.approx(10 * bound)


def test_metrics_are_measured_in_the_direction_that_is_judged(tmp_path: Path) -> None:
    # Shifts of 2 to either side are equally far from 0; the shares of lpips move by 0.1.
    entries = {
        ("a", k): {"colour_shift_r": np.full((5, 2), shift), "lpips": np.full((5, 2), 0.4 + 0.1 * k)}
        for k, shift in enumerate((2.0, -2.0))
    }
    found = measure_noise([fake_run(tmp_path / "r", entries)])
    shift, lpips = (row(found, "a", metric=name) for name in ("colour_shift_r", "lpips"))
    assert (shift.run_sd, shift.floor, shift.mean) == (0, 0, 0)
    assert (lpips.run_sd, lpips.mean) == (pytest.approx(0.1 / np.sqrt(2)), pytest.approx(0.45))
    assert lpips.floor == pytest.approx(stats.t.ppf(0.99, 1) * np.sqrt(2) * 0.1 / np.sqrt(2))


def test_the_image_error_is_that_of_the_differences_of_all_pairs(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    psnr = 20 + rng.normal(0, [[[0.1]], [[0.5]], [[2.0]]], (3, 30, 2)) + np.array([[[0.0]], [[0.5]], [[1.0]]])
    found = measure_noise([fake_run(tmp_path / "r", {("a", k): {"psnr_hole": psnr[k]} for k in range(3)})])
    for mask, values in (("rect", psnr[..., 0]), ("circle", psnr[..., 1]), ("all", psnr.mean(-1))):
        variances = [np.var(values[i] - values[j], ddof=1) / 30 for i, j in ((0, 1), (0, 2), (1, 2))]
        assert row(found, "a", mask).image_error == pytest.approx(np.sqrt(np.mean(variances)))


def test_the_tolerance_is_the_largest_of_default_floor_and_reach(tmp_path: Path) -> None:
    def tolerance(name: str, noise: float, shift: float) -> tuple[Noise, float]:
        change = np.random.default_rng(2).normal(0, noise, BASE.shape)
        change += shift - change.mean(0)
        entries = {("a", 0): {"psnr_hole": BASE}, ("a", 1): {"psnr_hole": BASE + change}}
        found = row(measure_noise([fake_run(tmp_path / name, entries)]), "a")
        return found, found.image_error * caught_reach(40)

    default, far = tolerance("steady", 1e-4, 0.0)
    assert far < 0.1
    assert (default.floor < 0.1, default.tolerance) == (True, 0.1)
    trained, far = tolerance("retrained", 1e-3, 0.3)
    assert far < 0.1
    assert trained.tolerance == 9.6  # 31.82, which is t(0.99) of 1 df, times 0.3 is 9.55
    noisy, far = tolerance("noisy", 3.0, 0.0)
    assert far > 1
    assert far <= noisy.tolerance <= far + 0.1


def test_a_picture_without_a_score_anywhere_is_left_out_everywhere(tmp_path: Path) -> None:
    holed = BASE + 0.3
    holed[:3, 0] = np.nan
    entries = {("a", 0): {"psnr_hole": BASE}, ("a", 1): {"psnr_hole": holed}}
    found = measure_noise([fake_run(tmp_path / "r", entries)])
    for mask, mean in (("rect", BASE[3:, 0].mean()), ("all", np.concatenate([BASE[3:, 0], BASE[:, 1]]).mean())):
        assert row(found, "a", mask).mean == pytest.approx(mean + 0.15)
        assert row(found, "a", mask).run_sd == pytest.approx(0.3 / np.sqrt(2))


def test_runs_are_measured_on_the_pictures_and_mask_types_they_share(tmp_path: Path) -> None:
    ids = [f"{i:05d}" for i in range(40)]
    whole = fake_run(tmp_path / "x", {("a", 0): {"psnr_hole": BASE, "lpips": BASE / 50}})
    part = fake_run(
        tmp_path / "y", {("a", 0): {"psnr_hole": BASE[10:, 1:] + 0.4}}, ids=ids[10:], masks=("circle",), suite="ab" * 32
    )
    for runs in ([whole, part], [part, whole]):
        found = measure_noise(runs)
        assert [(r.mask, r.metric, r.images) for r in found.rows] == [
            ("circle", "psnr_hole", 30),
            ("all", "psnr_hole", 30),
        ]
        assert row(found, "a").mean == pytest.approx(BASE[10:, 1].mean() + 0.2)
        assert row(found, "a").run_sd == pytest.approx(0.4 / np.sqrt(2))


@pytest.mark.parametrize("other", [{"ids": ["z1", "z2", "z3"]}, {"masks": ("thick", "thin")}])
def test_runs_that_share_no_picture_have_no_floor(tmp_path: Path, other: dict[str, Any]) -> None:
    few = {("a", 0): {"psnr_hole": BASE[:3]}}
    with pytest.raises(IncomparableError, match="share no scored picture of a on scenes"):
        measure_noise([fake_run(tmp_path / "x", few), fake_run(tmp_path / "y", few, **other)])


# ---- what is told


def test_a_single_instance_says_that_the_noise_is_unknown(tmp_path: Path) -> None:
    found = measure_noise([run(tmp_path / "x", (0,))])
    assert ["unknown" in note for note in found.notes] == [True]
    assert {noise.floor for noise in found.rows} == {0.0}
    assert not found.known


def test_fewer_than_four_instances_of_what_is_trained_are_called_few(tmp_path: Path) -> None:
    # Two variants twice leave two degrees of freedom, one more instance of one three; telea counts for nothing.
    def notes(name: str, a: int, b: int) -> list[str]:
        entries = {("a", k): {"psnr_hole": BASE + k} for k in range(a)} | {
            ("b", k): {"psnr_hole": BASE + k} for k in range(b)
        }
        entries |= {("telea", k): {"psnr_hole": BASE} for k in range(4)}
        return measure_noise([fake_run(tmp_path / name, entries, kinds={"telea": "reference"})]).notes

    assert [note[:20] for note in notes("few", 2, 2)] == ["Fewer than four A/A "]
    assert notes("enough", 3, 2) == []
    assert measure_noise([run(tmp_path / "r")]).notes == []


@pytest.mark.parametrize(
    ("shift", "count", "said"),
    [
        (0.0, 2, []),
        (0.3, 2, ["Fewer than four A/A instances of telea: its floor is wide because it is uncertain."]),
        (0.3, 4, []),
    ],
)
def test_of_what_is_not_trained_few_instances_are_told_only_where_they_differ(
    tmp_path: Path, shift: float, count: int, said: list[str]
) -> None:
    entries = {("telea", k): {"psnr_hole": BASE + shift * k} for k in range(count)}
    assert measure_noise([fake_run(tmp_path / "r", entries, kinds={"telea": "reference"})]).notes == said


def test_any_number_of_pictures_serves_where_instances_are_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Telea twice the same, a by 30 dB apart, and b once: noise of 0, more than any count averages away, and unknown.
    entries = {("telea", k): {"psnr_hole": BASE} for k in range(2)} | {("b", 0): {"psnr_hole": BASE}}
    entries |= {("a", k): {"psnr_hole": BASE + 30 * k} for k in range(2)}
    found = measure_noise([fake_run(tmp_path / "r", entries, kinds={"telea": "reference"})])
    assert [row(found, name).pictures for name in ("telea", "a", "b")] == [1, None, None]
    print_noise(found)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    ends = {words[0]: words[-1] for words in lines if words and words[0] in ("telea", "a", "b")}
    assert ends == {"telea": "any", "a": "–", "b": "–"}


def test_of_one_picture_the_image_error_is_unknown_not_none(tmp_path: Path) -> None:
    entries = {("telea", k): {"psnr_hole": BASE[:1]} for k in range(2)}
    noise = row(measure_noise([fake_run(tmp_path / "r", entries, kinds={"telea": "reference"})]), "telea")
    assert np.isnan(noise.image_error)
    assert (noise.pictures, noise.tolerance, noise.as_json()["image_error"]) == (None, 0.1, None)


def test_known_is_whether_anything_was_scored_twice(tmp_path: Path) -> None:
    entries = {("a", 0): {"psnr_hole": BASE}, ("b", 0): {"psnr_hole": BASE}, ("b", 1): {"psnr_hole": BASE}}
    assert measure_noise([fake_run(tmp_path / "r", entries)]).known
    once = {("a", 0): {"psnr_hole": BASE}, ("b", 0): {"psnr_hole": BASE}}
    assert not measure_noise([fake_run(tmp_path / "once", once)]).known


def test_runs_measured_differently_have_no_common_floor_unless_redrawn(tmp_path: Path) -> None:
    first, other = run(tmp_path / "x", (0,)), run(tmp_path / "y", (1,), suite="cd" * 32)
    with pytest.raises(IncomparableError, match="suite fingerprint"):
        measure_noise([first, other])
    assert row(measure_noise([first, other], redrawn=True), "a").instances == 2


def test_json_holds_every_row_and_the_speeds(tmp_path: Path) -> None:
    first, second = timed(tmp_path / "x", {"a": 20.0}), timed(tmp_path / "y", {"a": 21.0})
    found = measure_noise([first, second]).as_json()
    assert set(found) == {"schema", "runs", "rows", "speed_drop_percent", "notes"}
    assert (found["schema"], found["runs"], len(found["rows"])) == (1, ["x", "y"], 2)
    assert found["speed_drop_percent"] == pytest.approx(speed_floor([first, second]))
    assert found["rows"][1]["tolerance"] == 0.1


# ---- how far a tolerance reaches


def caught_reach(images: int) -> float:
    """The reach solved for: one tolerance less the interval's t errors is 1.7507 errors (96 in 100) of the noise,
    with the two estimated errors' own noise beside it."""
    t = stats.t.ppf(0.975, images - 1)
    return float(optimize.brentq(lambda c: c - t - 1.7507 * np.sqrt(1 + (c**2 + t**2) / (images - 1)), 0.1, 1e5))


@pytest.mark.parametrize("images", [7, 20, 48, 124, 3000])
def test_the_reach_solves_its_equation(images: int) -> None:
    assert reach(images) == pytest.approx(caught_reach(images), rel=2e-4)


@pytest.mark.parametrize("images", [20, 48])
def test_a_drop_of_twice_the_tolerance_is_caught_95_times_in_100(images: int) -> None:
    # Differences of two runs whose fills of an image move in part together, in part alone with heavy tails; the
    # tolerance is what one pair without a change suggests. 2,000 checks at once, as columns.
    rng = np.random.default_rng(images)

    def differences() -> np.ndarray:
        shared = rng.normal(0, 0.4 * np.sqrt(2), (images, 2000))
        alone = 0.5 * (rng.standard_t(4, (3, images, 2000)) - rng.standard_t(4, (3, images, 2000))).mean(0)
        return shared + alone

    tolerance = reach(images) * stats.sem(differences())
    worse = differences() + 2 * tolerance
    low, _ = resample(worse, np.ones_like(worse), 400).interval()
    assert 0.95 <= np.mean(low > tolerance) <= 0.985


def test_tolerances_round_up_to_two_digits() -> None:
    values = (0.1, 0.1234, 12.01, 12.0, 0.0050001, 990.5, 0.11, 0.0)
    assert [rounded_up(v) for v in values] == [0.1, 0.13, 13.0, 12.0, 0.0051, 1000.0, 0.11, 0.0]
    # 0.07 and 0.29 are no exact multiples of their last digit; they are two digits all the same.
    assert [rounded_up(v) for v in (0.07, 0.29, 0.57, 1.1, 2.3, 0.0047)] == [0.07, 0.29, 0.57, 1.1, 2.3, 0.0047]


# ---- speeds


def timed(path: Path, speeds: dict[str, float], batches: tuple[int, ...] = (8,), calibration: float = 200.0) -> Run:
    rows = [
        {"variant": name, "device": "cpu", "precision": "fp32", "mode": "eager", "resolution": 64, "batch": batch,
         "images_per_s": value}
        for batch in batches
        for name, value in {**speeds, "calibration": calibration}.items()
    ]  # fmt: skip
    return fake_run(path, {("a", 0): {"psnr_hole": np.full((3, 1), 20.0)}}, masks=("rect",), throughput=rows)


def test_the_speed_floor_by_hand(tmp_path: Path) -> None:
    # Ratios 0.1, 0.11, 0.1 of a; 0.2, 0.2, 0.2 of b: machines of other speeds change nothing.
    runs = [
        timed(tmp_path / "x", {"a": 20.0, "b": 40.0}),
        timed(tmp_path / "y", {"a": 44.0, "b": 80.0}, calibration=400.0),
        timed(tmp_path / "z", {"a": 10.0, "b": 20.0}, calibration=100.0),
    ]
    own = np.std(np.log([0.1, 0.11, 0.1]), ddof=1)
    pooled = np.sqrt(own**2 / 2)  # with b's three that did not move
    bound = stats.t.ppf(0.99, 4) * np.sqrt(2)
    expected = {"a": 100 * (1 - np.exp(-bound * own)), "b": 100 * (1 - np.exp(-bound * pooled))}
    assert speed_floor(runs) == pytest.approx(expected)


def test_of_several_cells_the_least_steady_counts(tmp_path: Path) -> None:
    moved = {1: 10.0, 8: 12.0, 16: 10.0}

    def made(name: str, factors: dict[int, float]) -> Run:
        rows = []
        for batch, value in factors.items():
            for variant, there in (("a", value), ("calibration", 100.0)):
                rows.append({"variant": variant, "device": "cpu", "precision": "fp32", "mode": "eager",
                             "resolution": 64, "batch": batch, "images_per_s": there})  # fmt: skip
        entries = {("a", 0): {"psnr_hole": np.full((3, 1), 20.0)}}
        return fake_run(tmp_path / name, entries, masks=("rect",), throughput=rows)

    runs = [made("x", dict.fromkeys(moved, 10.0)), made("y", moved)]
    own = np.log(1.2) / np.sqrt(2)
    assert speed_floor(runs) == pytest.approx({"a": 100 * (1 - np.exp(-stats.t.ppf(0.99, 3) * np.sqrt(2) * own))})
    assert speed_floor(runs[:1]) == {}
