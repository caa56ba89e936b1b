"""What a training goes on from: its newest state on disk and the one before it."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from variants.atomic import cannot_write, replacing

NEWEST, BEFORE = "state.pt", "state.before.pt"


def save(state: dict[str, Any], folder: Path) -> None:
    """Write ``state``; the one that was the newest is kept beside it."""
    import torch

    newest = folder / NEWEST
    with replacing(newest) as temporary:
        torch.save(state, temporary)
        if newest.is_file():
            try:
                newest.replace(folder / BEFORE)
            except OSError as error:
                raise cannot_write(folder / BEFORE, error) from error


def forget_before(folder: Path) -> None:
    """A finished training needs no second state."""
    (folder / BEFORE).unlink(missing_ok=True)


def found(
    folder: Path, plan: dict[str, Any], accept: Callable[[dict[str, Any]], None], tell: Callable[[str], None]
) -> dict[str, Any] | None:
    """The newest state in ``folder`` that is whole, of ``plan``, and taken by ``accept`` (which raises where it is of
    another network); None where there is none. ``tell`` gets a sentence for each that is refused."""
    files = [file for file in (folder / NEWEST, folder / BEFORE) if file.is_file()]
    for file in files:
        try:
            state = read(file)
            refuse_other(state["plan"], plan)
            accept(state)
        except Exception as error:
            then = "The state before it is used." if file != files[-1] else "The training starts over."
            tell(f"{file} {reason(error)}. {then}")
        else:
            return state
    return None


def read(file: Path) -> dict[str, Any]:
    """The state in ``file``, on the CPU. Raises ValueError, or what reading raises, where it is not whole."""
    import torch

    with zipfile.ZipFile(file) as archive:
        # torch writes checksums and does not look at them.
        damaged = archive.testzip()
    if damaged is not None:
        raise zipfile.BadZipFile(f"wrong checksum of {damaged}")
    state = torch.load(file, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or not isinstance(state.get("plan"), dict) or "step" not in state:
        raise KeyError("plan")
    return state


def refuse_other(there: dict[str, Any], here: dict[str, Any]) -> None:
    """Raises ValueError where a state belongs to another training."""
    unlike = [f"{key} {there.get(key)} instead of {here[key]}" for key in here if there.get(key) != here[key]]
    if unlike:
        raise ValueError(f"is of another training ({', '.join(unlike[:3])})")


def reason(error: Exception) -> str:
    """Why a state is refused, in words that go on after its name."""
    if isinstance(error, ValueError) and str(error).startswith("is of another"):
        return str(error)
    if isinstance(error, pickle.UnpicklingError):
        return "holds more than tensors, and loading it could run code"
    if isinstance(error, KeyError):
        return "is not the state of a training"
    if isinstance(error, RuntimeError) and "state_dict" in str(error):
        return "is of another network"
    return "is damaged or incomplete"
