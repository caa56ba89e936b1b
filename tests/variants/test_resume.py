"""States of a training on their own: which is taken, why one is refused, and when the next is due."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from variants import resume
from variants.resume import found, reason, save

PLAN = {"name": "x", "steps": 5}


def kept(folder: Path, *steps: int) -> Path:
    for step in steps:
        save({"plan": PLAN, "step": step, "weights": nn.Linear(2, 2).state_dict()}, folder)
    return folder


def asked(folder: Path, accept: Any = lambda given: None, plan: dict[str, Any] = PLAN) -> tuple[int | None, list[str]]:
    """The step of the state that is taken, and what is told."""
    told: list[str] = []
    taken = found(folder, plan, accept, told.append)
    return None if taken is None else taken["step"], told


def test_the_newest_is_taken_and_one_before_it_is_kept(tmp_path: Path) -> None:
    assert asked(tmp_path) == (None, [])
    kept(tmp_path, 1, 2, 3)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["state.before.pt", "state.pt"]
    assert asked(tmp_path) == (3, [])
    assert torch.load(tmp_path / "state.before.pt", weights_only=True)["step"] == 2
    (tmp_path / "state.pt").unlink()
    assert asked(tmp_path) == (2, [])
    resume.forget_before(tmp_path)
    resume.forget_before(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_weights_of_another_network_are_refused_and_the_state_before_is_tried(tmp_path: Path) -> None:
    kept(tmp_path, 1, 2)
    seen: list[int] = []

    def accept(given: dict[str, Any]) -> None:
        seen.append(given["step"])
        (nn.Linear(3, 2) if given["step"] == 2 else nn.Linear(2, 2)).load_state_dict(given["weights"])

    newest = f"{tmp_path / 'state.pt'} is of another network"
    assert asked(tmp_path, accept) == (1, [f"{newest}. The state before it is used."])
    assert seen == [2, 1]

    def refuse(given: dict[str, Any]) -> None:
        nn.Linear(3, 2).load_state_dict(given["weights"])

    assert asked(tmp_path, refuse) == (
        None,
        [
            f"{newest}. The state before it is used.",
            f"{tmp_path / 'state.before.pt'} is of another network. The training starts over.",
        ],
    )


def test_up_to_three_settings_that_differ_are_named(tmp_path: Path) -> None:
    kept(tmp_path, 1)
    plan = {"name": "y", "steps": 5, "a": 1, "b": 2, "c": 3}
    assert asked(tmp_path, plan=plan)[1] == [
        f"{tmp_path / 'state.pt'} is of another training (name x instead of y, a None instead of 1, b None instead of "
        "2). The training starts over."
    ]


@pytest.mark.parametrize("held", [{"step": 1}, {"plan": PLAN}, {"plan": 3, "step": 1}, [1]])
def test_what_lacks_a_plan_or_a_step_is_no_state(tmp_path: Path, held: Any) -> None:
    torch.save(held, tmp_path / "state.pt")
    assert asked(tmp_path)[1] == [f"{tmp_path / 'state.pt'} is not the state of a training. The training starts over."]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("is of another training (seed)"), "is of another training (seed)"),
        (ValueError("anything"), "is damaged or incomplete"),
        (pickle.UnpicklingError("x"), "holds more than tensors, and loading it could run code"),
        (KeyError("generator"), "is not the state of a training"),
        (RuntimeError("Error(s) in loading state_dict for UNet"), "is of another network"),
        (RuntimeError("PytorchStreamReader failed"), "is damaged or incomplete"),
        (TypeError("state_dict"), "is damaged or incomplete"),
    ],
)
def test_why_a_state_is_refused(error: Exception, words: str) -> None:
    assert reason(error) == words
