"""The command for a GPU, in little on the CPU: every part runs through, so that it does not rot unseen."""

from __future__ import annotations

import importlib
import time
from pathlib import Path

import pytest

from tests.gpu import __main__ as command
from tests.gpu.marked import failures, summary
from tests.gpu.page import Page
from tests.gpu.sizes import tiny
from tests.gpu.training import kind_of

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(
    ("part", "seconds", "wanted"),
    [
        (
            "training",
            1,
            ["| `baseline` |", "| `double_dg` |", "The paper's programme", "| `double_dg`, batch 8: no time left |"],
        ),
        ("speed", 1, ["| `baseline` | fp32", "| `double_dg` | fp32", "| eager | 1 |", "| eager | 2 |"]),
        ("large", 1, ["| eager | 4 |"]),
        ("card", 60, ["columns, LPIPS not among them |", "torchmetrics' PSNR and SSIM"]),
    ],
)
def test_a_part_runs_through_on_the_cpu(part, seconds, wanted, tmp_path):
    page = Page(tmp_path / "page.md", time.time() + seconds, tmp_path)
    importlib.import_module(f"tests.gpu.{part}").measure(page, tiny("cpu"))
    written = page.file.read_text()
    assert "failed" not in written, written
    for line in wanted:
        assert line in written, written


def test_a_part_that_fails_or_hangs_is_a_line_and_the_rest_goes_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "PARTS", {"nothing": 0.2, "asleep": 0.1, "well": 0.7})
    ends = {"nothing": "import no_such_module", "asleep": "import time; time.sleep(99)", "well": "print('fine')"}
    real = command.subprocess.Popen

    def started(words, **settings):
        return real([words[0], "-c", ends[words[words.index("--only") + 1]]], **settings)

    monkeypatch.setattr(command.subprocess, "Popen", started)
    monkeypatch.setattr(command, "head", lambda asked: "## Measured on nothing")
    monkeypatch.setattr(command, "cards", lambda: 1)
    assert command.main(["--out", str(tmp_path), "--minutes", "0.05"]) == 1
    page = (tmp_path / "gpu.md").read_text()
    assert page.startswith("## Measured on nothing")
    assert "`nothing` failed: ModuleNotFoundError: No module named 'no_such_module'" in page
    assert "`asleep` was ended after" in page and "`well`" not in page
    assert "fine" in (tmp_path / "gpu.log").read_text() and "fine" in capsys.readouterr().out


def test_without_a_gpu_one_sentence_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "cards", lambda: 0)
    assert command.main(["--out", str(tmp_path / "gpu")]) == 2
    assert "torch sees no CUDA device" in capsys.readouterr().err and not (tmp_path / "gpu").exists()


def test_a_line_that_fails_leaves_the_table_whole(tmp_path):
    page = Page(tmp_path / "page.md", time.time() + 9, tmp_path)
    page.table("a", "b")
    with page.attempt("adding"):
        raise RuntimeError("no room\nfor more")
    page.row("c", 1234.5)
    assert page.file.read_text().splitlines() == [
        "| a | b |", "| --- | ---: |", "| adding failed: RuntimeError: no room |", "| c | 1,234 |",
    ]  # fmt: skip


def test_a_wrong_part_is_named(tmp_path, capsys):
    assert command.main(["--parts", "sped", "--out", str(tmp_path / "new")]) == 2
    assert "There is no part 'sped'" in capsys.readouterr().err
    assert not Path(tmp_path / "new").exists()


def test_failed_gpu_tests_are_counted_and_named():
    lines = [
        "tests/a/test_x.py::test_one PASSED                     [ 25%]",
        "tests/a/test_x.py::test_two[a b] FAILED                [ 50%]",
        "tests/a/test_x.py::test_three SKIPPED (no CUDA)        [ 75%]",
        "tests/a/test_x.py::test_four PASSED                    [100%]",
        "FAILED tests/a/test_x.py::test_two[ab] - assert 1 == 2",
        "===== 1 failed, 2 passed, 1 skipped in 12.34s =====",
    ]
    assert summary(lines) == "`pytest -m gpu`: 2 passed, 1 failed, 1 skipped in 12.34 s"
    assert failures(lines) == [("test_x.py::test_two[ab]", "assert 1 == 2")]


@pytest.mark.parametrize(
    ("kernel", "kind"),
    [
        ("sm90_xmma_wgrad_indexed_implicit_gemm_bf16bf16_bf16f32_f32_nhwckrsc_nhwc_tilesize64x64x64", "convolutions"),
        ("void convolve_common_engine_float_NHWC<__nv_bfloat16, __nv_bfloat16, 128, 5, 5, 3, 3>", "convolutions"),
        (
            "void cutlass__5x_cudnn::Kernel<cutlass_tensorop_bf16_s16816dgrad_optimized_bf16_256x64_nhwc>",
            "convolutions",
        ),
        ("void nhwcAddPaddingKernel<__nv_bfloat16, __nv_bfloat16, float, true>", "layout"),
        ("void cudnn::engines_precompiled::nchwToNhwcKernel<float, float, float, false>", "layout"),
        ("void at::native::batch_norm_collect_statistics_channels_last_kernel<at::native::Var>", "BatchNorm"),
        ("void at::native::reduce_kernel<128, 4, at::native::ReduceOp<c10::BFloat16>>", "everything else"),
    ],
)
def test_a_kernel_is_counted_as_what_it_does(kernel, kind):
    assert kind_of(kernel).startswith(kind)
