"""Modules that are imported in a thread."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from bench.util.imports import import_early


def test_modules_are_imported_and_what_is_not_installed_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow_to_import.py").write_text("seen = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import_early(["not_installed_anywhere", "slow_to_import"])
    for thread in threading.enumerate():
        if thread.name == "imports":
            thread.join()
    assert sys.modules.pop("slow_to_import").seen == 1
