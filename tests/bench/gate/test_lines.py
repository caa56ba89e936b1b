"""The numbers of a line, against scipy and calculations by hand: bounds, margins, levels, percentages, failures.

Runs of five images have no resamples to read, so their intervals are Student's t alone: exact by hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bench.comparison.compare import Options
from bench.gate.lines import Reading, judged, line_level, share
from bench.gate.rules import parse_rule
from bench.runs.reader import Run
from bench.statistics.intervals import Resampled, resample
from bench.util.errors import Exit, IncomparableError
from tests.bench.fake_runs import fake_run
from tests.bench.gate.invented import check, only, pair

FIVE = np.array([[20.0, 22.0], [25.0, 21.0], [18.0, 24.0], [23.0, 29.0], [21.0, 27.0]])
"""PSNR of five images under rect and circle: means 21.4 and 24.6; of the images 21, 23, 21, 26, 24, together 23."""
WORSE = np.array([[1.0, 0.2], [0.6, 1.4], [0.0, 0.8], [1.2, 0.4], [0.9, 0.5]])
"""What each gets worse by: under circle 0.66 on average; of the images 0.6, 1.0, 0.4, 0.8, 0.7, together 0.7."""
T99 = stats.t.ppf(0.99, 4)
"""One-sided 1 %, which is a two-sided 98 %, of five images."""


def error(values: list[float] | np.ndarray) -> float:
    """The standard error of a mean."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


def five(path: Path, values: np.ndarray = FIVE, variant: str = "a", **keywords: Any) -> Run:
    return fake_run(path, {(variant, 0): {"psnr_hole": values}}, **keywords)


def two(tmp_path: Path) -> tuple[Run, Run]:
    return five(tmp_path / "old"), five(tmp_path / "new", FIVE - WORSE)


# ---- the state of one line


@pytest.mark.parametrize(
    ("rule", "low", "high", "state"),
    [
        ("psnr_hole<10", 8, 9.99, "regression"),
        ("psnr_hole<10", 8, 10, "undecided"),
        ("psnr_hole<10", 9.99, 12, "undecided"),
        ("psnr_hole<10", 10, 12, "pass"),
        ("psnr_hole<10", 10, 10, "pass"),
        ("lpips>10", 10.01, 12, "regression"),
        ("lpips>10", 10, 12, "undecided"),
        ("lpips>10", 8, 10.01, "undecided"),
        ("lpips>10", 8, 10, "pass"),
        ("lpips>10", 10, 10, "pass"),
        ("psnr_hole:10", 10.01, 12, "regression"),
        ("psnr_hole:10", 10, 12, "undecided"),
        ("psnr_hole:10", 8, 10.01, "undecided"),
        ("psnr_hole:10", 8, 10, "pass"),
        ("psnr_hole:10", 10, 10, "pass"),
        ("psnr_hole:0", 0, 0, "pass"),
        ("psnr_hole:10", -12, -11, "pass"),
    ],
)
@pytest.mark.parametrize("measured", [7.0, 10.0, 13.0])
def test_the_interval_alone_decides_and_the_amount_itself_is_allowed(
    rule: str, low: float, high: float, state: str, measured: float
) -> None:
    assert judged(parse_rule(rule), Reading(measured, low, high)) == state


@pytest.mark.parametrize("rule", ["psnr_hole<10", "lpips>10", "psnr_hole:10"])
def test_without_an_interval_nothing_is_decided(rule: str) -> None:
    assert judged(parse_rule(rule), Reading(99.0, np.nan, np.nan)) == "undecided"


def test_a_mean_exactly_at_its_floor_and_a_drop_of_exactly_the_tolerance_pass(tmp_path: Path) -> None:
    same = np.full((5, 2), 20.0)
    old, new = five(tmp_path / "old", same), five(tmp_path / "new", same - 0.5)
    checked = check(new, old, "psnr_hole<19.5", "psnr_hole:0.5", "psnr_hole:0.49", "psnr_hole<19.51")
    assert [line.state for line in checked.lines] == ["pass", "pass", "regression", "regression"]


# ---- readings by hand


