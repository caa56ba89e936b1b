"""``bench new`` writes a file that works and passes the test that it brings."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from bench.scaffold import KINDS, registry_of, write_new
from bench.util.errors import UsageError
from variants.plugins import PLUGINS_ENV


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """No registry keeps what a test enters."""
    monkeypatch.setenv(PLUGINS_ENV, "")
    for kind in KINDS:
        registry = registry_of(kind)
        registry.all()  # else what is imported meanwhile would be forgotten
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))


def imported(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"scaffold_{file.stem}", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_file_passes_the_test_that_it_brings(kind: str, tmp_path: Path) -> None:
    file, test = write_new(kind, f"my_{kind}", tmp_path)
    assert (file.name, test.name) == (f"my_{kind}.py", f"test_my_{kind}.py")
    module = imported(test)
    cases = [value for name, value in vars(module).items() if name.startswith("test_")]
    assert len(cases) >= 2
    for case in cases:
        case()
    assert registry_of(kind).origin(f"my_{kind}") == f"the plug-in {file}"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_formatted_and_names_no_placeholder(kind: str, tmp_path: Path) -> None:
    for file in write_new(kind, "mine", tmp_path):
        text = file.read_text(encoding="utf-8")
        assert "NAME" not in text and "LABEL" not in text
        assert max(len(line) for line in text.splitlines()) <= 120


def test_taken_bad_and_existing_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'rect' is taken by .*rect\.py"):
        write_new("mask", "rect", tmp_path)
    for name in ("Mine", "1st", "a-b", "../x", ""):
        with pytest.raises(UsageError, match="use a-z"):
            write_new("mask", name, tmp_path)
    (tmp_path / "test_mine.py").touch()
    with pytest.raises(UsageError, match=r"test_mine\.py exists"):
        write_new("mask", "mine", tmp_path)
    assert not (tmp_path / "mine.py").exists()
