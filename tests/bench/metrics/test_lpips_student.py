"""The student's columns: there where LPIPS cannot be had, gone where it can, marked as an estimate, never LPIPS."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.backbones import student
from bench.comparison.compare import compare
from bench.exporters.markdown import scores_markdown
from bench.exporters.scores_terminal import print_scores
from bench.metrics.registry import metric
from bench.metrics.scorer import Scorer
from bench.runs.reader import Run
from bench.statistics.summary import write_summary
from bench.student import figures
from tests.bench.fake_runs import fake_run

NAMES = ["lpips_student", "lpips_student_hole"]
FIGURES = Path(student.FILE).with_name("FIGURES.md")


@pytest.fixture
def standin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A student of random weights, and no backbone anywhere."""
    torch.manual_seed(0)
    student.Student().save(tmp_path / "student.safetensors", {})
    monkeypatch.setattr(student, "FILE", tmp_path / "student.safetensors")
    for name in ("BENCH_WEIGHTS_DIR", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    return tmp_path / "student.safetensors"


def pictures() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 256, (64, 72, 3), dtype=np.uint8)
    hole = np.zeros((64, 72), bool)
    hole[10:40, 20:50] = True
    return truth, hole, np.where(hole[..., None], np.uint8(90), truth)


def test_without_a_backbone_the_student_fills_columns_of_its_own(standin: Path) -> None:
    truth, hole, filled = pictures()
    scorer = Scorer()
    row, exact = scorer.score("a", truth, hole, [filled, truth])
    with torch.inference_mode():
        a, b = (
            torch.from_numpy(picture.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
            for picture in (truth, filled)
        )
        shift = torch.tensor([-0.030, -0.088, -0.188])[:, None, None]
        scale = torch.tensor([0.458, 0.448, 0.450])[:, None, None]
        expected = float(student.load_stack(standin).distances((a - shift) / scale, (b - shift) / scale)[0])
    assert row["lpips_student"] == pytest.approx(expected, abs=1e-5)
    assert row["lpips_student_hole"] > 0
    assert [exact[name] for name in NAMES] == [0, 0]
    assert np.isnan(row["lpips"]) and "lpips" in scorer.missing
    assert not scorer.missing.keys() & set(NAMES)


def test_it_is_left_out_where_no_student_is_bundled_or_the_protocol_has_another_lpips(standin: Path) -> None:
    assert not Scorer(protocol="lama").metrics.keys() & set(NAMES)
    standin.unlink()
    assert not Scorer().metrics.keys() & set(NAMES)
    assert "no student is bundled" in Scorer(NAMES).missing[NAMES[0]]
    standin.write_bytes(b"no tensors")
    assert "cannot be read" in Scorer(NAMES).missing[NAMES[0]]


def test_it_is_left_out_where_lpips_itself_is_at_hand(standin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.metrics.lpips.missing", lambda context: None)
    entry = metric.get(NAMES[0])
    context = Scorer(["psnr"]).context
    assert entry.left_out is not None and entry.left_out(context)
    assert entry.unavailable is not None and "LPIPS itself is available" in str(entry.unavailable(context))


def test_it_is_never_called_lpips_and_tells_its_error_wherever_it_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    entries = {(name, 0): {"lpips_student": rng.uniform(0.1, 0.2, (12, 2))} for name in ("a", "b")}
    run = fake_run(tmp_path / "r", entries)
    write_summary(run)
    run = Run.open(run.path)
    monkeypatch.setenv("COLUMNS", "140")
    print_scores(run)
    error = metric.get("lpips_student").mean_error
    told = f"lpips_student is approximate, off by {error:g} on average"
    for text in (capsys.readouterr().out, scores_markdown(run).replace("\\", "")):
        assert told in text and "≈ ↓" in text
    rows = json.loads((run.path / "summary.json").read_text())["scores"]
    assert {(row["approximate"], row["mean_error"]) for row in rows} == {(True, error)}
    found = compare(["a", "b"], tmp_path)
    assert any(note.startswith(told) for note in found.notes)
    assert all(row["approximate"] and "LPIPS" not in row["label"] for row in found.rows)


@pytest.mark.parametrize(("name", "section"), [(NAMES[0], "## All fills"), (NAMES[1], "## The hole alone")])
def test_the_error_told_is_each_columns_own_and_not_less_than_the_figures_say(name: str, section: str) -> None:
    text = FIGURES.read_text(encoding="utf-8").split(section)[1].split("\n## ")[0]
    errors = [float(found) for found in re.findall(r"\| \d+ \| [\d.]+ \| [\d.]+ \| ([\d.]+) \|", text)]
    assert len(errors) == 3
    assert 0 <= (metric.get(name).mean_error or 0) - max(errors) < 0.01


def test_the_error_told_under_large_holes_is_not_less_than_the_figures_say() -> None:
    rows = re.findall(r"\| picture \| .* \| ([\d.]+) \|\n", FIGURES.read_text(encoding="utf-8"))
    told = re.search(r"off by ([\d.]+) under holes like half", metric.get(NAMES[0]).caveat)
    assert told and len(rows) == 3
    assert max(map(float, rows)) <= float(told[1])


def test_the_figures_of_the_hole_are_the_holes_own_and_leave_the_larger_mask_out() -> None:
    teacher = np.random.default_rng(0).uniform(0.1, 0.2, (6, 4, 2))
    off = np.array([1, 1, 1, 1, 1, 7])[:, None, None]  # the last is the larger mask
    columns = {
        "picture": figures.Values(teacher, teacher + 0.001 * off, ["a", "b"]),
        "hole": figures.Values(teacher, teacher + 0.03 * off, ["a", "b"]),
    }
    text = figures.report(dict.fromkeys(figures.WANTED, columns), {}, few=True)
    hole = text.split("## The hole alone")[1].split("\n## ")[0]
    assert "of a quarter of the pictures" in hole and "0.0300 | +0.0300" in hole
    assert "| hole | 0.0300 | 0.0300 | 0.0300 | 0.0300 | 0.0300 | 0.2100 |" in hole
    assert "0.0010 | +0.0010" in text.split("## All fills")[1].split("\n## ")[0]


@pytest.mark.skipif(not student.FILE.is_file(), reason="no student is bundled")
def test_the_bundled_student_is_small_and_gives_exact_fills_nothing() -> None:
    assert student.FILE.stat().st_size < 2_500_000
    stack = student.load_stack(student.FILE)
    assert all(bool((head >= 0).all()) for head in stack.heads)
