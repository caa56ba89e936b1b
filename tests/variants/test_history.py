"""What a training writes, says and takes up again, on a session whose losses and times are known beforehand."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from variants import trainer
from variants.checkpoint_every import Every
from variants.errors import Diverged
from variants.history import History
from variants.method import Network
from variants.session import Plan
from variants.trainer import Progress, train

SECONDS_A_STEP = 0.5


class Known:
    """A session whose k-th step, from 1, has the losses k and 10 · k, and 1000 for the critic."""

    def __init__(self, variant: Network, plan: Plan) -> None:
        self.plan = plan
        self.step_count = 0
        self.generator = nn.Linear(1, 1)
        self.rates = [(None, 1e-3)]
        grey = torch.linspace(0, 1, 12).view(1, 3, 2, 2)
        self.shown = (grey, grey, torch.ones(1, 1, 2, 2))

    @property
    def optimiser(self) -> SimpleNamespace:
        return SimpleNamespace(rate=self.step_count / 1000)

    def step(self, images: torch.Tensor, holes: torch.Tensor) -> dict[str, torch.Tensor]:
        assert self.generator.training
        self.step_count += 1
        values = {"mse": self.step_count, "adversarial": 10 * self.step_count, "critic": 1000}
        return {name: torch.tensor(value, dtype=torch.bfloat16) for name, value in values.items()}

    @contextlib.contextmanager
    def handed_over(self):
        yield self.generator

    def state(self) -> dict[str, int]:
        return {"step": self.step_count}

    def restore(self, state: dict[str, int]) -> None:
        self.step_count = state["step"]


class Training:
    """Trains :class:`Known` into a folder and notes what it is asked for and what it says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 100.0

    def __call__(self, plan: Plan, stop_at: int | None = None, **options) -> bool:
        self.asked: list[int] = []
        self.said: list[Progress] = []
        return train(
            Network(), plan, self.source, self.folder, report=self.said.append,
            stopping=lambda: bool(self.asked) and self.asked[-1] + 1 == stop_at, **options,
        )  # fmt: skip

    def source(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        self.asked.append(step)
        self.now += SECONDS_A_STEP
        return np.zeros((4, 2, 2, 3), np.uint8), np.zeros((4, 2, 2), bool)

    @property
    def rows(self) -> list[dict[str, str]]:
        with (self.folder / "history.csv").open() as stream:
            return list(csv.DictReader(stream))

    def column(self, name: str) -> list[float]:
        return [float(row[name]) for row in self.rows]


@pytest.fixture
def training(tmp_path, monkeypatch):
    training = Training(tmp_path)
    monkeypatch.setattr(trainer, "Session", Known)
    monkeypatch.setattr(trainer.time, "perf_counter", lambda: training.now)
    return training


def plan(steps: int = 12, **changes) -> Plan:
    return Plan(**{"name": "known", "seed": 3, "width": 4, "steps": steps, "batch": 4, "steps_per_epoch": 5, **changes})


def test_a_row_holds_the_means_since_the_row_before(training):
    assert training(plan(500))
    # A hundredth of 500 steps are 5; the first row is of the steps 1 to 5, the second of 6 to 10.
    assert training.column("step") == list(range(5, 501, 5))
    assert training.column("mse")[:2] == [3.0, 8.0]
    assert training.column("adversarial")[:2] == [30.0, 80.0]
    assert set(training.column("critic")) == {1000.0}
    assert training.column("lr")[:2] == [0.005, 0.010]
    assert training.column("epoch")[:2] == [1.0, 2.0]


def test_times_and_speed_by_hand(training):
    training(plan(500))
    assert training.column("seconds")[:3] == [2.5, 5.0, 7.5]
    assert set(training.column("images_per_s")) == {4 / SECONDS_A_STEP}


def test_time_spent_on_validating_is_not_training_speed(training):
    def validate(network: nn.Module) -> float:
        training.now += 60
        return 20.0

    training(plan(500), validate=validate)
    assert set(training.column("images_per_s")) == {4 / SECONDS_A_STEP}


def test_the_last_row_is_of_the_last_step_whatever_the_number_of_steps(training):
    training(plan(205))
    assert training.column("step") == [*range(2, 205, 2), 205]
    assert training.column("mse")[-1] == 205


def test_without_epochs_the_column_is_empty(training):
    training(plan(3, steps_per_epoch=0))
    assert [row["epoch"] for row in training.rows] == [""] * 3


def test_progress_is_said_with_the_generators_loss(training):
    training(plan(12))
    rows = [said.row for said in training.said]
    assert training.said[0] == Progress("known", 3, 1, 12, 1 + 10, 8.0, row=rows[0])
    assert training.said[11] == Progress("known", 3, 12, 12, 12 + 120, 8.0, row=rows[11])
    assert (rows[0]["mse"], rows[11]["adversarial"]) == (1, 120)
    assert len(training.said) == 13
    last = training.said[12]
    assert (last.name, last.seed, last.step, last.steps, last.done) == ("known", 3, 12, 12, True)
    assert math.isnan(last.loss) and math.isnan(last.images_per_s)


def test_validation_sees_the_network_in_evaluation_mode_every_tenth_row_and_at_the_end(training):
    seen = []

    def validate(network: nn.Module) -> float:
        seen.append(network.training)
        return 20.12345

    training(plan(206), validate=validate)
    scored = {int(row["step"]): row["validation_psnr_hole"] for row in training.rows if row["validation_psnr_hole"]}
    assert scored == dict.fromkeys([*range(20, 201, 20), 206], "20.123")
    # In training mode again at the next step: Known asserts it.
    assert seen == [False] * 11


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_ends_the_training(training, monkeypatch, value):
    monkeypatch.setattr(Known, "step", diverging(Known.step, value))
    with pytest.raises(Diverged, match=f"known diverged at step 4: its loss 'mse' is {value}"):
        training(plan(12))
    assert not (training.folder / "generator.safetensors").exists()


def diverging(step, value: float):
    def changed(self, *batch):
        losses = step(self, *batch)
        return losses | {"mse": torch.tensor(value)} if self.step_count == 4 else losses

    return changed


def test_a_training_taken_up_again_has_every_row_once_and_goes_on_counting_seconds(training):
    assert not training(plan(12), stop_at=5)
    assert training.column("step") == [1, 2, 3, 4, 5]
    assert not (training.folder / "generator.safetensors").exists()
    training.now += 1000
    assert training(plan(12))
    assert training.asked == list(range(5, 12))
    assert training.column("step") == list(range(1, 13))
    assert training.column("seconds") == [SECONDS_A_STEP * step for step in range(1, 13)]
    assert (training.folder / "generator.safetensors").exists()


def test_a_training_stopped_between_rows_keeps_what_it_had_since_the_last(training):
    training(plan(500), stop_at=8)
    assert training.column("step") == [5]
    training.now += 1000
    training(plan(500))
    assert training.column("step")[:3] == [5, 10, 15]
    assert training.column("mse")[:2] == [3.0, 8.0]
    assert training.column("seconds")[:2] == [2.5, 5.0]
    assert training.column("images_per_s")[1] == 4 / SECONDS_A_STEP


def test_a_stop_at_the_last_step_is_an_end(training):
    assert training(plan(12), stop_at=12)
    assert training.said[-1].done
    assert training.column("step") == list(range(1, 13))


def test_a_complete_training_has_nothing_left_to_do(training):
    training(plan(12))
    assert training(plan(12))
    assert training.asked == []
    assert training.column("step") == list(range(1, 13))


def test_rows_past_the_state_are_forgotten(training):
    # Killed, not stopped: the state is saved with the rows, but files may be of different ages.
    training(plan(12), stop_at=5)
    state = torch.load(training.folder / "state.pt", weights_only=True)
    torch.save({**state, "step": 3}, training.folder / "state.pt")
    training(plan(12))
    assert training.asked == list(range(3, 12))
    assert training.column("step") == list(range(1, 13))


def test_the_state_is_saved_every_twenty_seconds(training, monkeypatch):
    saved = []
    save = trainer.resume.save
    monkeypatch.setattr(trainer.resume, "save", lambda *given: (saved.append(training.now - 100), save(*given)))
    training(plan(100))
    # Half a second a step: after the first step that is past 20 s, again past 20 s later, and at the end.
    assert saved == [20.5, 41.0, 50.0]
    assert sorted(file.name for file in training.folder.iterdir()) == [
        "generator.safetensors",
        "history.csv",
        "state.pt",
    ]


@pytest.mark.parametrize(
    ("every", "at"),
    [
        (Every(None, 30), [30, 60, 90, 100]),
        (Every(10.0, None), [21, 42, 63, 84, 100]),  # the first step past 10 s, at half a second each
        (Every(10.0, 8), [8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 100]),
    ],
    ids=["steps", "time", "both"],
)
def test_a_state_is_kept_after_so_many_steps_or_so_much_time(training, monkeypatch, every, at):
    saved = []
    monkeypatch.setattr(trainer.resume, "save", lambda state, folder: saved.append(state["step"]))
    training(plan(100), every=every)
    assert saved == at


def spoiled(file: Path, how: str) -> None:
    content = file.read_bytes()
    if how == "truncated":
        file.write_bytes(content[: len(content) // 2])
    elif how == "flipped":
        # In the middle of a tensor's bytes, which torch.load would take as they are.
        place = content.index(MARK) + 4
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    elif how == "empty":
        file.write_bytes(b"")
    elif how == "text":
        file.write_text("not a state")
    elif how == "another file of torch's":
        torch.save({"weight": torch.zeros(2)}, file)
    elif how == "of another training":
        found = torch.load(file, weights_only=True)
        torch.save({**found, "plan": {**found["plan"], "steps": 99}}, file)


MARK = b"\x11\x22\x33\x44" * 8


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("truncated", "is damaged or incomplete"),
        ("flipped", "is damaged or incomplete"),
        ("empty", "is damaged or incomplete"),
        ("text", "is damaged or incomplete"),
        ("another file of torch's", "is not the state of a training"),
        ("of another training", "is of another training (steps 99 instead of 100)"),
    ],
)
def test_a_state_that_cannot_be_used_is_refused_in_a_sentence_and_the_one_before_is_used(
    training, monkeypatch, how, why
):
    mark = torch.frombuffer(bytearray(MARK), dtype=torch.uint8)
    monkeypatch.setattr(Known, "state", lambda self: {"step": self.step_count, "mark": mark})
    training(plan(100), stop_at=25, every=Every(None, 10))
    spoiled(training.folder / "state.pt", how)
    told = []
    assert training(plan(100), tell=told.append)
    assert told == [f"{training.folder / 'state.pt'} {why}. The state before it is used."]
    # Kept at 10 and at 20; the one of the stop at 25 is the one that was spoiled.
    assert training.asked == list(range(20, 100))
    assert training.column("step") == list(range(1, 101))


def test_without_a_state_that_can_be_used_a_training_starts_over(training):
    training(plan(100), stop_at=25, every=Every(None, 10))
    for name in ("state.pt", "state.before.pt"):
        spoiled(training.folder / name, "truncated")
    told = []
    training(plan(100), tell=told.append)
    assert [sentence.split(". ")[1] for sentence in told] == [
        "The state before it is used.",
        "The training starts over.",
    ]
    assert training.asked == list(range(100))


def interrupt_at(training: Training, moment: float):
    def validate(network: nn.Module) -> float:
        if training.now >= moment:
            raise KeyboardInterrupt
        return 0.0

    return validate


def test_what_a_killed_training_had_saved_is_gone_on_from(training):
    with pytest.raises(KeyboardInterrupt):
        training(plan(100), validate=interrupt_at(training, 130))
    # Killed while validating step 60 (100 + 30 s); saved at step 41, the first past 20 s.
    assert training(plan(100))
    assert training.asked == list(range(41, 100))
    assert training.column("step") == list(range(1, 101))


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"seed": 4},
        {"width": 8},
        {"steps": 13},
        {"batch": 8},
        {"precision": "bf16"},
        {"threads": 2},
        {"ema": 0.9},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_training_of_another_plan_starts_over(training, change):
    training(plan(12), stop_at=5)
    other = dataclasses.replace(plan(12), **change)
    training(other)
    assert training.asked == list(range(other.steps))
    assert training.column("step") == list(range(1, other.steps + 1))


