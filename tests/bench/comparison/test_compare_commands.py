"""``bench compare``, ``bench check`` and ``bench noise`` as they are typed: output, files and exit codes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from bench.cli import main
from tests.bench.fake_runs import fake_run

BASE = np.random.default_rng(0).normal(20, 3, (30, 2))
Typed = Callable[..., tuple[int, str, str]]


def scores(seed: int, drop: float = 0.0) -> dict[str, np.ndarray]:
    psnr = BASE - drop + np.random.default_rng(seed).normal(0, 0.4, BASE.shape)
    return {"psnr_hole": psnr, "ssim_hole": psnr / 40, "lpips": 0.6 - psnr / 50}


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """A working directory with two runs, and a way to type commands there: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("BENCH_RUNS_DIR", raising=False)
    telea = scores(9)
    for name, drop in (("old", 0.0), ("new", 2.0)):
        seed = 1 if name == "old" else 2
        entries = {("baseline", 0): scores(3), ("double_dg", 0): scores(seed, drop), ("telea", 0): telea}
        fake_run(tmp_path / "runs" / name, entries, kinds={"telea": "reference"})
    os.utime(tmp_path / "runs" / "old" / "run.json", (1, 1))

    def type_(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["bench", *words])
        with pytest.raises(SystemExit) as end:
            main()
        shown = capsys.readouterr()
        return int(end.value.code or 0), shown.out, shown.err

    return type_


def test_compare_prints_a_table_within_80_columns(typed: Typed) -> None:
    code, out, err = typed("compare", "baseline", "double_dg")
    assert code == 0
    assert err == ""
    assert max(map(len, out.splitlines())) <= 80
    line = next(line for line in out.splitlines() if line.startswith("psnr_hole"))
    assert "▼ worse" in line
    assert "[-" in line
    assert "…" not in out


def test_compare_json_is_json_and_nothing_else(typed: Typed) -> None:
    code, out, _ = typed("compare", "old:double_dg", "double_dg", "--json", "--fail-if", "psnr_hole:0.2")
    content = json.loads(out)
    assert code == 3
    assert content["reference"] == "old:double_dg"
    assert content["check"]["state"] == "regression"


def test_compare_writes_markdown_for_a_pull_request(typed: Typed, tmp_path: Path) -> None:
    typed("compare", "baseline", "double_dg", "--markdown", "c.md")
    text = (tmp_path / "c.md").read_text()
    assert "### `double_dg` against `baseline`" in text
    assert "| psnr\\_hole \\[dB ↑\\] | all |" in text
    _, out, _ = typed("compare", "baseline", "double_dg", "--markdown", "-")
    assert out == text


def test_compare_of_three_shows_ranking_and_matrix(typed: Typed) -> None:
    _, out, _ = typed("compare", "baseline", "double_dg", "telea")
    assert "Ranking" in out
    assert "gain of the row over the column" in out
    assert "…" not in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("compare", "baseline"), 2, "at least one candidate"),
        (("compare", "baseline", "double_dgg"), 2, "did you mean double_dg"),
        (("compare", "baseline", "double_dg", "--metrics", "psnr_hol"), 2, "did you mean psnr_hole"),
        (("compare", "baseline", "double_dg", "--metrics", "lpips_student"), 2, "not every side was scored with it"),
        (("compare", "baseline", "double_dg", "--masks", "rekt"), 2, "did you mean rect"),
        (("compare", "baseline", "double_dg", "--tolerance", "psnr_hole"), 2, "METRIC=VALUE"),
        (("compare", "baseline", "double_dg", "--tolerance", "psnr=1"), 2, "unknown metric 'psnr'"),
        (("compare", "baseline", "double_dg", "--fail-if", "psnr_hole"), 2, "is not a rule"),
        (("check", "--fail-if", "psnr_hole:0.2"), 4, "--against"),
        (("check",), 2, "--init"),
        (("check", "nowhere", "--fail-if", "psnr_hole<1"), 2, "no run at"),
        (("check", "--thresholds", "none.toml"), 2, "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_its_exit_code(
    typed: Typed, words: tuple[str, ...], code: int, said: str
) -> None:
    found, out, err = typed(*words)
    assert found == code
    assert said in err
    assert "Traceback" not in err
    assert out == ""


def test_check_takes_the_newest_run_and_ends_with_3_on_a_regression(typed: Typed, tmp_path: Path) -> None:
    code, out, _ = typed(
        "check", "--against", "old", "--fail-if", "psnr_hole:0.2", "--junit", "j.xml", "--markdown", "m.md"
    )
    assert code == 3
    assert out.splitlines()[-1] == "new against old: regression (2 pass, 1 regression)"
    suite = ElementTree.parse(tmp_path / "j.xml").getroot().find("testsuite")
    assert suite is not None
    assert suite.get("failures") == "1"
    assert (tmp_path / "m.md").read_text().startswith("### ❌")