def test_a_floor_is_held_against_the_mean_and_students_interval(tmp_path: Path) -> None:
    run = five(tmp_path / "r")
    line = only(check(run, None, "psnr_hole<23"), "a")
    half = T99 * error([21, 23, 21, 26, 24])
    assert line.level == pytest.approx(0.98)
    assert line.reading == pytest.approx((23, 23 - half, 23 + half))
    assert (line.unit, line.candidate_mean) == ("dB", pytest.approx(23))
    assert np.isnan(line.reference_mean)


def test_every_mask_type_and_metric_is_read_from_its_own_column(tmp_path: Path) -> None:
    lpips = np.array([[0.1, 0.5], [0.2, 0.5], [0.3, 0.5], [0.4, 0.7], [0.5, 0.8]])
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": FIVE, "lpips": lpips}})
    rules = ("lpips>1", "psnr_hole[*]<1", "lpips[circle]>1", "psnr_hole<1", "lpips[rect]>1")
    found = [(line.rule.metric, line.target.mask, line.reading.measured) for line in check(run, None, *rules).lines]
    assert [entry[:2] for entry in found] == [
        ("lpips", "all"),
        ("psnr_hole", "rect"),
        ("psnr_hole", "circle"),
        ("lpips", "circle"),
        ("psnr_hole", "all"),
        ("lpips", "rect"),
    ]
    assert [entry[2] for entry in found] == pytest.approx([0.45, 21.4, 24.6, 0.6, 23, 0.3])


def test_every_data_set_has_its_own_line_with_its_own_mean(tmp_path: Path) -> None:
    five(tmp_path / "r", dataset="photos")
    run = five(tmp_path / "r", FIVE + 10, dataset="scenes")
    five(tmp_path / "old", FIVE + 1, dataset="photos")
    old = five(tmp_path / "old", FIVE + 13, dataset="scenes")
    lines = check(run, old, "psnr_hole<1", "psnr_hole:9").lines
    found = [(line.rule.kind, line.target.dataset, round(line.reading.measured, 9)) for line in lines]
    assert found == [("floor", "photos", 23), ("floor", "scenes", 33), ("drop", "photos", 1), ("drop", "scenes", 3)]


def test_a_line_of_a_drop_in_json_holds_what_was_calculated_by_hand(tmp_path: Path) -> None:
    old, new = two(tmp_path)
    line = check(new, old, "a.psnr_hole[circle]:0.1").as_json()["rules"][0]
    # The interval reaches as far as leaves 1 % of A/A lines beyond the tolerance of 0.1: T99 errors, less 0.1.
    reach = T99 - 0.1 / error(WORSE[:, 1])
    half = reach * error(WORSE[:, 1])
    level = 2 * stats.t.cdf(reach, 4) - 1
    assert 0.95 < level < 0.98
    assert line == {
        "rule": "a.psnr_hole[circle]:0.1",
        "state": "undecided",
        "measured": pytest.approx(0.66),
        "allowed": 0.1,
        "low": pytest.approx(0.66 - half),
        "high": pytest.approx(0.66 + half),
        "level": pytest.approx(level),
        "kind": "drop",
        "unit": "dB",
        "variant": "a",
        "dataset": "scenes",
        "mask": "circle",
        "metric": "psnr_hole",
        "reference_mean": pytest.approx(24.6),
        "candidate_mean": pytest.approx(24.6 - 0.66),
        "where": "--fail-if",
        "look": str(new.path / "records" / "a" / "seed-0" / "scenes-circle.parquet"),
        "why": "",
    }


def test_a_line_of_a_limit_in_json_has_no_reference(tmp_path: Path) -> None:
    shift = FIVE - 25  # all mask types: mean -2
    run = fake_run(tmp_path / "r", {("a", 0): {"colour_shift_r": shift}})
    line = check(run, None, "*.colour_shift_r<-3.5").as_json()["rules"][0]
    assert (line["kind"], line["allowed"], line["measured"]) == ("floor", -3.5, pytest.approx(-2))
    assert (line["variant"], line["mask"], line["unit"]) == ("a", "all", "levels")
    assert (line["reference_mean"], line["candidate_mean"]) == (None, pytest.approx(-2))
    assert line["low"] < line["measured"] < line["high"]


