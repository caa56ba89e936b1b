"""The command line from outside: what a user types, what comes back, and which exit code."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from tests.bench.command import TINY, bench, hear_ctrl_c

SCORES = ["psnr", "psnr_hole", "ssim", "ssim_hole", "l1_hole", "lpips", "colour_shift", "colour_shift_r"]


def frames(folder):
    files = sorted((folder / "records").rglob("*.parquet"))
    return {str(file.relative_to(folder / "records")): pd.read_parquet(file) for file in files}


def test_a_run_leaves_what_the_run_folder_promises(tiny_runs):
    run = tiny_runs / "runs" / "tiny"
    manifest = json.loads((run / "run.json").read_text())
    assert manifest["finished"]
    assert len(manifest["suite"]) == 64
    assert (run / "report.html").stat().st_size > 10_000
    assert (run / "checkpoints" / "baseline" / "seed-0" / "generator.safetensors").is_file()
    assert (run / "checkpoints" / "double_dg" / "seed-0" / "history.csv").is_file()
    assert {*frames(run)} == {
        f"{name}/seed-0/scenes-{mask}.parquet"
        for name in ("baseline", "double_dg", "mean_fill", "telea")
        for mask in ("standard", "rect")
    }
    frame = frames(run)["telea/seed-0/scenes-rect.parquet"]
    first = ["variant", "seed", "dataset", "mask", "image_id", "sample", "hole_area", "failed"]
    assert list(frame.columns[:8]) == first
    assert len(frame) == 6
    assert set(SCORES) <= set(frame.columns)
    assert not list(run.rglob(".*")), "temporary files were left"


def test_the_summary_means_are_the_means_of_the_records(tiny_runs):
    run = tiny_runs / "runs" / "tiny"
    rows = json.loads((run / "summary.json").read_text())["scores"]
    row = next(r for r in rows if (r["variant"], r["mask"], r["metric"]) == ("telea", "rect", "psnr_hole"))
    frame = frames(run)["telea/seed-0/scenes-rect.parquet"]
    assert row["mean"] == pytest.approx(frame["psnr_hole"].mean())
    assert row["low"] <= row["mean"] <= row["high"]
    assert row["n"] == 6


def test_the_same_command_again_trains_and_scores_nothing_anew(tiny_runs):
    run = tiny_runs / "runs" / "tiny"
    before = {file: file.stat().st_mtime_ns for file in run.rglob("*") if file.suffix in (".parquet", ".safetensors")}
    done = bench("run", *TINY, "--no-throughput", "--out", "tiny", cwd=tiny_runs)
    assert done.returncode == 0, done.stderr
    assert before == {file: file.stat().st_mtime_ns for file in before}


def test_other_settings_do_not_overwrite_a_run(tiny_runs):
    done = bench("run", *TINY, "--set", "width=8", "--no-throughput", "--out", "tiny", cwd=tiny_runs)
    assert done.returncode == 2
    assert "width is 4 there and 8 here" in done.stderr


def test_a_killed_run_goes_on_and_ends_with_the_same_records(tiny_runs, tmp_path):
    whole, part = tiny_runs / "runs" / "tiny", tmp_path / "runs" / "tiny"
    shutil.copytree(whole, part)
    # As if killed: one training half-way (its state is there, its weights are not), some records missing.
    (part / "checkpoints" / "baseline" / "seed-0" / "generator.safetensors").unlink()
    shutil.rmtree(part / "records" / "double_dg")
    (part / "report.html").unlink()
    done = bench("run", *TINY, "--no-throughput", "--out", "tiny", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    a, b = (load_file(str(r / "checkpoints/baseline/seed-0/generator.safetensors")) for r in (whole, part))
    assert all(torch.equal(a[key], b[key]) for key in a)
    for name, frame in frames(whole).items():
        pd.testing.assert_frame_equal(frame, frames(part)[name], check_exact=True)


def test_ctrl_c_leaves_a_run_that_the_same_command_continues(tmp_path):
    import os
    import signal
    import subprocess
    import sys

    words = ["run", *TINY, "--set", "steps=400", "--set", "variants=baseline,basic_gan"]
    words += ["--no-throughput", "--checkpoint-every", "10", "--out", "cut"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from bench.cli import main\nif __name__ == '__main__':\n    main()", *words],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hear_ctrl_c,
    )
    folder = tmp_path / "runs" / "cut" / "checkpoints" / "baseline" / "seed-0"
    deadline = time.time() + 120
    while not (folder / "state.pt").is_file() and time.time() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 130, stderr
    assert "Interrupted. Rerun the same command to resume." in stderr
    assert "Traceback" not in stderr
    assert (folder / "state.pt").is_file()
    reached = torch.load(folder / "state.pt", weights_only=True)["step"]
    assert 0 < reached < 400
    done = bench(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "cut" / "report.html").is_file()


def test_saved_predictions_score_as_the_model_that_made_them(tiny_runs, tmp_path):
    saved = tmp_path / "saved"
    one = bench("eval", "double_dg", "--save-predictions", str(saved), "--out", str(tmp_path / "a"), cwd=tiny_runs)
    assert one.returncode == 0, one.stderr
    two = bench("eval", f"predictions:{saved}", "--out", str(tmp_path / "b"), cwd=tiny_runs)
    assert two.returncode == 0, two.stderr
    a, b = frames(tmp_path / "a"), frames(tmp_path / "b")
    assert a.keys() == b.keys() != set()
    for name in a:
        for column in a[name].columns:
            if b[name][column].dtype.kind != "f" or b[name][column].notna().any():
                pd.testing.assert_series_equal(a[name][column], b[name][column], check_exact=True)
        empty = [c for c in b[name].columns if b[name][c].dtype.kind == "f" and b[name][c].isna().all()]
        assert all(c.endswith("_corrected") or c == "known_drift" or c.startswith("lpips") for c in empty), empty


def test_a_partial_set_of_predictions_is_listed_and_exits_5(tiny_runs, tmp_path):
    saved = tmp_path / "saved"
    bench("eval", "telea", "--save-predictions", str(saved), "--out", str(tmp_path / "a"), cwd=tiny_runs)
    files = sorted((saved / "telea" / "rect").glob("*.png"))
    files[0].unlink()
    Image.new("RGB", (5, 5)).save(files[1])
    Image.new("RGB", (32, 32)).save(saved / "telea" / "rect" / "stray.png")
    done = bench("eval", f"predictions:{saved}", "--out", str(tmp_path / "b"), "--json", cwd=tiny_runs)
    assert done.returncode == 5
    assert f"1 × missing (rect/{files[0].stem})" in done.stderr
    assert f"1 × wrong size: 5×5, not 32×32 (rect/{files[1].stem})" in done.stderr
    assert "1 × extra, belongs to no picture of the suite (rect/stray.png)" in done.stderr
    row = next(r for r in json.loads(done.stdout)["scores"] if (r["mask"], r["metric"]) == ("rect", "psnr_hole"))
    assert (row["n"], row["failed"]) == (4, 2)


def test_a_fill_with_nan_is_a_named_failure_and_in_no_mean(tiny_runs, tmp_path):
    (tmp_path / "nan.py").write_text("def fill(image, hole):\n    return image * float('nan')\n")
    words = ["eval", "telea", f"python:{tmp_path}/nan.py:fill", "--out", str(tmp_path / "r"), "--json"]
    done = bench(*words, cwd=tiny_runs)
    assert done.returncode == 5
    assert "could not be scored" in done.stderr
    ids = frames(tmp_path / "r")["telea/seed-0/scenes-rect.parquet"]["image_id"]
    told = f"fill: {2 * len(ids)} × the raw output holds NaN or infinite values in 1024 of 1024 pixels ("
    assert told in done.stderr
    again = bench(*words, cwd=tiny_runs)
    assert again.returncode == 5 and told in again.stderr
    rows = [r for r in json.loads(done.stdout)["scores"] if r["variant"] == "fill" and r["metric"] == "psnr_hole"]
    assert all(r["n"] == 0 and r["mean"] is None and r["failed"] > 0 for r in rows)


def test_a_function_that_changed_is_scored_anew(tiny_runs, tmp_path):
    words = ["eval", f"python:{tmp_path}/mine.py:fill", "--metrics", "psnr_hole", "--out", str(tmp_path / "r")]
    means = []
    for factor in (0.9, 0.1):
        (tmp_path / "mine.py").write_text(f"def fill(image, hole):\n    return image + hole * {factor}\n")
        done = bench(*words, "--json", cwd=tiny_runs)
        assert done.returncode == 0, done.stderr
        means.append(json.loads(done.stdout)["scores"][0]["mean"])
    assert means[0] != means[1]


def test_json_is_alone_on_stdout(tiny_runs, tmp_path):
    done = bench("eval", "telea", "mean_fill", "--json", "--out", str(tmp_path / "r"), cwd=tiny_runs)
    value = json.loads(done.stdout)
    assert {"schema", "suite", "protocol", "scores", "throughput"} <= set(value)


def photographs(folder, count=7):
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        small = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(small).resize((80, 60), Image.Resampling.BICUBIC).save(folder / f"photo {number}.png")
    return folder


def test_a_folder_of_photographs_is_trained_and_scored_on_with_a_split(tmp_path):
    folder = photographs(tmp_path / "photos")
    (folder / "broken.jpg").write_bytes(b"nonsense")
    done = bench("run", *TINY, "--data", f"folder:{folder}", "--no-throughput", "--out", "own", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "broken" in done.stderr
    manifest = json.loads((tmp_path / "runs" / "own" / "run.json").read_text())
    assert manifest["datasets"][0]["count"] >= 1
    assert manifest["datasets"][0]["split"] == "test"
    scored = bench("eval", "baseline", "double_dg", "--data", f"folder:{folder}", "--json", cwd=tmp_path)
    assert scored.returncode == 0, scored.stderr
    assert "only those held out are scored" in scored.stderr
    # What was not trained on them is scored on all seven, whatever the newest run trained on.
    untrained = bench("eval", "telea", "--data", f"folder:{folder}", "--metrics", "psnr", "--json", cwd=tmp_path)
    assert untrained.returncode == 0, untrained.stderr
    assert "held out" not in untrained.stderr
    assert {row["n"] for row in json.loads(untrained.stdout)["scores"] if row["mask"] == "rect"} == {7}


def test_two_folders_are_two_data_sets(tmp_path):
    one, two = photographs(tmp_path / "one", 2), photographs(tmp_path / "two", 3)
    words = ["eval", "telea", "--data", f"folder:{one}", "--data", f"folder:{two}", "--masks", "rect", "--size", "32"]
    done = bench(*words, "--json", "--metrics", "psnr", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [r for r in json.loads(done.stdout)["scores"] if r["mask"] == "rect"]
    assert {(r["dataset"], r["n"]) for r in rows} == {("folder_one", 2), ("folder_two", 3)}
    refused = bench(*words, "--save-predictions", str(tmp_path / "saved"), cwd=tmp_path)
    assert refused.returncode == 2
    assert "both hold a picture called photo 0" in refused.stderr


def test_eval_scores_pictures_at_their_own_size(tiny_runs, tmp_path):
    folder = photographs(tmp_path / "photos", 2)
    saved = tmp_path / "saved"
    words = ["eval", "double_dg", "--data", f"folder:{folder}", "--masks", "rect", "--save-predictions", str(saved)]
    done = bench(*words, "--out", str(tmp_path / "r"), cwd=tiny_runs)
    assert done.returncode == 0, done.stderr
    assert {Image.open(file).size for file in saved.rglob("*.png")} == {(80, 60)}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["eval", "basline"], 2, "did you mean baseline"),
        (["run", "--masks", "circel"], 2, "did you mean circle"),
        (["run", "--set", "metrics=psnr_whole"], 2, "did you mean psnr_hole"),
        (["run", "--data", "scene"], 2, "did you mean scenes"),
        (["run", "--set", "batchs=3"], 2, "did you mean batch"),
        (["run", "--data", "folder:/nowhere"], 2, "/nowhere"),
        (["eval", "telea", "--data", "folder:."], 2, "no picture"),
        (["eval", "baseline"], 2, "no trained weights of baseline"),
        (["eval", "baseline", "--checkpoint", "none.pth"], 2, "none.pth does not exist"),
        (["eval", "telea", "--checkpoint", "none.pth"], 2, "one network"),
        (["train", "telea"], 2, "needs no training"),
        (["report"], 4, "no run"),
        (["eval", "telea", "--protocol", "lamma"], 2, "did you mean lama"),
        (["run", "--profile", "quik"], 2, "did you mean quick"),
        (["nonsense"], 2, "no such command 'nonsense'. Did you mean 'noise'? bench -h lists the options"),
        (["run", "--size", "big"], 2, "--size"),
        (["list", "bogus"], 2, "invalid value for 'kind': 'bogus' is not one of 'variants', 'metrics',"),
        (["compare", "--bogus"], 2, "no such option: --bogus; bench compare -h lists the options"),
        (["train", "--size"], 2, "option '--size' requires an argument; bench train -h lists the options"),
        (["eval", "telea", "--device", "cuda:99"], 2, "cuda:99"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(tmp_path, words, code, said):
    done = bench(*words, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert [line[:7] for line in done.stderr.splitlines()] == ["bench: "]
    assert not (tmp_path / "runs").exists()


def test_help_keeps_the_lines_of_its_examples(tmp_path):
    lines = [line.strip() for line in bench("check", "--help", cwd=tmp_path).stdout.splitlines()]
    assert "bench check --thresholds thresholds.toml --against main" in lines
    assert "bench check --fail-if 'double_dg.ssim_hole<0.45'" in lines


@pytest.mark.parametrize("words", [["--help"], ["eval", "basline"], ["run", "--masks", "circel"]])
def test_help_and_wrong_arguments_import_nothing_heavy(tmp_path, words):
    code = (
        "import sys\nfrom bench.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'torchvision', 'pandas', 'matplotlib', 'scipy', 'skimage', 'cv2'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


ROOT = Path(__file__).parents[2]
REGISTERED = {
    "variants": ("variant", "variants"),
    "metrics": ("metric", "bench/metrics"),
    "masks": ("mask", "bench/masks"),
    "datasets": ("dataset", "bench/datasets"),
}
"""By what decorator, in which folder, entries register themselves."""


@pytest.mark.parametrize("kind", REGISTERED)
def test_list_names_every_entry_that_a_file_registers(tmp_path, kind):
    word, folder = REGISTERED[kind]
    texts = [file.read_text(encoding="utf-8") for file in sorted((ROOT / folder).rglob("*.py"))]
    written = {name for text in texts for name in re.findall(rf'^@{word}\(\s*"([^"]+)"', text, re.MULTILINE)}
    rows = json.loads(bench("list", kind, "--json", cwd=tmp_path).stdout)
    assert written and written <= {row["name"] for row in rows}
    assert all(row["summary"] for row in rows)


def test_list_names_every_profile(tmp_path):
    rows = json.loads(bench("list", "profiles", "--json", cwd=tmp_path).stdout)
    assert {row["name"] for row in rows} == {file.stem for file in (ROOT / "bench/profiles").glob("*.toml")}


def test_doctor_says_what_is_missing_and_how_to_mend_it(tmp_path):
    env = {"BENCH_WEIGHTS_DIR": str(tmp_path), "TORCH_HOME": str(tmp_path)}
    done = bench("doctor", cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert "bench weights fetch" in done.stdout
