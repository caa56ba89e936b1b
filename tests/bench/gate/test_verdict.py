"""The gate on invented runs: three states, exit codes, names, and what the notes say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.comparison.sides import Side
from bench.gate.rules import parse_rule
from bench.gate.verdict import Check, check_run, check_sides
from bench.runs.reader import Run
from bench.util.errors import Exit, IncomparableError, UsageError
from tests.bench.fake_runs import fake_run
from tests.bench.gate.invented import BASE, check, only, pair, scores


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


LIMITS = {"pass": "psnr_hole<10", "undecided": "psnr_hole<20.1", "regression": "psnr_hole<30"}
"""Rules of each state for a run whose mean is 20 with an interval of about one decibel."""


def mixed(tmp_path: Path, states: str, failing: bool = False) -> Check:
    """A check of one line a word of ``states``; failing: two fills could not be scored."""
    psnr = np.array([[19.0, 19.5], [21.0, 20.5], [20.0, 20.0], [19.5, 19.0], [20.5, 21.0]])
    broken = np.zeros((5, 2), bool)
    broken[2] = failing
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": psnr}}, failed={("a", 0): broken})
    checked = check(run, None, *(LIMITS[state] for state in states.split()))
    assert [line.state for line in checked.lines] == states.split()
    return checked


@pytest.mark.parametrize(
    ("states", "state", "code", "strict", "partial", "partial_strict"),
    [
        ("pass", "pass", 0, 0, 5, 5),
        ("undecided", "undecided", 0, 3, 5, 3),
        ("regression", "regression", 3, 3, 3, 3),
        ("pass undecided", "undecided", 0, 3, 5, 3),
        ("undecided pass", "undecided", 0, 3, 5, 3),
        ("pass regression", "regression", 3, 3, 3, 3),
        ("regression pass", "regression", 3, 3, 3, 3),
        ("undecided regression", "regression", 3, 3, 3, 3),
        ("regression undecided", "regression", 3, 3, 3, 3),
        ("pass undecided regression", "regression", 3, 3, 3, 3),
        ("regression undecided pass", "regression", 3, 3, 3, 3),
    ],
)
def test_the_worst_line_is_the_state_and_the_exit_code(
    tmp_path: Path, states: str, state: str, code: int, strict: int, partial: int, partial_strict: int
) -> None:
    whole, part = mixed(tmp_path, states), mixed(tmp_path, states, failing=True)
    assert (whole.state, part.state) == (state, state)
    assert (whole.exit(), whole.exit(strict=True)) == (code, strict)
    assert (part.exit(), part.exit(strict=True)) == (partial, partial_strict)
    for checked, is_partial in ((whole, False), (part, True)):
        assert (checked.as_json()["state"], checked.as_json()["partial"]) == (state, is_partial)
        assert [line["state"] for line in checked.as_json()["rules"]] == states.split()


def test_json_says_which_run_against_which_and_every_note_once(tmp_path: Path) -> None:
    broken = np.zeros(BASE.shape, bool)
    broken[0, 0] = True
    old, new = pair(tmp_path, 0.0, failed={("double_dg", 0): broken})
    found = check(new, old, "psnr_hole:3", "psnr_hole<1", "lpips>9").as_json()
    told = "double_dg failed on 1 pictures of scenes; they are excluded from the means."
    assert {key: found[key] for key in ("schema", "run", "against", "partial", "notes")} == {
        "schema": 1,
        "run": "new",
        "against": "old",
        "partial": True,
        "notes": [told],
    }
    assert check(new, None, "psnr_hole<1").as_json()["against"] is None


def test_failed_fills_make_a_pass_partial(tmp_path: Path) -> None:
    broken = np.zeros(BASE.shape, bool)
    broken[0, 0] = True
    old, new = pair(tmp_path, -2.0, failed={("double_dg", 0): broken})
    checked = check(new, old, "psnr_hole:0.5")
    assert checked.exit() == Exit.PARTIAL
    assert any("failed on 1" in note for note in checked.notes)


def named(path: Path, *names: str, command: tuple[str, ...] = ("bench", "run")) -> Run:
    return fake_run(path, {(name, 0): scores(9) for name in names}, command=list(command))


GONE, NEW = "In old but not in new: double_dg.", "Not in old, so not compared with it: telea."


def test_a_variant_that_has_gone_makes_a_pass_partial(tmp_path: Path) -> None:
    old, new = named(tmp_path / "old", "double_dg", "telea"), named(tmp_path / "new", "telea")
    checked = check(new, old, "psnr_hole:0.5")
    assert checked.notes == [GONE]
    assert checked.exit() == Exit.PARTIAL


def test_a_variant_that_is_new_is_told_and_does_no_harm(tmp_path: Path) -> None:
    old, new = named(tmp_path / "old", "double_dg"), named(tmp_path / "new", "double_dg", "telea")
    checked = check(new, old, "psnr_hole:0.5")
    assert checked.notes == [NEW]
    assert checked.exit() == Exit.OK
    assert [line.target.candidate.label for line in checked.lines] == ["double_dg"]
    assert check(new, None, "psnr_hole<1").notes == []


def test_one_method_scored_by_hand_is_held_against_its_own_line_of_a_whole_run(tmp_path: Path) -> None:
    old = named(tmp_path / "old", "double_dg", "telea")
    new = named(tmp_path / "new", "telea", command=("bench", "eval", "telea"))
    checked = check(new, old, "psnr_hole:0.5")
    assert checked.notes == [GONE]
    assert checked.exit() == Exit.OK


def test_notes_of_the_run_and_of_its_lines_stand_together(tmp_path: Path) -> None:
    broken = np.zeros(BASE.shape, bool)
    broken[1, 1] = True
    old = named(tmp_path / "old", "double_dg", "b")
    new = fake_run(tmp_path / "new", {(n, 0): scores(9) for n in ("telea", "b")}, failed={("b", 0): broken})
    checked = check(new, old, "psnr_hole:0.5")
    assert checked.notes == [GONE, NEW, "b failed on 1 pictures of scenes; they are excluded from the means."]
    assert checked.partial


def test_a_run_held_against_itself_is_told_so(tmp_path: Path) -> None:
    run = named(tmp_path / "old", "b")
    assert check(run, run, "psnr_hole:0").notes == ["old is compared with itself, so nothing can have changed."]


def test_a_run_without_records_is_nothing_to_hold(tmp_path: Path) -> None:
    run = named(tmp_path / "old", "b")
    for file in run.record_files():
        file.unlink()
    with pytest.raises(IncomparableError, match="the run old holds no records yet"):
        check(run, None, "psnr_hole<1")


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
        ("fid:2", "fid>VALUE"),
        ("u_ids:2", "u_ids<VALUE"),
    ],
)
def test_unknown_names_and_wrong_directions_are_refused_with_the_right_one(
    tmp_path: Path, rule: str, said: str
) -> None:
    old, new = pair(tmp_path, 0.0)
    with pytest.raises(UsageError) as refusal:
        check(new, old, rule)
    assert said in str(refusal.value)


@pytest.mark.parametrize("rule", ["l1_hole:0.1", "speed:10%", "ssim:0.1", "fid>9"])
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


def test_a_plain_rule_is_about_every_variant_pooled_in_the_runs_order(tmp_path: Path) -> None:
    old, new = pair(tmp_path, 0.0)
    lines = check(new, old, "lpips:1", "psnr_hole:3").lines
    assert [(line.rule.metric, line.target.candidate.label, line.target.mask) for line in lines] == [
        ("lpips", "double_dg", "all"),
        ("lpips", "telea", "all"),
        ("psnr_hole", "double_dg", "all"),
        ("psnr_hole", "telea", "all"),
    ]


def test_one_mask_type_in_brackets_is_held_alone_and_all_means_pooled(tmp_path: Path) -> None:
    _, new = pair(tmp_path, 0.0)
    for rule, masks in (
        ("telea.psnr_hole[circle]<1", ["circle"]),
        ("telea.psnr_hole[all]<1", ["all"]),
        ("telea.psnr_hole[?i*]<1", ["circle"]),
    ):
        assert [line.target.mask for line in check(new, None, rule).lines] == masks


def test_every_rule_has_to_match_something_not_only_the_first(tmp_path: Path) -> None:
    entry = scores(1) | {"lpips": np.full(BASE.shape, np.nan)}
    run = fake_run(tmp_path / "r", {("a", 0): entry})
    with pytest.raises(IncomparableError, match=r"rule 'lpips>0.3' matched nothing of lpips: it has no value there"):
        check(run, None, "psnr_hole<1", "lpips>0.3")


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        ("colour_shift_r>3", "pass"),
        ("colour_shift_r<-3", "pass"),
        ("colour_shift_r>1", "regression"),
        ("colour_shift_r<2.5", "regression"),
    ],
)
def test_a_signed_shift_may_have_both_limits(tmp_path: Path, rule: str, state: str) -> None:
    run = fake_run(tmp_path / "r", {("a", 0): {"colour_shift_r": np.full((5, 2), 2.0)}})
    assert only(check(run, None, rule), "a").state == state


# ---- the sides of a comparison


def sides(tmp_path: Path) -> list[Side]:
    """Two candidates after their reference: a pooled over two seeds, and one seed of b under another label."""
    shifts = {("ref", 0): 0.0, ("a", 0): 1.0, ("a", 1): 2.0, ("b", 4): 3.0, ("b", 5): 9.0}
    run = fake_run(tmp_path / "r", {key: {"psnr_hole": BASE - shift} for key, shift in shifts.items()})
    return [Side(run, "ref", None, "ref"), Side(run, "a", None, "a"), Side(run, "b", 4, "theirs")]


@pytest.mark.parametrize(
    ("rule", "labels"),
    [
        ("psnr_hole:9", {"a": 1.5, "theirs": 3.0}),
        ("b.psnr_hole:9", {"theirs": 3.0}),
        ("b@4.psnr_hole:9", {"theirs": 3.0}),
        ("b@*.psnr_hole:9", {"theirs": 3.0}),
        ("theirs.psnr_hole:9", {"theirs": 3.0}),
        ("*.psnr_hole:9", {"a": 1.5, "theirs": 3.0}),
    ],
)
def test_candidates_are_held_against_the_first_side_by_any_of_their_names(
    tmp_path: Path, rule: str, labels: dict[str, float]
) -> None:
    checked = check_sides([parse_rule(rule)], sides(tmp_path))
    measured = {line.target.candidate.label: line.reading.measured for line in checked.lines}
    assert measured == pytest.approx(labels)
    assert (checked.run, checked.against) == ("r", "ref")


@pytest.mark.parametrize("rule", ["a@0.psnr_hole:9", "ref.psnr_hole:9", "b@5.psnr_hole:9"])
def test_what_is_no_candidate_is_refused(tmp_path: Path, rule: str) -> None:
    with pytest.raises(UsageError, match="unknown variant"):
        check_sides([parse_rule(rule)], sides(tmp_path))


def test_a_candidate_is_held_against_a_reference_of_another_name(tmp_path: Path) -> None:
    scores = np.random.default_rng(0).normal(20, 1, (30, 2))
    kinds = {"old_net": "external", "new_net": "external"}
    old = fake_run(tmp_path / "old", {("old_net", 0): {"psnr_hole": scores}}, kinds=kinds)
    new = fake_run(tmp_path / "new", {("new_net", 0): {"psnr_hole": scores - 1}}, kinds=kinds)
    rules = [parse_rule("psnr_hole:0.2")]
    with pytest.raises(IncomparableError, match="old holds none of the variants"):
        check_run(rules, new, old)
    checked = check_run(rules, new, old, renamed={"new_net": "old_net"})
    # Every picture is 1 dB worse, and 0.2 are allowed.
    assert checked.state == "regression"
    assert [line.as_json()["measured"] for line in checked.lines] == pytest.approx([1.0])
    assert not checked.partial and checked.notes == []
    assert check_run([parse_rule("psnr_hole:1.5")], new, old, renamed={"new_net": "old_net"}).state == "pass"


def test_a_method_of_both_runs_is_not_called_missing_where_another_is_held_against_it(tmp_path: Path) -> None:
    scores = np.random.default_rng(0).normal(20, 1, (30, 2))
    both = {("a", 0): {"psnr_hole": scores}, ("b", 0): {"psnr_hole": scores}}
    kinds = {"a": "external", "b": "external"}
    old, new = (fake_run(tmp_path / name, both, kinds=kinds) for name in ("old", "new"))
    checked = check_run([parse_rule("psnr_hole:0.2")], new, old, renamed={"a": "b"})
    assert checked.notes == ["Nothing is compared with a of old (--map)."]
    assert not checked.partial


@pytest.mark.parametrize(
    ("renamed", "said"), [({"nw": "old_net"}, "unknown variant 'nw'"), ({"new_net": "ol_net"}, "did you mean old_net")]
)
def test_a_wrong_name_of_a_mapping_is_answered(tmp_path: Path, renamed: dict[str, str], said: str) -> None:
    scores = {"psnr_hole": np.full((4, 2), 20.0)}
    old = fake_run(tmp_path / "old", {("old_net", 0): scores})
    new = fake_run(tmp_path / "new", {("new_net", 0): scores})
    with pytest.raises(UsageError, match=said):
        check_run([parse_rule("psnr_hole:0.2")], new, old, renamed=renamed)
    with pytest.raises(UsageError, match="--against RUN"):
        check_run([parse_rule("psnr_hole>1")], new, None, renamed={"new_net": "old_net"})