def test_a_single_picture_that_changed_has_no_interval_and_says_so(tmp_path: Path) -> None:
    old, new = five(tmp_path / "old", FIVE[:1]), five(tmp_path / "new", FIVE[:1] - 3)
    line = check(new, old, "psnr_hole:1").as_json()["rules"][0]
    assert (line["state"], line["measured"], line["low"], line["high"]) == ("undecided", pytest.approx(3), None, None)
    assert line["why"] == "one picture has no interval"


def test_better_scores_are_a_negative_drop_and_none_is_plain_zero(tmp_path: Path) -> None:
    old, new = five(tmp_path / "old"), five(tmp_path / "new", FIVE + WORSE)
    assert only(check(new, old, "psnr_hole:0"), "a").reading.measured == pytest.approx(-0.7)
    same = only(check(old, old, "psnr_hole:0"), "a").reading
    assert [str(value) for value in same] == ["0.0", "0.0", "0.0"]


def test_the_seed_of_the_resamples_is_the_options(tmp_path: Path) -> None:
    old, new = pair(tmp_path, 0.3)
    for rule in ("double_dg.psnr_hole:0.1", "double_dg.psnr_hole<1"):
        zero, one, again = (check(new, old, rule, options=Options(resamples=400, seed=s)).lines for s in (0, 1, 1))
        assert one[0].reading == again[0].reading
        assert one[0].reading != zero[0].reading
        assert one[0].reading.measured == zero[0].reading.measured


