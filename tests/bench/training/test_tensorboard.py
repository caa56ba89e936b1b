"""TensorBoard's files hold what history.csv holds, read back by TensorBoard itself."""

from __future__ import annotations

import csv
import dataclasses
import sys

import pytest

from bench.runs.trained import training_folder
from bench.training.tensorboard import Events, require
from bench.util.errors import UsageError
from variants.trainer import Progress

pytest.importorskip("tensorboard")


def row(step, **changes):
    return {"step": step, "epoch": "", "seconds": 0.5, "images_per_s": 80.0, "lr": 0.001, "mse": 1 / step, **changes}


def progress(step, **changes):
    return Progress("baseline", 3, step, 9, 0.0, 80.0, row=row(step, **changes))


def write_history(run, rows):
    folder = training_folder(run, "baseline", 3)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "history.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys(key for entry in rows for key in entry)))
        writer.writeheader()
        writer.writerows(rows)


def read(folder):
    """{column: [(step, value)]} as TensorBoard shows it."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder)).Reload()
    return {tag: [(e.step, e.value) for e in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def test_each_column_of_what_is_reported_is_a_curve(tmp_path):
    with Events(tmp_path) as events:
        events.add(progress(1))
        events.add(progress(2, validation_psnr_hole=21.5))
        events.add(dataclasses.replace(progress(2), row={}, done=True))
    assert read(tmp_path / "tensorboard/baseline@3") == {
        "images_per_s": [(1, 80.0), (2, 80.0)],
        "lr": [(1, pytest.approx(0.001)), (2, pytest.approx(0.001))],
        "mse": [(1, 1.0), (2, 0.5)],
        "validation_psnr_hole": [(2, 21.5)],
    }


def test_a_training_that_goes_on_has_every_step_once_and_the_steps_from_before_it_was_watched(tmp_path):
    with Events(tmp_path) as events:
        for step in (1, 2, 4):
            events.add(progress(step))
    # It was killed after its state of step 2, and a first row was reported by a command that did not watch.
    write_history(tmp_path, [row(1), row(2, validation_psnr_hole=20.0), row(4, mse=9)])
    with Events(tmp_path) as events:
        events.add(progress(4))
        events.add(progress(8))
    found = read(tmp_path / "tensorboard/baseline@3")
    assert found["mse"] == [(1, 1.0), (2, 0.5), (4, 0.25), (8, 0.125)]
    assert found["validation_psnr_hole"] == [(2, 20.0)]
    assert len(list((tmp_path / "tensorboard/baseline@3").iterdir())) == 1, "what was there is gone"


def test_steps_that_are_reported_again_replace_the_first(tmp_path):
    with Events(tmp_path) as events:
        write_history(tmp_path, [row(1)])
        for step in (1, 2, 4):
            events.add(progress(step, mse=9))
        for step in (2, 4):
            events.add(progress(step))
    assert read(tmp_path / "tensorboard/baseline@3")["mse"] == [(1, 1.0), (2, 0.5), (4, 0.25)]


def test_a_finished_training_is_written_from_its_history_once(tmp_path):
    write_history(tmp_path, [row(1), row(8)])
    with Events(tmp_path) as events:
        events.mirror("baseline", 3)
    (file,) = (tmp_path / "tensorboard/baseline@3").iterdir()
    with Events(tmp_path) as events:
        events.mirror("baseline", 3)
    assert list((tmp_path / "tensorboard/baseline@3").iterdir()) == [file]
    assert read(file.parent)["mse"] == [(1, 1.0), (8, 0.125)]


def test_without_tensorboard_the_option_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(UsageError, match=r"--tensorboard requires TensorBoard: pip install 'inpaint-bench\[tensorboar"):
        require()
