"""What a check tells people and CI: the terminal, Markdown and JUnit of the same four lines, word for word."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console

from bench.comparison.sides import Side
from bench.exporters.junit import check_junit
from bench.exporters.markdown import check_markdown
from bench.exporters.terminal import explained, interval_legend, print_check, verdict
from bench.gate.lines import Line, Reading, Target
from bench.gate.rules import parse_rule
from bench.gate.verdict import Check
from tests.bench.fake_runs import fake_run

NAN = float("nan")


@pytest.fixture
def lines(tmp_path: Path) -> dict[str, Line]:
    """A line of every state, and an undecided speed without an interval."""
    run = fake_run(tmp_path / "new", {("net", 0): {"psnr_hole": np.full((3, 2), 20.0)}})
    side = Side(run, "net", None, "net")

    def line(rule: str, state: str, reading: Reading, unit: str, place: tuple[str, str], why: str = "") -> Line:
        target = Target(parse_rule(rule), side, side, *place)
        return Line(target, state, reading, unit, 0.95, 20.0, 19.0, "new/report.html", why)

    return {
        "worse": line("psnr_hole:0.5", "regression", Reading(0.91, 0.625, 1.2), "dB", ("scenes", "all")),
        "open": line("lpips[circle]:2%", "undecided", Reading(1.5, -0.5, 3.5), "%", ("scenes", "circle")),
        "fine": line("ssim_hole<0.45", "pass", Reading(0.5, 0.48, 0.52), "", ("scenes", "all")),
        "timed": line("net.speed:10%", "undecided", Reading(4.0, NAN, NAN), "%", ("", "cpu/fp32"), "too few samples"),
    }


WORSE = (
    "net on scenes [all]: psnr_hole is 0.91 dB [0.62, 1.20] worse than the reference, 0.50 dB is allowed; rule "
    "'psnr_hole:0.5' (--fail-if); look at new/report.html"
)
OPEN = (
    "net on scenes [circle]: lpips is 1.5% [-0.5, 3.5] worse than the reference, 2.0% is allowed; rule "
    "'lpips[circle]:2%' (--fail-if); look at new/report.html"
)
FINE = (
    "net on scenes [all]: ssim_hole is 0.5000 [0.4800, 0.5200], the floor is 0.4500; rule 'ssim_hole<0.45' "
    "(--fail-if); look at new/report.html"
)
TIMED = (
    "net on speed [cpu/fp32]: speed is 4.0% [–, –] worse than the reference, 10.0% is allowed (too few samples); rule "
    "'net.speed:10%' (--fail-if); look at new/report.html"
)


def test_a_line_is_explained_in_one_sentence(lines: dict[str, Line]) -> None:
    assert {name: explained(line) for name, line in lines.items()} == {
        "worse": WORSE,
        "open": OPEN,
        "fine": FINE,
        "timed": TIMED,
    }


@pytest.mark.parametrize(
    ("names", "strict", "partial", "said"),
    [
        ("fine", False, False, "new against old: pass (1 pass)"),
        ("fine", True, True, "new against old: pass (1 pass); partial, see the notes"),
        ("fine open timed", False, False, "new against old: undecided (1 pass, 2 undecided)"),
        ("open", True, False, "new against old: undecided (--strict: undecided fails) (1 undecided)"),
        ("open worse fine", False, False, "new against old: regression (1 pass, 1 regression, 1 undecided)"),
        ("open worse", True, True, "new against old: regression (1 regression, 1 undecided); partial, see the notes"),
    ],
)
def test_the_verdict_is_the_worst_state_with_the_counts(
    lines: dict[str, Line], names: str, strict: bool, partial: bool, said: str
) -> None:
    checked = Check("new", "old", [lines[name] for name in names.split()], [], partial)
    assert verdict(checked, strict) == said
    alone = Check("new", None, checked.lines, [], partial)
    assert verdict(alone, strict) == said.replace(" against old", "")


def cases(text: str) -> tuple[dict[str, str], dict[str, tuple[str, str, str]]]:
    """The counts of a suite, and of every case what it ended as, the type and the message."""
    suite = ElementTree.fromstring(text).find("testsuite")
    assert suite is not None
    found = {}
    for case in suite.iter("testcase"):
        children = list(case) or [ElementTree.Element("passed")]
        assert len(children) == 1
        name = f"{case.get('classname')}: {case.get('name')}"
        found[name] = (children[0].tag, children[0].get("type", ""), children[0].get("message", ""))
    counts = {key: suite.get(key, "") for key in ("name", "tests", "failures", "errors", "skipped")}
    return counts | {"out": suite.findtext("system-out", "")}, found


@pytest.mark.parametrize("strict", [False, True])
def test_junit_has_a_case_a_line_and_undecided_is_skipped_unless_strict(lines: dict[str, Line], strict: bool) -> None:
    checked = Check("new", "old", list(lines.values()), ["a note", "another\x00"])
    counts, found = cases(check_junit(checked, strict))
    assert counts == {
        "name": "bench check new",
        "tests": "4",
        "failures": "3" if strict else "1",
        "errors": "0",
        "skipped": "0" if strict else "2",
        "out": "a note\nanother?",
    }
    tag, kind = ("failure", "undecided") if strict else ("skipped", "")
    assert found == {
        "bench.net: psnr_hole:0.5 scenes [all]": ("failure", "regression", WORSE),
        "bench.net: lpips[circle]:2% scenes [circle]": (tag, kind, OPEN),
        "bench.net: ssim_hole<0.45 scenes [all]": ("passed", "", ""),
        "bench.net: net.speed:10% [cpu/fp32]": (tag, kind, TIMED),
    }


@pytest.mark.parametrize("strict", [False, True])
def test_markdown_has_the_verdict_then_what_failed_then_every_line(lines: dict[str, Line], strict: bool) -> None:
    text = check_markdown(Check("new", "old", list(lines.values()), ["a_note"], partial=True), strict)

    def plain(said: str) -> str:
        for sign in "_[]":
            said = said.replace(sign, f"\\{sign}")
        return said

    counts = "1 pass, 1 regression, 2 undecided"
    failing = [f"- ❌ {plain(WORSE)}"] + ([f"- ❔ {plain(OPEN)}", f"- ❔ {plain(TIMED)}"] if strict else [])
    table = [
        "| | rule | variant | data | mask | measured | interval | allowed |",
        "| :-: | :-- | :-- | :-- | :-- | --: | :-: | --: |",
        "| ❌ | `psnr_hole:0.5` | `net` | scenes | all | 0.91 | [0.62, 1.20] | 0.50 dB |",
        "| ❔ | `lpips[circle]:2%` | `net` | scenes | circle | 1.5 | [-0.5, 3.5] | 2.0% |",
        "| ✅ | `ssim_hole<0.45` | `net` | scenes | all | 0.5000 | [0.4800, 0.5200] | 0.4500 |",
        "| ❔ | `net.speed:10%` | `net` |  | cpu/fp32 | 4.0 | [–, –] | 10.0% |",
    ]
    parts = [f"### ❌ new against old: regression ({counts}); partial, see the notes", *failing, "\n".join(table)]
    assert text == "\n\n".join([*parts, "- a\\_note"]) + "\n"


def test_markdown_folds_a_table_of_more_than_twelve_lines(lines: dict[str, Line]) -> None:
    for count, folded in ((12, False), (13, True)):
        text = check_markdown(Check("new", "old", [lines["fine"]] * count))
        assert text.startswith("### ✅ new against old: pass")
        assert (f"<details><summary>All {count} lines</summary>" in text) is folded


@pytest.mark.parametrize("strict", [False, True])
def test_the_terminal_shows_every_line_the_failing_ones_explained_and_the_verdict_last(
    lines: dict[str, Line], strict: bool, tmp_path: Path
) -> None:
    with (tmp_path / "shown").open("w") as file:
        checked = Check("new", "old", list(lines.values()), ["a note"])
        print_check(checked, strict, Console(file=file, width=100))
    shown = [line.rstrip() for line in (tmp_path / "shown").read_text().splitlines()]
    assert shown[-1] == verdict(checked, strict)
    told = " ".join(" ".join(shown).split())
    table, _, rest = told.partition("Intervals: 95 %")
    for rule, cells in (
        ("psnr_hole:0.5", "net 0.91 [0.62, 1.20] 0.50 dB REGRESSION"),
        ("lpips[circle]:2%", "net [circle] 1.5 [-0.5, 3.5] 2.0% undecided"),
        ("ssim_hole<0.45", "net 0.5000 [0.4800, 0.5200] 0.4500 pass"),
        ("net.speed:10%", "net [cpu/fp32] 4.0 [–, –] 10.0% undecided"),
    ):
        assert f"{rule} {cells}" in table
    assert f"REGRESSION {WORSE}" in table
    assert (f"undecided {OPEN}" in table, f"undecided {TIMED}" in table) == (strict, strict)
    assert FINE not in table
    assert "· a note" in table
    assert rest


def test_the_legend_tells_the_widest_interval(lines: dict[str, Line]) -> None:
    fine, open_ = lines["fine"], lines["open"]
    assert interval_legend(Check("new", None, [fine])).startswith("Intervals: 95 %; a check")
    wide = Line(open_.target, "undecided", open_.reading, "%", 0.985, 20.0, 19.0, "")
    for order in ([fine, wide], [wide, fine]):
        assert interval_legend(Check("new", None, order)).startswith(
            "Intervals: 95 %, up to 98.5 % where the tolerance lies within the noise; a check"
        )
