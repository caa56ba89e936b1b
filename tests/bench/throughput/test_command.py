"""``bench throughput`` as a user meets it: JSON on stdout, one sentence for what is wrong, nothing half-written."""

import json
import signal
import subprocess
import sys
import time

import pytest

from bench.cli import main
from bench.runs.reader import Run
from tests.bench.command import hear_ctrl_c

SMALL = ("--width", "4", "--resolution", "16", "--seconds", "0.3", "--precision", "fp32", "--mode", "eager")


def bench(*words: str, cwd) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "bench.cli", "throughput", *words], capture_output=True, text=True, cwd=cwd, check=False
    )


def test_stdout_is_json_alone_and_the_run_folder_is_whole(tmp_path):
    done = bench("baseline", "telea", *SMALL, "--batch", "1,2", "--out", "fast", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == 1
    cells = [(row["variant"], row["batch"]) for row in document["throughput"]]
    assert cells == [("baseline", 1), ("baseline", 2), ("telea", 1), ("calibration", 8)]
    for row in document["throughput"]:
        assert row["images_per_s"] > 0 and row["peak_memory_mib"] > 0 and row["latency_ms_p50"] > 0
    run = Run.open(tmp_path / "runs" / "fast")
    assert run.throughput()["variant"].tolist() == [variant for variant, _ in cells]
    assert run.summary["throughput"][0]["images_per_s"] == document["throughput"][0]["images_per_s"]


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """Runs the command in this process, in an empty folder; returns its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bench", "throughput", *words])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    return run


def test_the_table_is_printed_and_the_exported_file_written(here, tmp_path):
    code, out, error = here("gan_res_mask", *SMALL, "--batch", "2", "--benchmark-json", "b.json")
    assert code == 0, error
    assert "gan_res_mask" in out and "ceilings measured here" in out
    assert len(json.loads((tmp_path / "b.json").read_text())["benchmarks"]) == 2
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["baselin"], "did you mean baseline"),
        (["baseline", "--precision", "fp31"], "did you mean fp32"),
        (["baseline", "--mode", "compiled"], "did you mean compile"),
        (["baseline", "--precision", ""], "at least one precision"),
        (["baseline", "--batch", "0"], "--batch '0' must be"),
        (["baseline", "--batch", "1,two"], "--batch '1,two' must be"),
        (["baseline", "--resolution", "-64"], "--resolution '-64' must be"),
        (["baseline", "--resolution", "8"], "too small for baseline, which needs 16"),
        (["baseline", "--width", "0"], "--width 0 must be"),
        (["baseline", "--seconds", "nan"], "--seconds nan must be"),
        (["baseline", "--threads", "0"], "--threads 0 must be"),
        (["baseline", "--device", "gpu"], "Unknown device 'gpu'. Use cpu, cuda"),
        (["baseline", "--device", "cpu:1"], "Device 'cpu:1' not found (torch sees 1 cpu device"),
        (["baseline", "--precision", "tf32", "--device", "cpu"], "nothing to measure on cpu: tf32"),
        (["baseline", "--mode", "graphs", "--device", "cpu"], "CUDA graphs need a CUDA device"),
        (["baseline", "--checkpoint", "gone.pth"], "gone.pth does not exist"),
        (["baseline", "--checkpoint", "."], "is a folder: name a file in it"),
        (["python:operator:add", "python:torch:add"], "both called 'add'"),
        (["baseline", "--run", "gone"], "no run at"),
        (["baseline@3"], "no trained weights of baseline@3"),
        (["baseline", "--width", "4", "--run", "x"], "--width is for random weights"),
        (["predictions:somewhere"], "nothing to time"),
        (["baseline", "--benchmark-json", "no/where.json"], "cannot be written"),
    ],
)
def test_wrong_use_is_one_sentence(words, said, here, tmp_path):
    code, out, error = here(*words)
    assert code == 2, error
    assert said in error
    assert out == "" and "Traceback" not in error
    assert len(error.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def fill(x, h):\n    return x * float('nan')\n", "fill returned NaN or infinite pixels"),
        ("def fill(x, h):\n    return x[:, :1]\n", "fill gave a picture of shape (1, 1, 16, 16)"),
        ("def fill(x, h):\n    raise SystemExit\n", "fill failed on a picture of 16 x 16"),
    ],
)
def test_a_method_that_gives_no_picture_is_not_timed_and_the_exit_code_says_so(code, said, here, tmp_path):
    (tmp_path / "mine.py").write_text(code)
    ended, out, error = here("python:mine.py:fill", "--resolution", "16", "--seconds", "0.3")
    assert ended == 1
    assert said in error and out == "" and len(error.strip().splitlines()) == 1


def test_what_was_left_out_is_recorded(here, tmp_path):
    (tmp_path / "fast").mkdir()
    code, out, error = here(
        "baseline", "telea", *SMALL[:-1], "eager,graphs", "--device", "cpu", "--out", "./fast", "--json"
    )
    assert code == 0, error
    remark = "fp32 graphs skipped: CUDA graphs need a CUDA device"
    assert remark in error
    assert json.loads(out)["remarks"] == [remark]
    assert Run.open(tmp_path / "fast").throughput_remarks() == [remark]


def test_an_interrupted_measurement_leaves_nothing_behind(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.cli", "throughput", "baseline", *SMALL[:-6], "--seconds", "600", "--out", "x"],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path, preexec_fn=hear_ctrl_c,
    )  # fmt: skip
    assert process.stderr is not None
    process.stderr.readline()  # it says that weights are random once it has begun
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=300)
    assert process.returncode == 130
    assert out == "" and "Traceback" not in error
    assert not list(tmp_path.rglob("*.parquet"))
