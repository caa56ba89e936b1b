"""What a user's code prints, and where it goes, is kept apart from our results and paths."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.methods.callable import CallableMethod
from bench.methods.load import load_methods
from bench.methods.user_code import user_code
from variants.errors import ExternalError

IMAGE, HOLE = np.zeros((1, 8, 8, 3), np.uint8), np.ones((1, 8, 8), bool)


def test_stdout_is_ours_whatever_a_model_or_a_tool_that_it_starts_prints(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def function(x, h):  # type: ignore[no-untyped-def]
        print("from Python")
        os.write(1, b"from a library\n")
        subprocess.run([sys.executable, "-S", "-c", "print('from a tool')"], check=True)
        return x

    CallableMethod("mine", function).fill(IMAGE, HOLE)
    print("a result")
    out, err = capfd.readouterr()
    assert out == "a result\n"
    assert sorted(err.splitlines()) == ["from Python", "from a library", "from a tool"]


def test_a_model_that_takes_stdout_away_takes_it_from_itself(capsys: pytest.CaptureFixture[str]) -> None:
    def function(x, h):  # type: ignore[no-untyped-def]
        sys.stdout = None  # type: ignore[assignment]
        return x

    CallableMethod("mine", function).fill(IMAGE, HOLE)
    print("a result")
    assert capsys.readouterr().out == "a result\n"


def test_a_folder_that_code_goes_to_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    with user_code():
        os.chdir(theirs)
    assert Path.cwd() == tmp_path
    with user_code():
        assert Path.cwd() == theirs
        os.chdir(tmp_path)
    with user_code():
        assert Path.cwd() == tmp_path


def test_a_module_that_goes_elsewhere_leaves_the_next_ones_path_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "here.txt").touch()
    text = "import os\nos.chdir('weights')\n\ndef fill(x, h):\n    assert os.path.exists('here.txt')\n    return x\n"
    (tmp_path / "one.py").write_text(text)
    (tmp_path / "two.py").write_text("def fill(x, h):\n    return x\n")
    try:
        for name in ("one", "two"):
            load_methods(f"python:{name}.py:fill", weights=None)[0].fill(IMAGE, HOLE)  # type: ignore[arg-type]
            assert Path.cwd() == tmp_path
    finally:
        with user_code():
            os.chdir(tmp_path)


@pytest.mark.parametrize("code", ["", "0", "'goodbye'"])
@pytest.mark.parametrize(
    "text", ["raise SystemExit({})\n", "class fill:\n    def __init__(self): raise SystemExit({})\n"]
)
def test_code_that_ends_the_process_as_it_is_loaded_is_a_failure(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "script.py").write_text(text.format(code))
    with pytest.raises(ExternalError, match="failed: it ends the process"):
        load_methods(f"python:{tmp_path}/script.py:fill", weights=None)  # type: ignore[arg-type]
