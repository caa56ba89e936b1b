"""What every command settles first: the home folder, both streams, and workers that import our packages."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bench.util.files import write_json
from bench.util.start import at_home, settle_process


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("~", "/home/a"),
        ("~/r", "/home/a/r"),
        ("--out=~/r", "--out=/home/a/r"),
        ("folder:~/places", "folder:/home/a/places"),
        ("mine=onnx:~/m.onnx?size=512", "mine=onnx:/home/a/m.onnx?size=512"),
        ("rect,folder:~/holes,pool:~/more", "rect,folder:/home/a/holes,pool:/home/a/more"),
        ("folder:/data/a~/b", "folder:/data/a~/b"),
        ("~other/r", "~other/r"),
        ("x~y", "x~y"),
    ],
)
def test_the_home_folder_is_expanded_wherever_a_path_can_begin(word, expected, monkeypatch):
    monkeypatch.setenv("HOME", "/home/a")
    assert at_home(word) == expected


def test_arguments_environment_and_streams_are_settled_together(monkeypatch):
    out = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setenv("HOME", "/home/a")
    monkeypatch.setenv("BENCH_RUNS_DIR", "~/runs")
    monkeypatch.setenv("OTHER", "~/runs")
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    monkeypatch.setattr(sys, "argv", ["bench", "eval", "--out", "~/r"])
    monkeypatch.setattr(sys, "stdout", out)
    settle_process()
    assert sys.argv == ["bench", "eval", "--out", "/home/a/r"]
    assert (os.environ["BENCH_RUNS_DIR"], os.environ["OTHER"]) == ("/home/a/runs", "~/runs")
    # An arrow, which cp1252 lacks, and a file's name that is not UTF-8.
    print("dB ↑", os.fsdecode(b"caf\xe9"), file=out, flush=True)
    assert out.buffer.getvalue() == "dB ↑ caf\\udce9\n".encode()


def test_a_file_name_that_is_not_utf8_is_written_and_read_back(tmp_path):
    name = os.fsdecode(b"caf\xe9")
    write_json(tmp_path / "a.json", {"note": name})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"note": name}


WORKER = """
import multiprocessing
from bench.util.start import settle_process

def look():
    import bench.util.files, reports, variants.method
    print(bench.util.files.__name__, variants.method.__name__, len(reports.__path__))

if __name__ == "__main__":
    settle_process()
    context = multiprocessing.get_context("METHOD")
    if "METHOD" == "forkserver":
        context.set_forkserver_preload(["bench.util.files", "variants"])
    process = context.Process(target=look)
    process.start()
    process.join()
    raise SystemExit(process.exitcode)
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_files_called_like_our_packages_do_not_break_workers(tmp_path: Path, method: str) -> None:
    (tmp_path / "bench.py").write_text("raise RuntimeError('the user\\'s own')\n")
    for name in ("variants", "reports"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('the user\\'s own')\n")
    script = tmp_path / "elsewhere" / "worker.py"
    script.parent.mkdir()
    script.write_text(WORKER.replace("METHOD", method))
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONSAFEPATH"}
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "bench.util.files variants.method 1\n"), done.stderr


LATE = """
import os, signal, sys
from bench.util import start
start.settle_process()
print("told")
sys.stderr.write("warned")
file = open(sys.argv[1], "w")
assert file.fileno() > 2, "a file took the number of a closed stream"
try:
    os.kill(os.getpid(), signal.SIGTERM)
    signal.pause()
except KeyboardInterrupt:
    sys.exit(7 if start.terminated else 8)
"""


def test_closed_streams_take_no_files_place_and_sigterm_is_heard_like_ctrl_c(tmp_path: Path) -> None:
    command = f"{sys.executable} -c '{LATE}' {tmp_path / 'file'} >&- 2>&- <&-"
    assert subprocess.run(command, shell=True, cwd=Path(__file__).parents[3]).returncode == 7
    assert (tmp_path / "file").read_text() == ""


@pytest.mark.parametrize("module", ["typer", "bench.cli.run"])
def test_a_ctrl_c_while_the_command_line_is_imported_is_one_sentence(module: str) -> None:
    code = (
        "import signal, sys\n"
        # Whoever starts the tests in the background has it ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Hit:\n"
        "    @staticmethod\n"
        "    def find_spec(name, *rest):\n"
        f"        if name == {module!r}:\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Hit)\n"
        "from bench.__main__ import main\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code, "list"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "bench: Interrupted.\n")


def test_the_command_begins_where_a_ctrl_c_is_heard() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    assert project["project"]["scripts"]["bench"] == "bench.__main__:main"
