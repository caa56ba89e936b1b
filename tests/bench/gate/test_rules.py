"""The grammar of rules and the threshold file: what is read, and what is refused with which line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.gate.rules import parse_rule, read_thresholds
from bench.util.errors import UsageError


@pytest.mark.parametrize(
    ("text", "variant", "metric", "mask", "kind", "amount", "percent"),
    [
        ("psnr_hole:0.2", None, "psnr_hole", None, "drop", 0.2, False),
        ("lpips[circle]:2%", None, "lpips", "circle", "drop", 2.0, True),
        ("double_dg.ssim_hole<0.45", "double_dg", "ssim_hole", None, "floor", 0.45, False),
        ("lpips>0.3", None, "lpips", None, "ceiling", 0.3, False),
        ("double_dg@1.psnr_hole[thick*]:.5", "double_dg@1", "psnr_hole", "thick*", "drop", 0.5, False),
        (" psnr_hole : 0.25 % ", None, "psnr_hole", None, "drop", 0.25, True),
        ("colour_shift_r<-3.5", None, "colour_shift_r", None, "floor", -3.5, False),
        ("gan_*.speed:1e1%", "gan_*", "speed", None, "drop", 10.0, True),
        ("my.model.psnr_hole:1", "my.model", "psnr_hole", None, "drop", 1.0, False),
        ("psnr_hole[ thick* ]:0", None, "psnr_hole", "thick*", "drop", 0.0, False),
        ("colour_shift_r>-2", None, "colour_shift_r", None, "ceiling", -2.0, False),
        ("a.torchmetrics:VIF@hole[rect]:1%", "a", "torchmetrics:VIF@hole", "rect", "drop", 1.0, True),
        ("pyiqa:clipiqa+_rn50_512:0.1", None, "pyiqa:clipiqa+_rn50_512", None, "drop", 0.1, False),
        ("colour_shift_r<+1.5e-1", None, "colour_shift_r", None, "floor", 0.15, False),
    ],
)
def test_rules_are_read(
    text: str, variant: str | None, metric: str, mask: str | None, kind: str, amount: float, percent: bool
) -> None:
    rule = parse_rule(text)
    found = (rule.variant, rule.metric, rule.mask, rule.kind, rule.amount, rule.percent)
    assert found == (variant, metric, mask, kind, amount, percent)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("psnr_hole", "no ':'"),
        ("psnr_hole:", "the number is missing"),
        ("psnr_hole:two", "'two' is not a number"),
        ("psnr_hole:nan", "'nan' is not a number"),
        ("psnr_hole[rect:0.2", "a bracket is not closed"),
        ("psnr_hole[]:0.2", "name a mask type"),
        ("psnr_hole:-0.2", "0 or more"),
        ("psnr_hole<20%", "a percentage is relative to a reference"),
        ("psnr hole:0.2", "not a metric's name"),
        ("", "it is empty"),
        ("psnr_hole:0.2 dB", "is not a number"),
        ("psnr_hole==3", "no ':'"),
        (":0.2", "the metric's name is missing"),
        ("psnr_hole[ ]:0.2", "name a mask type"),
        ("lpips>2%", "a percentage is relative to a reference"),
        ("psnr_hole:1e999", "1e999 is larger than any number"),
        ("psnr_hole<-1e999", "larger than any number"),
    ],
)
def test_broken_rules_are_refused_saying_what_is_broken(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse_rule(text)
    assert said in str(refusal.value)
    assert "--fail-if" in str(refusal.value)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_threshold_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_bytes(b'\xef\xbb\xbffail_if = ["psnr_hole:0.2"]\n')
    assert [rule.text for rule in read_thresholds(tmp_path / "t.toml").rules] == ["psnr_hole:0.2"]


def test_a_threshold_file_is_read_with_line_numbers(tmp_path: Path) -> None:
    file = write(
        tmp_path / "t.toml",
        '# "psnr_hole:0.2" as a comment does not count\n'
        'against = "main"\nstrict = true\n'
        'fail_if = [\n  "psnr_hole:0.2",\n\n  # "lpips:2%"\n  "lpips:2%", "ssim_hole<0.4",\n  \'psnr_hole:0.2\',\n]\n',
    )
    found = read_thresholds(file)
    assert found.against == "main"
    assert found.strict
    assert [rule.where.rpartition(" ")[2] for rule in found.rules] == ["5", "8", "8", "9"]


def test_a_threshold_file_of_rules_alone_is_not_strict_and_names_no_run(tmp_path: Path) -> None:
    found = read_thresholds(write(tmp_path / "t.toml", 'fail_if = ["psnr_hole:0.2"]'))
    assert (found.path, found.against, found.strict) == (tmp_path / "t.toml", None, False)
    assert [rule.text for rule in found.rules] == ["psnr_hole:0.2"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('fail_if = [\n  "psnr:1",\n  "psnr:1",\n]', ["2", "3"]),
        ('fail_if = [\n  "net#2.psnr:1", "lpips:1",\n  "lpips:1",\n]', ["2", "2", "3"]),
        ("fail_if = [\n  'net#2.psnr:1', 'lpips:1',\n  'lpips:1',\n]", ["2", "2", "3"]),
        ('fail_if = [\n  "psnr:1", # "lpips:1"\n  "lpips:1",\n]', ["2", "3"]),
    ],
)
def test_every_rule_has_the_line_it_stands_on(tmp_path: Path, text: str, lines: list[str]) -> None:
    found = read_thresholds(write(tmp_path / "t.toml", text))
    assert [rule.where for rule in found.rules] == [f"{tmp_path / 't.toml'} line {line}" for line in lines]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('fail_if = [\n  "psnr_hole:0.2",\n  "lpips:two",\n]', "line 3: 'lpips:two' is not a rule"),
        ('fail_if = ["psnr_hole:0.2"]\n\nfail_fi = 3', "line 3: unknown key 'fail_fi': did you mean fail_if"),
        ('[rules]\npsnr_hole = "0.2"', "line 1: unknown key 'rules'"),
        ("fail_if = [\n", "is not valid TOML"),
        ("fail_if = 3", "line 1: fail_if is a list"),
        ("fail_if = [0.2]", "line 1: fail_if is a list"),
        ('\nfail_if = ["psnr:1"]\nstrict = "yes"', "line 3: strict is true or false"),
        ('fail_if = ["psnr:1"]\nagainst = 3', "line 2: against is the name"),
        ("fail_if = []", "holds no rule"),
    ],
)
def test_a_broken_threshold_file_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as refusal:
        read_thresholds(write(tmp_path / "t.toml", text))
    assert said in str(refusal.value)


def test_a_missing_threshold_file_is_refused_with_the_way_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--init"):
        read_thresholds(tmp_path / "none.toml")


def test_toml_errors_name_the_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 2"):
        read_thresholds(write(tmp_path / "t.toml", 'against = "a"\nfail_if = [psnr]\n'))


def test_what_is_no_text_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.toml").mkdir()
    for name in ("t.toml", "folder.toml"):
        with pytest.raises(UsageError, match=f"{name} cannot be read .*: name a text file"):
            read_thresholds(tmp_path / name)