def test_a_failing_line_says_rule_measured_allowed_interval_and_where_to_look(typed: Typed) -> None:
    _, out, _ = typed("check", "--against", "old", "--fail-if", "double_dg.psnr_hole[rect]:0.2")
    told = " ".join(out.split())
    for part in ("rule 'double_dg.psnr_hole[rect]:0.2'", "worse than the reference", "0.20 dB is allowed", "look at"):
        assert part in told


def test_check_json_is_json_and_nothing_else(typed: Typed) -> None:
    code, out, _ = typed("check", "new", "--fail-if", "double_dg.ssim_hole<0.9", "--json")
    assert code == 3
    assert json.loads(out)["rules"][0]["state"] == "regression"


def test_init_check_and_damage(typed: Typed, tmp_path: Path) -> None:
    code, out, err = typed("check", "old", "--init")
    assert (code, out) == (0, "")
    assert "wrote thresholds.toml" in err
    assert typed("check", "old")[0] == 0
    assert typed("check", "new")[0] == 3
    code, _, err = typed("check", "old", "--init")
    assert code == 2
    assert "--force" in err
    broken = (tmp_path / "thresholds.toml").read_text().replace("lpips:", "lpisp:")
    (tmp_path / "thresholds.toml").write_text(broken)
    line = next(n for n, text in enumerate(broken.splitlines(), 1) if "lpisp" in text)
    code, _, err = typed("check", "old")
    assert code == 2
    assert f"thresholds.toml line {line}" in err
    assert "did you mean lpips" in err


def test_the_verdict_is_printed_even_where_a_file_cannot_be_written(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, out, err = typed("check", "--against", "old", "--fail-if", "psnr_hole:0.2", "--junit", "file/junit.xml")
    assert code == 1
    assert "regression" in out
    assert "cannot be written" in err


def test_common_is_offered_only_where_it_helps(typed: Typed, tmp_path: Path) -> None:
    manifest = tmp_path / "runs" / "new" / "run.json"
    facts = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**facts, "suite": "f" * 64}))
    assert "--common" in typed("compare", "old:baseline", "new:baseline")[2]
    code, _, err = typed("noise", "old", "new")
    assert (code, "--common" in err) == (4, False)
    manifest.write_text(json.dumps({**facts, "suite": "f" * 64, "size": 33}))
    code, _, err = typed("compare", "old:baseline", "new:baseline")
    assert (code, "--common" in err) == (4, False)
    assert "does not help" in typed("compare", "old:baseline", "new:baseline", "--common")[2]


def test_a_table_in_a_file_is_not_cut_to_a_terminals_width(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS")
    out = typed("compare", "baseline", "double_dg")[1]
    assert "win/tie/loss" in out
    assert "30 images of " in out


def test_thresholds_and_rules_of_the_command_line_add_up(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text('against = "old"\nfail_if = ["psnr_hole:9"]\n')
    assert typed("check", "--thresholds", "t.toml")[0] == 0
    assert typed("check", "--thresholds", "t.toml", "--fail-if", "lpips[circle]:2%")[0] == 3


def test_noise_prints_the_floor_and_says_when_it_is_unknown(typed: Typed) -> None:
    code, out, err = typed("noise", "old")
    assert (code, out) == (4, "")
    assert "holds one training of each variant" in err
    code, out, _ = typed("noise", "old", "new", "--json")
    assert {row["instances"] for row in json.loads(out)["rows"]} == {2}


def test_a_check_does_not_write_json_and_markdown_to_one_stdout(typed: Typed) -> None:
    code, out, err = typed("check", "--fail-if", "psnr_hole<1", "--json", "--markdown", "-")
    assert (code, out) == (2, "")
    assert "--json and --markdown - both write to stdout: give --markdown a file" in err


def test_a_reference_that_was_not_kept_beside_its_thresholds_is_named_with_both_places(typed: Typed) -> None:
    Path("t.toml").write_text('against = "t-reference"\nfail_if = ["psnr_hole:0.2"]\n')
    code, out, err = typed("check", "--thresholds", "t.toml")
    assert (code, out) == (2, "")
    assert "t.toml: against names t-reference, which is neither a folder beside the file nor a run" in err
    Path("t.toml").write_text('against = "old"\nfail_if = ["telea.psnr_hole:0.2"]\n')
    assert typed("check", "--thresholds", "t.toml")[0] == 0


def test_junit_goes_to_a_file_not_to_one_called_minus(typed: Typed) -> None:
    code, out, err = typed("check", "--fail-if", "psnr_hole<1", "--junit", "-")
    assert (code, out) == (2, "") and "--junit needs a file: '-' is not one" in err