@pytest.mark.parametrize("change", [{"steps_per_epoch": 7}, {"compile": True}], ids=["steps_per_epoch", "compile"])
def test_what_does_not_touch_the_weights_does_not_start_a_training_over(training, change):
    training(plan(12), stop_at=5)
    training(dataclasses.replace(plan(12), **change))
    assert training.asked == list(range(5, 12))


def test_a_saved_state_says_what_it_is_of(training):
    training(plan(12))
    state = torch.load(training.folder / "state.pt", weights_only=True)
    # Format 3 is what is kept today; another number turns every training that is under way into a new one.
    assert state["plan"] == {
        "format": 3, "name": "known", "seed": 3, "width": 4, "steps": 12, "batch": 4, "precision": "fp32",
        "threads": 1, "ema": 0.0, "features": "",
    }  # fmt: skip
    assert state["step"] == 12


def test_a_history_without_rows_leaves_no_file(tmp_path):
    """A state may be kept before the first row; an empty line is no table."""
    history = History(tmp_path / "history.csv", [])
    history.write()
    assert not history.file.exists()
    history.add({"step": 30, "mse": 0.5})
    history.write()
    assert history.file.read_text().split() == ["step,mse", "30,0.5"]
    history.keep(20)
    history.write()
    assert not history.file.exists()


def test_a_training_that_goes_on_says_from_which_step_before_its_first(training):
    assert not training(plan(100), stop_at=37)
    assert not any(progress.resumed for progress in training.said)
    assert training(plan(100))
    first = training.said[0]
    assert (first.resumed, first.step, first.steps, training.asked[0]) == (True, 37, 100, 37)
    assert [progress.resumed for progress in training.said].count(True) == 1
