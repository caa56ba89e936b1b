"""What is said of a training's length: arithmetic by hand, and steps that were really timed."""

import json

import pytest

from bench.training.estimate import Estimate, Programme
from bench.training.table import duration
from bench.training.train import ending
from tests.bench.command import bench


def training(seconds: float, name: str = "baseline") -> Estimate:
    return Estimate(name, 100, 1.0, 50.0, 0.5, seconds, seconds / 4, "compute")


def test_trainings_side_by_side_end_no_sooner_than_the_longest():
    def together(at_a_time: int, *times: float) -> float:
        return Programme("cpu", "bf16", at_a_time, tuple(map(training, times))).together_s

    assert together(1, 10, 20, 30) == 60
    assert together(2, 10, 20, 30) == 30
    assert together(2, 10, 20, 60) == 60
    assert training(8).share == 0.25


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "< 1 s"),
        (0.9, "1 s"),
        (48, "48 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_durations_are_said_in_two_units(seconds, text):
    assert duration(seconds) == text


def test_an_estimate_times_steps_and_writes_nothing(tmp_path):
    options = ["--profile", "tiny", "--estimate", "--seconds", "0.3", "--runs-dir", str(tmp_path / "runs")]
    done = bench("train", "baseline@0", "baseline@1", "double_dg", *options, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    given = json.loads(done.stdout)
    assert [t["variant"] for t in given["trainings"]] == ["baseline@0", "baseline@1", "double_dg@0"]
    assert not (tmp_path / "runs").exists()
    for each in given["trainings"]:
        # Steps at the rate measured, and what came before.
        batch = each["epochs"] * PICTURES / each["steps"]
        assert each["training_s"] == pytest.approx(each["first_s"] + each["steps"] * batch / each["images_per_s"])
        assert 0 < each["floor_s"] < each["training_s"]
        assert each["bound"] in ("compute", "memory")
    table = bench("train", "baseline", *options, cwd=tmp_path)
    assert table.returncode == 0
    assert "together about" in table.stdout


def test_a_batch_that_does_not_fit_is_refused_before_it_is_tried(tmp_path):
    done = bench("train", "baseline", "--profile", "tiny", "--set", "batch=100000000", "--estimate", cwd=tmp_path)
    assert done.returncode == 2
    assert "a step of baseline on 100,000,000 pictures" in done.stderr and "MiB that are free" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_killed_training_says_what_would_help():
    assert "smaller batch" in ending(-9)
    assert ending(3) == "its process ended with exit code 3"


PICTURES = 512
"""That the tiny profile trains on."""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["telea", "--estimate"], "telea needs no training"),
        (["baseline", "--json"], "--json goes with --estimate"),
        (["baseline", "--seconds", "3"], "--seconds goes with --estimate"),
        (["baseline", "--estimate", "--seconds", "0"], "--seconds must lie above 0"),
        (["baselin", "--estimate"], "baseline"),
    ],
)
def test_wrong_use_is_said(tmp_path, words, message):
    done = bench("train", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
