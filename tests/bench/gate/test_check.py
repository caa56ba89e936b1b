"""The gate on invented runs: three states, exit codes, names, speed, and A/A."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from bench.errors import Exit, IncomparableError, UsageError
from bench.exporters.junit import check_junit
from bench.exporters.markdown import check_markdown
from bench.gate.check import Check, check_run
from bench.gate.lines import Line, line_level
from bench.gate.rules import parse_rule
from bench.runs.reader import Run
from bench.statistics.intervals import resample
from tests.bench.fake_runs import fake_run

IMAGES = 40
BASE = np.random.default_rng(0).normal(20, 3, (IMAGES, 2))


def scores(seed: int, drop: float = 0.0, noise: float = 0.5) -> dict[str, np.ndarray]:
    psnr = BASE - drop + np.random.default_rng(seed).normal(0, noise, BASE.shape)
    return {"psnr_hole": psnr, "lpips": 0.6 - psnr / 50}


def pair(tmp_path: Path, drop: float, **keywords: Any) -> tuple[Run, Run]:
    """An old and a new run whose double_dg got worse by ``drop`` dB; its telea is the same."""
    telea = scores(9)
    old = fake_run(tmp_path / "old", {("double_dg", 0): scores(1), ("telea", 0): telea})
    new = fake_run(tmp_path / "new", {("double_dg", 0): scores(2, drop), ("telea", 0): telea}, **keywords)
    return old, new


def check(run: Run, reference: Run | None, *rules: str) -> Check:
    return check_run([parse_rule(rule) for rule in rules], run, reference)


def only(checked: Check, variant: str = "double_dg", mask: str = "all") -> Line:
    found = [line for line in checked.lines if line.target.candidate.label == variant and line.target.mask == mask]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(("drop", "state"), [(0.0, "pass"), (1.5, "regression"), (0.55, "undecided"), (-2.0, "pass")])
def test_three_states_of_a_drop(tmp_path: Path, drop: float, state: str) -> None:
    old, new = pair(tmp_path, drop)
    checked = check(new, old, "psnr_hole:0.5")
    line = only(checked)
    assert line.state == state
    assert checked.state == state
    assert line.reading.measured == pytest.approx(drop, abs=0.25)
    assert line.reading.low < line.reading.measured < line.reading.high
    if state == "regression":
        assert line.reading.low > 0.5


def test_a_percentage_is_of_the_references_mean(tmp_path: Path) -> None:
    old, new = pair(tmp_path, 2.0)
    line = only(check(new, old, "lpips[circle]:5%"), mask="circle")
    before, after = scores(1)["lpips"][:, 1].mean(), scores(2, 2.0)["lpips"][:, 1].mean()
    assert line.reading.measured == pytest.approx(100 * (after - before) / before)
    assert line.state == "regression"
    assert line.unit == "%"


def test_floors_and_ceilings_of_the_mean(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", {("double_dg", 0): scores(1)})
    mean = scores(1)["psnr_hole"].mean()
    states = {
        rule: only(check(run, None, rule)).state
        for rule in (
            f"psnr_hole<{mean - 5}",
            f"psnr_hole<{mean + 5}",
            f"psnr_hole<{mean - 0.05}",
            "lpips>0.9",
            "lpips>0.01",
        )
    }
    assert list(states.values()) == ["pass", "regression", "undecided", "pass", "regression"]


def test_an_identical_rerun_passes_with_no_tolerance_at_all(tmp_path: Path) -> None:
    same = {("double_dg", 0): scores(1), ("telea", 0): scores(9)}
    old, new = fake_run(tmp_path / "old", same), fake_run(tmp_path / "new", same)
    checked = check(new, old, "psnr_hole:0", "lpips[*]:0%")
    assert checked.state == "pass"
    assert checked.exit(strict=True) == Exit.OK
    assert all(line.reading == (0, 0, 0) for line in checked.lines)


def test_a_rerun_of_a_single_picture_passes_too(tmp_path: Path) -> None:
    one = {("a", 0): {"psnr_hole": np.array([[20.0, 21.0]])}}
    checked = check(fake_run(tmp_path / "new", one), fake_run(tmp_path / "old", one), "psnr_hole:0.1")
    assert checked.state == "pass"


def test_exit_codes(tmp_path: Path) -> None:
    old, new = pair(tmp_path, 0.55)
    undecided = check(new, old, "psnr_hole:0.5")
    assert (undecided.exit(), undecided.exit(strict=True)) == (Exit.OK, Exit.REGRESSION)
    assert check(new, old, "psnr_hole:0.05").exit() == Exit.REGRESSION


def test_failed_fills_make_a_pass_partial(tmp_path: Path) -> None:
    broken = np.zeros(BASE.shape, bool)
    broken[0, 0] = True
    old, new = pair(tmp_path, -2.0, failed={("double_dg", 0): broken})
    checked = check(new, old, "psnr_hole:0.5")
    assert checked.exit() == Exit.PARTIAL
    assert any("failed on 1" in note for note in checked.notes)


def test_a_variant_that_has_gone_makes_a_pass_partial(tmp_path: Path) -> None:
    old = fake_run(tmp_path / "old", {("double_dg", 0): scores(1), ("telea", 0): scores(9)})
    new = fake_run(tmp_path / "new", {("telea", 0): scores(9)})
    checked = check(new, old, "psnr_hole:0.5")
    assert checked.exit() == Exit.PARTIAL
    assert any("double_dg" in note for note in checked.notes)


def test_one_method_scored_by_hand_is_held_against_its_own_line_of_a_whole_run(tmp_path: Path) -> None:
    old = fake_run(tmp_path / "old", {("double_dg", 0): scores(1), ("telea", 0): scores(9)})
    new = fake_run(tmp_path / "new", {("telea", 0): scores(9)}, command=["bench", "eval", "telea"])
    assert check(new, old, "psnr_hole:0.5").exit() == Exit.OK


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("psnr_hol:0.2", "did you mean psnr_hole"),
        ("psnr_hole[cirle]:0.2", "did you mean circle"),
        ("dubble_dg.psnr_hole:0.2", "did you mean double_dg"),
        ("double_dg@7.psnr_hole:0.2", "double_dg@0"),
        ("psnr_hole>20", "psnr_hole<20"),
        ("lpips<0.3", "lpips>0.3"),
        ("speed:10", "speed:10%"),
    ],
)
def test_unknown_names_and_wrong_directions_are_refused_with_the_right_one(
    tmp_path: Path, rule: str, said: str
) -> None:
    old, new = pair(tmp_path, 0.0)
    with pytest.raises(UsageError) as refusal:
        check(new, old, rule)
    assert said in str(refusal.value)


@pytest.mark.parametrize("rule", ["l1_hole:0.1", "speed:10%", "ssim:0.1"])
def test_a_rule_that_matches_nothing_is_an_error(tmp_path: Path, rule: str) -> None:
    old, new = pair(tmp_path, 0.0)
    with pytest.raises(IncomparableError, match="matched nothing"):
        check(new, old, rule)


def test_a_metric_without_values_is_an_error_too(tmp_path: Path) -> None:
    empty = scores(1) | {"lpips": np.full(BASE.shape, np.nan)}
    run = fake_run(tmp_path / "r", {("a", 0): empty}, missing={"lpips": "no alexnet backbone"})
    with pytest.raises(IncomparableError, match="matched nothing of lpips: no alexnet backbone"):
        check(run, None, "lpips>0.3")


def test_a_drop_without_a_reference_is_nothing_to_compare_with(tmp_path: Path) -> None:
    _, new = pair(tmp_path, 0.0)
    with pytest.raises(IncomparableError, match="--against"):
        check(new, None, "psnr_hole:0.2")


def test_other_suites_are_refused(tmp_path: Path) -> None:
    old, new = pair(tmp_path, 0.0, suite="cd" * 32)
    with pytest.raises(IncomparableError, match="suite fingerprint"):
        check(new, old, "psnr_hole:0.2")


def test_brackets_take_patterns_and_variants_too(tmp_path: Path) -> None:
    old, new = pair(tmp_path, 0.0)
    lines = check(new, old, "*_dg.psnr_hole[*]:3").lines
    assert [(line.target.candidate.label, line.target.mask) for line in lines] == [
        ("double_dg", "rect"),
        ("double_dg", "circle"),
    ]


def test_the_interval_widens_with_the_lines_that_could_be_false_alarms(tmp_path: Path) -> None:
    old, new = pair(tmp_path, 0.0)
    one = only(check(new, old, "psnr_hole:0"))
    # Of telea nothing changed, so one line shares the 1 %: one-sided 1 % is a two-sided 98 %.
    assert one.level == pytest.approx(0.98)
    two = check(new, old, "psnr_hole:0", "psnr_hole[circle]:0").lines
    assert [line.level for line in two if line.target.candidate.variant == "double_dg"] == pytest.approx([0.99, 0.99])


def test_a_tolerance_beyond_the_noise_leaves_95_percent_enough(tmp_path: Path) -> None:
    old, new = pair(tmp_path, 0.0)
    assert only(check(new, old, "psnr_hole:0.5")).level == 0.95


@pytest.mark.parametrize("margin", [0.0, 0.5, 1.0, 3.0])
def test_false_alarms_without_change_stay_at_one_in_100_whatever_the_tolerance(margin: float) -> None:
    # 4,000 comparisons at once, as columns, of heavy-tailed differences; margins in standard errors.
    change = np.random.default_rng(3).standard_t(4, size=(24, 4000))
    found = resample(change, np.ones_like(change), 2000)
    allowed = margin * np.sqrt(2 / 24)
    level = np.array([line_level(allowed, e, d, 0.01) for e, d in zip(found.error, found.df, strict=True)])
    low, _ = found.interval(level)
    assert np.mean(low > allowed) < 0.0135  # 1 % and two binomial errors


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


def test_json_has_what_is_promised(tmp_path: Path) -> None:
    old, new = pair(tmp_path, 1.5)
    content = json.loads(json.dumps(check(new, old, "psnr_hole:0.5", "lpips>0.9").as_json(), allow_nan=False))
    assert content["schema"] == 1
    assert content["state"] == "regression"
    line = content["rules"][0]
    assert {"rule", "state", "measured", "allowed", "low", "high"} <= set(line)
    assert line["rule"] == "psnr_hole:0.5"
    assert line["allowed"] == 0.5


def test_junit_counts_failures_and_survives_odd_names(tmp_path: Path) -> None:
    old, new = pair(tmp_path, 1.5)
    text = check_junit(check(new, old, "psnr_hole:0.5", "lpips>0.9", "double_dg.psnr_hole<1"))
    suite = ElementTree.fromstring(text).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("5", "1", "0")
    failure = suite.find(".//failure")
    assert failure is not None
    for word in ("psnr_hole:0.5", "double_dg", "0.50 dB", "look at"):
        assert word in str(failure.get("message"))


def test_undecided_is_skipped_in_junit_and_with_strict_a_failure(tmp_path: Path) -> None:
    old, new = pair(tmp_path, 0.55)
    checked = check(new, old, "double_dg.psnr_hole:0.5")
    assert 'skipped="1"' in check_junit(checked)
    assert 'failures="1"' in check_junit(checked, strict=True)


def test_markdown_names_the_failing_line_first(tmp_path: Path) -> None:
    old, new = pair(tmp_path, 1.5)
    lines = check_markdown(check(new, old, "psnr_hole:0.5")).splitlines()
    assert lines[0].startswith("### ❌")
    assert "0.50 dB is allowed" in lines[2]
    assert sum(line.startswith("|") for line in lines) == 2 + 2
