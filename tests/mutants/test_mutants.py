"""The mistakes that make mutants makes, and that they take effect in functions that are there."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.mutants import run
from tests.mutants.edits import mutants
from tests.mutants.rooms import ROOMS, ROOT, mirror_of

SOURCE = '''"""Words."""

LIMIT = 0.5


def share(values: list[int], limit: float = 1) -> float:
    """Words."""
    if limit < 0:
        raise ValueError("limit - 1")
    return min(values) + limit
'''

WANTED = [
    ("", "0.5", "1.0"),
    ("", "1", "2"),
    ("share", "if limit < 0:", "if False:"),
    ("share", "limit < 0", "limit <= 0"),
    ("share", "limit < 0", "limit >= 0"),
    ("share", "0", "1"),
    ("share", "min(values) + limit", "min(values) - limit"),
    ("share", "min(values)", "max(values)"),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shares.py"
    path.write_text(SOURCE)
    return path


def test_numbers_and_decisions_are_edited_but_not_words_and_types(file: Path) -> None:
    assert [(m.place, m.before, m.after) for m in mutants(file, "shares.py")] == WANTED


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("y = f(a, b)", ["f(b, a)"]),
        ("y = f(x, level=level)", ["f(x)"]),
        ("y = np.abs(x)", ["x"]),
        ("y = x.clamp(y)", ["x"]),
        ("a and b", ["a or b"]),
        ("-a", ["a"]),
        ("x[i] = y", ["(dropped)"]),
        ("x += y", ["(dropped)", "x -= y"]),
        ("[a for a in b if c]", ["for a in b"]),
        ("direction = 'higher'", ["'lower'"]),
        ("folder / 'name'", []),
        ("print(a - b)", []),
    ],
)
def test_an_edit_of_each_kind(tmp_path: Path, before: str, after: list[str]) -> None:
    file = tmp_path / "a.py"
    file.write_text(before)
    assert [m.after for m in mutants(file, "a.py")] == after


def test_a_mutant_takes_the_place_of_a_function_that_is_there(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "ROOT", file.parent)
    spec = importlib.util.spec_from_file_location("shares", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    *_, last = mutants(file, "shares.py")
    assert module.share([1, 5]) == 2
    run.exchange(last, run.ours())
    assert module.share([1, 5]) == 6


def test_every_room_has_tests() -> None:
    for room in ROOMS:
        assert (ROOT / room).exists(), f"{room} has moved: rename it in ROOMS"
        assert mirror_of(room) and all((ROOT / place).exists() for place in mirror_of(room)), room