def test_the_look_is_the_report_once_there_is_one(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", {("a", 3): {"psnr_hole": FIVE}})
    assert only(check(run, None, "psnr_hole<1"), "a").look == str(run.path / "records/a/seed-3/scenes-*.parquet")
    (run.path / "report.html").touch()
    assert only(check(run, None, "psnr_hole<1"), "a").look == str(run.path / "report.html")


# ---- percentages


def test_a_percentage_of_the_pooled_mean_by_hand(tmp_path: Path) -> None:
    old, new = two(tmp_path)
    line = only(check(new, old, "psnr_hole:0.2%"), "a")
    # 0.2 % of 23 dB is 0.046 dB; everything is told in percent of 23.
    half = T99 * error([0.6, 1.0, 0.4, 0.8, 0.7]) - 0.046
    assert line.reading == pytest.approx(tuple(100 * value / 23 for value in (0.7, 0.7 - half, 0.7 + half)))
    assert line.unit == "%"
    assert (line.reference_mean, line.candidate_mean) == (pytest.approx(23), pytest.approx(22.3))


def test_a_percentage_under_one_mask_type_is_of_the_mean_there(tmp_path: Path) -> None:
    old, new = two(tmp_path)
    line = only(check(new, old, "psnr_hole[circle]:5%"), "a", "circle")
    assert line.reading.measured == pytest.approx(100 * 0.66 / 24.6)


def test_a_percentage_of_a_signed_shift_is_of_its_distance_from_the_target(tmp_path: Path) -> None:
    signs = np.array([[1, -1], [-1, 1], [1, -1], [-1, 1], [1, -1]])
    old, new = (fake_run(tmp_path / str(k), {("a", 0): {"colour_shift_r": k * signs}}) for k in (2.0, 3.0))
    line = only(check(new, old, "colour_shift_r:49%"), "a")
    # Both means are 0; the distance grew from 2 to 3 levels everywhere.
    assert line.reading == pytest.approx((50, 50, 50))
    assert line.state == "regression"


@pytest.mark.parametrize(
    ("value", "base", "percent"),
    [(3, 4, 75), (-1, 4, -25), (0, 4, 0), (0, 0, 0), (1e-9, 0, np.inf), (-1e-9, 0, -np.inf)],
)
def test_any_change_from_nothing_is_infinite_and_none_is_zero(value: float, base: float, percent: float) -> None:
    assert share(value, base) == percent


# ---- levels


@pytest.mark.parametrize("alarms", [0.01, 0.0025])
@pytest.mark.parametrize("df", [4, 39, 1e6])
def test_the_level_leaves_the_share_of_false_alarms_beyond_the_margin(alarms: float, df: float) -> None:
    # At 30 or at 0.3 units: only margins in errors count. 98 % one-sided is what is known from tables.
    for margin, scale in ((0.0, 0.3), (0.1, 30.0), (0.3, 0.3)):
        reach = stats.t.isf(alarms, df) - margin
        assert line_level(margin * scale, scale, df, alarms) == pytest.approx(1 - 2 * stats.t.sf(reach, df))
    assert line_level(0.0, 1.0, 1e6, 0.01) == pytest.approx(0.98)
    assert line_level(0.0, 1.0, 1, 0.01) == pytest.approx(0.98), "two images leave one degree of freedom"


def test_no_interval_is_narrower_than_95_percent() -> None:
    assert line_level(5.0, 1.0, 4, 0.01) == 0.95
    assert line_level(0.0, 1.0, 4, 0.3) == 0.95


@pytest.mark.parametrize(
    ("margin", "error", "df"), [(0.0, 0.0, 4), (1.0, 0.0, 4), (0.0, np.nan, 4), (0.0, 1.0, 0.0), (np.inf, 1.0, 4)]
)
def test_where_there_is_nothing_to_widen_the_level_is_95_percent(margin: float, error: float, df: float) -> None:
    assert line_level(margin, error, df, 0.01) == 0.95


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


@pytest.fixture(scope="module")
def unchanged() -> Resampled:
    """4,000 comparisons at once, as columns, of heavy-tailed differences."""
    change = np.random.default_rng(3).standard_t(4, size=(24, 4000))
    return resample(change, np.ones_like(change), 2000)


@pytest.mark.parametrize("margin", [0.0, 0.5, 1.0, 3.0])
def test_false_alarms_without_change_stay_at_one_in_100_whatever_the_tolerance(
    unchanged: Resampled, margin: float
) -> None:
    allowed = margin * np.sqrt(2 / 24)  # margins in standard errors
    level = np.array([line_level(allowed, e, d, 0.01) for e, d in zip(unchanged.error, unchanged.df, strict=True)])
    low, _ = unchanged.interval(level)
    assert np.mean(low > allowed) < 0.0135  # 1 % and two binomial errors


def test_scores_and_speeds_share_the_alarms_and_drops_that_did_not_move_take_none(tmp_path: Path) -> None:
    cells = {"device": "cpu", "precision": "fp32", "mode": "eager", "resolution": 64, "batch": 8}
    rows = [
        {"variant": name, **cells, "images_per_s": v, "images_per_s_low": 0.9 * v, "images_per_s_high": 1.1 * v}
        for name, v in (("a", 20.0), ("calibration", 200.0))
    ]
    lpips = FIVE / 100
    old, new = (
        fake_run(tmp_path / name, {("a", 0): {"psnr_hole": FIVE, "lpips": lpips}}, throughput=rows)
        for name in ("old", "new")
    )
    rules = ("psnr_hole:0", "lpips[*]:0%", "psnr_hole<1", "speed<0.001", "lpips>9")
    checked = check(new, old, *rules)
    # Of six lines the three drops cannot be alarms; each of the others may be one in 300 times.
    assert [line.level for line in checked.lines] == pytest.approx([0.95, 0.95, 0.95] + 3 * [1 - 2 * 0.01 / 3])
    assert [line.rule.text for line in checked.lines] == [rules[0], rules[1], *rules[1:]]


# ---- training seeds


def test_a_limit_over_two_seeds_holds_their_noise(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": FIVE}, ("a", 1): {"psnr_hole": FIVE + 2}})
    line = only(check(run, None, "psnr_hole<23"), "a")
    # The seeds' means are 1 below and above 24 on every picture: a variance of 2, of the mean of two 1, with one
    # degree of freedom; that of the pictures has four. Welch and Satterthwaite add them.
    images, seeds = error([21, 23, 21, 26, 24]) ** 2, 1.0
    df = (images + seeds) ** 2 / (images**2 / 4 + seeds**2 / 1)
    half = stats.t.ppf(0.99, df) * np.sqrt(images + seeds)
    assert line.reading == pytest.approx((24, 24 - half, 24 + half))


def test_a_rule_about_seeds_holds_each_against_its_own(tmp_path: Path) -> None:
    def seeded(name: str, **shifts: float) -> Run:
        return fake_run(tmp_path / name, {("a", int(s[1:])): {"psnr_hole": FIVE - d} for s, d in shifts.items()})

    new, old = seeded("new", s0=1.0, s1=7.0), seeded("old", s0=0.5, s1=3.0, s2=0.0)
    found = {ln.target.candidate.label: ln.reading.measured for ln in check(new, old, "a@*.psnr_hole:9").lines}
    assert found == pytest.approx({"a@0": 0.5, "a@1": 4.0})
    assert only(check(new, old, "a.psnr_hole:9"), "a").reading.measured == pytest.approx(2.833333333)
    # A seed that the reference lacks has nothing to be held against.
    lacking = seeded("lacking", s1=3.0)
    assert [line.target.candidate.label for line in check(new, lacking, "a@*.psnr_hole:9").lines] == ["a@1"]
    with pytest.raises(IncomparableError, match="lacking holds none of the variants it names"):
        check(new, lacking, "a@0.psnr_hole:9")


# ---- what is in no mean


def test_a_picture_that_one_seed_failed_on_is_in_no_seeds_mean(tmp_path: Path) -> None:
    broken = np.zeros((5, 2), bool)
    broken[3, 1] = True
    entries = {("a", 0): {"psnr_hole": FIVE}, ("a", 1): {"psnr_hole": FIVE}}
    run = fake_run(tmp_path / "r", entries, failed={("a", 1): broken})
    checked = check(run, None, "psnr_hole[circle]<1")
    assert only(checked, "a", "circle").reading.measured == pytest.approx((22 + 21 + 24 + 27) / 4)
    assert checked.notes == ["a failed on 1 pictures of scenes; they are excluded from the means."]
    both = fake_run(tmp_path / "both", entries, failed={("a", 0): broken, ("a", 1): broken})
    assert check(both, None, "psnr_hole<1").notes == [
        "a failed on 2 pictures of scenes; they are excluded from the means."
    ]


def test_what_only_the_reference_failed_on_is_no_failure_of_the_candidate(tmp_path: Path) -> None:
    broken = np.zeros((5, 2), bool)
    broken[0, 0] = True
    old = five(tmp_path / "old", failed={("a", 0): broken})
    checked = check(five(tmp_path / "new"), old, "psnr_hole:1")
    assert (checked.notes, checked.partial) == ([], False)


def test_one_variant_that_failed_makes_the_check_partial_wherever_it_stands(tmp_path: Path) -> None:
    broken = np.zeros((5, 2), bool)
    broken[0] = True
    entries = {(name, 0): {"psnr_hole": FIVE} for name in "abc"}
    for name in "abc":
        run = fake_run(tmp_path / name, entries, failed={(name, 0): broken})
        checked = check(run, None, "psnr_hole<1")
        assert checked.exit() == Exit.PARTIAL
        assert checked.notes == [f"{name} failed on 2 pictures of scenes; they are excluded from the means."]


@pytest.mark.parametrize("rule", ["psnr_hole<1", "psnr_hole:1"])
def test_fills_that_one_side_lacks_make_it_partial_unless_only_shared_ones_are_asked_for(
    tmp_path: Path, rule: str
) -> None:
    entries = {("a", seed): {"psnr_hole": FIVE} for seed in (0, 1)}
    old, new = (fake_run(tmp_path / name, entries) for name in ("old", "new"))
    (new.path / "records" / "a" / "seed-1" / "scenes-circle.parquet").unlink()
    checked = check(new, old, rule)
    assert checked.notes == ["5 fills of a on scenes are missing on one side."]
    assert checked.exit() == Exit.PARTIAL
    shared = check(new, old, rule, options=Options(common=True))
    assert (shared.notes, shared.exit()) == ([], Exit.OK)


def test_what_common_leaves_out_is_told(tmp_path: Path) -> None:
    entries = {("a", 0): {"psnr_hole": FIVE, "lpips": FIVE / 100}}
    old, new = fake_run(tmp_path / "old", entries), fake_run(tmp_path / "new", entries, versions={"lpips": 2})
    checked = check(new, old, "psnr_hole:1", options=Options(common=True))
    assert checked.notes == ["Left out, measured by different versions: lpips (1 in old, 2 in new)."]
    with pytest.raises(IncomparableError, match="measured differently"):
        check(new, old, "psnr_hole:1")
