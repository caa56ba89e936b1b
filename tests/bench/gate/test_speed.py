"""Speed at the gate: ratios to the calibration workload, their errors and limits, against calculations by hand."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bench.gate.lines import Line
from bench.gate.speed import calibration_for, meant, ratios
from bench.runs.reader import Run
from bench.util.errors import IncomparableError, UsageError
from tests.bench.fake_runs import fake_run
from tests.bench.gate.invented import check, only, scores

CELL = {"device": "cpu", "precision": "fp32", "mode": "eager", "resolution": 64, "batch": 8}
PLACE = "cpu/fp32/eager/64/8"
Z95, Z98 = stats.norm.ppf(0.975), stats.norm.ppf(0.99)
EVEN = np.zeros((5, 1)) + 20.0


def spread_error(low: float, high: float) -> float:
    """The standard error of a logarithm whose 95 % interval is low to high."""
    return float(np.log(high / low) / (2 * Z95))


def measured(variant: str, low: float, value: float, high: float, column: str = "images_per_s", **cell: Any) -> dict:
    return {"variant": variant, **CELL, **cell, column: value, f"{column}_low": low, f"{column}_high": high}


def timing(path: Path, *rows: dict[str, Any]) -> Run:
    return fake_run(path, {("a", 0): {"psnr_hole": EVEN}}, masks=("rect",), throughput=list(rows))


def speeds(machine: float, double_dg: float, spread: float = 0.02) -> list[dict[str, Any]]:
    found = []
    for variant, value in (("baseline", 50.0), ("double_dg", double_dg), ("calibration", 200.0)):
        there = value * machine
        found.append(
            {
                "variant": variant,
                "device": "cpu",
                "precision": "fp32",
                "mode": "eager",
                "resolution": 64,
                "batch": 8,
                "images_per_s": there,
                "images_per_s_low": there * (1 - spread),
                "images_per_s_high": there * (1 + spread),
                "latency_ms_p50": 8000 / there,
                "peak_memory_mib": 10.0,
            }
        )
    return found


def timed(path: Path, machine: float, double_dg: float, spread: float = 0.02) -> Run:
    entries = {("baseline", 0): scores(1), ("double_dg", 0): scores(2)}
    return fake_run(path, entries, throughput=speeds(machine, double_dg, spread))


def test_a_slower_machine_raises_no_speed_alarm(tmp_path: Path) -> None:
    old, new = timed(tmp_path / "old", 1.0, 20.0), timed(tmp_path / "new", 0.4, 20.0)
    checked = check(new, old, "speed:10%", "images_per_s:10%")
    assert checked.state == "pass"
    assert all(line.reading.measured == pytest.approx(0, abs=1e-9) for line in checked.lines)


def test_a_slower_variant_raises_one_on_any_machine(tmp_path: Path) -> None:
    old, new = timed(tmp_path / "old", 1.0, 20.0), timed(tmp_path / "new", 3.0, 12.0)
    checked = check(new, old, "speed:10%")
    slower = [line for line in checked.lines if line.state == "regression"]
    assert [line.target.candidate.label for line in slower] == ["double_dg"]
    assert slower[0].reading.measured == pytest.approx(40)  # 12 instead of 20 images for every 200


def test_unsteady_timing_is_undecided_not_an_alarm(tmp_path: Path) -> None:
    old, new = timed(tmp_path / "old", 1.0, 20.0, 0.3), timed(tmp_path / "new", 1.0, 16.0, 0.3)
    assert only(check(new, old, "double_dg.speed:10%"), mask="cpu/fp32/eager/64/8").state == "undecided"


def test_speed_as_a_multiple_of_the_calibration_has_a_floor(tmp_path: Path) -> None:
    run = timed(tmp_path / "r", 5.0, 20.0)
    assert check(run, None, "double_dg.speed<0.05").state == "pass"
    line = check(run, None, "double_dg.speed[cpu]<0.5").lines[0]
    assert line.state == "regression"
    assert line.reading.measured == pytest.approx(0.1)


def test_a_run_without_the_calibration_workload_is_refused(tmp_path: Path) -> None:
    rows = [row for row in speeds(1.0, 20.0) if row["variant"] != "calibration"]
    run = fake_run(tmp_path / "r", {("double_dg", 0): scores(2)}, throughput=rows)
    with pytest.raises(IncomparableError, match="calibration"):
        check(run, None, "speed<1")


def test_a_speed_that_was_not_measured_is_nothing_to_compare_and_a_wrong_name_is_wrong_use(tmp_path: Path) -> None:
    run = timed(tmp_path / "r", 5.0, 20.0)
    with pytest.raises(IncomparableError, match="r was not measured at cuda/fp16 but at cpu/fp32/eager/64/8"):
        check(run, None, "speed[cuda/fp16]<1")
    with pytest.raises(UsageError, match="unknown measurement 'cuda/fp61'"):
        check(run, None, "speed[cuda/fp61]<1")


# ---- by hand


OLD = (measured("a", 19, 20, 21), measured("calibration", 188, 200, 211))
NEW = (measured("a", 11, 12, 14), measured("calibration", 180, 200, 230))
ERROR = np.sqrt(sum(spread_error(*ends) ** 2 for ends in ((19, 21), (188, 211), (11, 14), (180, 230))))
"""All four medians are uncertain, and errors add in squares."""


def test_a_slower_variant_by_hand_with_the_errors_of_all_four_medians(tmp_path: Path) -> None:
    line = check(timing(tmp_path / "new", *NEW), timing(tmp_path / "old", *OLD), "a.speed:3%").lines[0]
    # 20 to 12 images is a logarithm of ln 0.6; 3 % slower is one of ln 0.97, less than the interval reaches.
    reach = Z98 - -np.log(0.97) / ERROR
    level = 2 * stats.norm.cdf(reach) - 1
    assert 0.95 < level < 0.98
    assert line.level == pytest.approx(level, abs=1e-6)
    ends = (100 * (1 - 0.6 * np.exp(sign * reach * ERROR)) for sign in (1, -1))
    assert line.reading == pytest.approx((40, *ends), rel=1e-4)
    assert (line.unit, line.reference_mean, line.candidate_mean) == ("%", pytest.approx(0.1), pytest.approx(0.06))
    assert (line.state, line.look, line.why) == ("regression", str(tmp_path / "new" / "throughput.parquet"), "")


@pytest.mark.parametrize(
    ("rule", "worse", "state"),
    [
        ("latency_ms_p50:3%", 200 / 3, "regression"),
        ("latency_ms_p50:60%", 200 / 3, "undecided"),
        ("speed:3%", 40, "regression"),
        ("images_per_s:39%", 40, "undecided"),
    ],
)
def test_a_latency_that_grew_by_two_thirds_is_two_thirds_worse(
    tmp_path: Path, rule: str, worse: float, state: str
) -> None:
    # The same 20 to 12 images a second, told as images and as milliseconds.
    def rows(images: float) -> list[dict[str, Any]]:
        found = []
        for name, per_s in (("a", images), ("calibration", 200.0)):
            ms = 8000 / per_s
            found.append(
                measured(name, 0.9 * per_s, per_s, per_s / 0.9)
                | measured(name, 0.9 * ms, ms, ms / 0.9, "latency_ms_p50")
            )
        return found

    old, new = timing(tmp_path / "old", *rows(20.0)), timing(tmp_path / "new", *rows(12.0))
    line = check(new, old, rule).lines[0]
    sign = 1 if rule.startswith("latency") else -1
    allowed = float(rule.split(":")[1].rstrip("%")) / 100
    error = 2 * spread_error(0.9, 1 / 0.9)
    reach = max(Z95, Z98 - abs(np.log(1 + sign * allowed)) / error)
    low, high = sorted(100 * sign * ((5 / 3) ** sign * np.exp(end * reach * error) - 1) for end in (-1, 1))
    assert line.reading == pytest.approx((worse, low, high), rel=1e-4)
    assert line.state == state
    better = check(old, new, rule).lines[0]
    assert better.state == "pass"
    assert better.reading.measured == pytest.approx(-40 if sign > 0 else -200 / 3)


@pytest.mark.parametrize(
    ("rule", "level"), [("latency_ms_p50:150%", 0.95), ("latency_ms_p50:100%", 0.95), ("latency_ms_p50:0%", 0.98)]
)
def test_a_latency_that_may_more_than_double_has_a_wide_tolerance(tmp_path: Path, rule: str, level: float) -> None:
    rows = (
        measured("a", 19, 20, 21, "latency_ms_p50"),
        measured("calibration", 190, 200, 210, "latency_ms_p50"),
    )
    line = check(timing(tmp_path / "new", *rows), timing(tmp_path / "old", *rows), rule).lines[0]
    assert line.level == pytest.approx(level)


def test_images_that_may_all_be_lost_are_never_too_few(tmp_path: Path) -> None:
    line = check(timing(tmp_path / "new", *NEW), timing(tmp_path / "old", *OLD), "a.speed:100%").lines[0]
    assert (line.state, line.level) == ("pass", pytest.approx(0.98))


def test_memory_is_counted_so_it_has_no_error_and_needs_no_calibration(tmp_path: Path) -> None:
    old, new = (timing(tmp_path / str(v), {"variant": "a", **CELL, "peak_memory_mib": v}) for v in (100.0, 150.0))
    line = check(new, old, "peak_memory_mib:49%").lines[0]
    assert line.reading == pytest.approx((50, 50, 50))
    assert (line.state, line.level) == ("regression", 0.95)
    assert check(old, new, "peak_memory_mib:0%").lines[0].state == "pass"
    limits = check(new, None, "peak_memory_mib>151", "peak_memory_mib>149").lines
    assert [line.state for line in limits] == ["pass", "regression"]
    assert limits[0].reading == pytest.approx((150, 150, 150))
    assert limits[0].unit == "MiB"


@pytest.mark.parametrize(
    ("rule", "column", "unit", "measure"),
    [
        ("speed<0.01", "images_per_s", "×cal", 0.1),
        ("images_per_s<1", "images_per_s", "images/s", 20.0),
        ("latency_ms_p50>5000", "latency_ms_p50", "ms", 20.0),
    ],
)
def test_a_limit_takes_its_unit_at_its_word(tmp_path: Path, rule: str, column: str, unit: str, measure: float) -> None:
    rows = (measured("a", 18, 20, 23, column), measured("calibration", 180, 200, 230, column))
    line = check(timing(tmp_path / "r", *rows), None, rule).lines[0]
    error = spread_error(18, 23) * (np.sqrt(2) if unit == "×cal" else 1)  # a ratio has the errors of both
    ends = (measure * np.exp(side * Z98 * error) for side in (-1, 1))
    assert line.reading == pytest.approx((measure, *ends), rel=1e-4)
    assert (line.unit, line.state, line.candidate_mean) == (unit, "pass", pytest.approx(measure))
    assert line.level == pytest.approx(0.98)
    assert np.isnan(line.reference_mean)


@pytest.mark.parametrize(("device", "least"), [("cpu", 0.02), ("cuda:0", 0.005), ("mps", 0.005)])
def test_no_interval_is_taken_for_narrower_than_another_process_moves_it(
    tmp_path: Path, device: str, least: float
) -> None:
    run = timing(tmp_path / "r", measured("a", 19.9999, 20, 20.0001, device=device))
    line = check(run, None, "images_per_s<1").lines[0]
    assert np.log(line.reading.high / line.reading.measured) == pytest.approx(Z98 * least, rel=1e-4)


@pytest.mark.parametrize(("low", "high"), [(None, None), (np.nan, np.nan), (19.0, None), (0.0, 21.0), (19.0, np.inf)])
@pytest.mark.parametrize("rule", ["images_per_s<1", "speed:10%"])
def test_without_an_interval_a_speed_is_undecided_and_says_why(
    tmp_path: Path, low: float, high: float, rule: str
) -> None:
    rows = (measured("a", low, 20, high), measured("calibration", 190, 200, 210))
    line = check(timing(tmp_path / "new", *rows), timing(tmp_path / "old", *rows), rule).as_json()["rules"][0]
    assert (line["state"], line["low"], line["high"]) == ("undecided", None, None)
    assert line["measured"] == pytest.approx(20 if "<" in rule else 0)
    assert "fewer than six samples" in line["why"]


# ---- which rows are compared


def reads(run: Run, reference: Run | None, rule: str) -> dict[str, float]:
    """What a rule measures, by cell."""
    lines: list[Line] = check(run, reference, rule).lines
    return {line.target.mask: line.reading.measured for line in lines}


def test_the_calibration_is_that_of_the_same_device_most_alike(tmp_path: Path) -> None:
    half = {**CELL, "precision": "fp16"}
    rows = [
        measured("calibration", 99, 100, 101, **half),
        measured("calibration", 199, 200, 201),
        measured("calibration", 399, 400, 401, device="cuda"),
        measured("b", 49, 50, 51),
        measured("a", 19, 20, 21),
        measured("a", 19, 20, 21, **half),
        measured("a", 79, 80, 81, device="cuda"),
    ]
    expected = {PLACE: 0.1, "cpu/fp16/eager/64/8": 0.2, "cuda/fp32/eager/64/8": 0.2}
    for order in (rows, rows[::-1]):
        run = timing(tmp_path / "r", *order)
        assert reads(run, None, "a.speed<0.01") == pytest.approx(expected)
        found = {(variant, cell): ratio for variant, cell, ratio in ratios(run)}
        assert found == pytest.approx({("a", cell): value for cell, value in expected.items()} | {("b", PLACE): 0.25})


@pytest.mark.parametrize("key", ["precision", "mode", "resolution", "batch"])
def test_every_part_of_a_cell_counts_for_what_is_most_alike(key: str) -> None:
    other = measured("calibration", 1, 2, 3, **{key: "else"})
    same = measured("calibration", 1, 2, 3)
    for there in ([other, same], [same, other]):
        assert calibration_for(measured("a", 1, 2, 3), there) is same
    assert calibration_for(measured("a", 1, 2, 3, device="mps"), [other, same]) is None


def test_a_drop_is_measured_cell_by_cell(tmp_path: Path) -> None:
    def run(name: str, small: float, large: float) -> Run:
        rows = (measured("a", 0.99 * v, v, 1.01 * v, batch=b) for b, v in ((1, small), (8, large)))
        other = measured("b", 49, 50, 51, batch=8)
        return timing(tmp_path / name, other, *rows, measured("calibration", 199, 200, 201))

    old, new = run("old", 10.0, 40.0), run("new", 9.0, 20.0)
    assert reads(new, old, "a.speed:90%") == pytest.approx({"cpu/fp32/eager/64/1": 10, PLACE: 50})
    assert reads(new, old, "a.speed[8]:90%") == pytest.approx({PLACE: 50})
    lone = timing(tmp_path / "lone", measured("a", 9, 10, 11), measured("calibration", 199, 200, 201))
    with pytest.raises(IncomparableError, match=r"lone did not measure a at cpu/fp32/eager/64/1"):
        check(new, lone, "a.speed:90%")


@pytest.mark.parametrize(
    ("pattern", "is_meant"),
    [
        ("cpu", True),
        ("cpu/8", True),
        ("fp32/cpu", True),
        ("fp*", True),
        (PLACE, True),
        ("cpu*8", True),
        ("cuda", False),
        ("cuda/fp32", False),
        ("cpu/fp16", False),
        ("6", False),
    ],
)
def test_a_bracket_names_a_cell_or_some_of_its_parts(pattern: str, is_meant: bool) -> None:
    assert meant(PLACE, pattern) is is_meant


def test_a_size_that_was_not_measured_is_nothing_to_compare(tmp_path: Path) -> None:
    with pytest.raises(IncomparableError, match="r was not measured at cpu/1024 but at cpu/fp32/eager/64/8"):
        check(timing(tmp_path / "r", *OLD), None, "speed[cpu/1024]<1")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("speed>1", "speed is better higher, so its limit is speed<1"),
        ("images_per_s>1", "images_per_s is better higher, so its limit is images_per_s<1"),
        ("latency_ms_p50<5", "latency_ms_p50 is better lower, so its limit is latency_ms_p50>5"),
        ("peak_memory_mib<5", "peak_memory_mib is better lower, so its limit is peak_memory_mib>5"),
        ("latency_ms_p50:5", "latency_ms_p50:5%"),
    ],
)
def test_limits_in_the_wrong_direction_are_refused_with_the_right_one(tmp_path: Path, rule: str, said: str) -> None:
    run = timing(tmp_path / "r", *OLD)
    with pytest.raises(UsageError) as refusal:
        check(run, run, rule)
    assert said in str(refusal.value)


def test_a_run_that_was_timed_alone_can_be_gated_on_speed(tmp_path: Path) -> None:
    def only_timed(name: str, double_dg: float) -> Run:
        run = timed(tmp_path / name, 100.0, double_dg)
        shutil.rmtree(run.path / "records")
        return Run.open(run.path)

    old, slow = only_timed("old", 0.5), only_timed("slow", 0.25)
    checked = check(slow, old, "double_dg.speed:20%")
    assert checked.state == "regression"
    assert [line.target.candidate.label for line in checked.lines] == ["double_dg"]
    assert check(old, old, "speed:20%").state == "pass"
    with pytest.raises(IncomparableError, match="matched nothing of psnr_hole"):
        check(old, None, "psnr_hole<3")
