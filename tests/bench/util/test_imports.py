"""Modules that are imported in a thread."""

from __future__ import annotations

import subprocess
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


@pytest.mark.parametrize(("leave", "code"), [("leave_imports(3); sys.exit(3)", 3), ("sys.exit(4)", 4)])
def test_a_process_ends_at_once_where_it_is_told_to_and_else_waits(tmp_path: Path, leave: str, code: int) -> None:
    (tmp_path / "slow_to_import.py").write_text(
        f"import time\ntime.sleep({20 if code == 3 else 0.2})\nprint('there')\n"
    )
    text = f"import sys\nfrom bench.util.imports import *\nsys.path.insert(0, {str(tmp_path)!r})\n"
    text += f"import_early(['slow_to_import'])\n{leave}"
    found = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=15)
    assert (found.returncode, found.stdout, found.stderr) == (code, "" if code == 3 else "there\n", "")
