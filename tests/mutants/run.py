"""Runs mutants of one room against its tests: each in a forked child of a process that has all imported.

What runs within a function is exchanged in the functions that are there; what runs at import is given to a child that
has imported libraries only, as if it stood in the file.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.machinery
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType

import pytest

from tests.mutants.edits import Mutant
from tests.mutants.rooms import ROOT

OURS = ("bench", "variants", "reports", "tests")
OPTIONS = ["-x", "-p", "no:cacheprovider", "--capture=no", "--hypothesis-seed=0"]
ADDRESSES = 8 << 30
"""Bytes that a mutant may take beyond what it starts with."""


class Selection:
    """A pytest plugin that runs chosen tests in the given order and ends the process at the first failure.

    Exit status 0: all passed. Else the failed test's name is in ``told``.
    """

    def __init__(self, chosen: list[str], told: Path) -> None:
        self.chosen, self.told = chosen, told

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        place = {name: i for i, name in enumerate(self.chosen)}
        items[:] = sorted((item for item in items if item.nodeid in place), key=lambda item: place[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.told.write_text(report.nodeid)
            os._exit(1)


class Cover:
    """A pytest plugin: which tests run which lines, and how long each takes.

    What a fixture of several tests runs counts for every test that asks for it.
    """

    def __init__(self, coverage: object, items: list[pytest.Item]) -> None:
        self.coverage, self.items = coverage, items
        self.seconds: dict[str, float] = {}
        self.askers: dict[str, list[str]] = {}
        self.failed = ""

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.now = nodeid
        self.coverage.switch_context(nodeid)  # type: ignore[attr-defined]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration
        if report.failed:
            self.failed = f"{report.nodeid}\n{report.longreprtext}"

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef) -> Iterator[None]:
        if fixturedef.scope == "function":
            return (yield)
        name = f"{fixturedef.baseid}:{fixturedef.argname}"
        self.askers[name] = [
            item.nodeid
            for item in self.items
            if fixturedef.argname in getattr(item, "fixturenames", ()) and item.nodeid.startswith(fixturedef.baseid)
        ]
        self.coverage.switch_context(name)  # type: ignore[attr-defined]
        try:
            return (yield)
        finally:
            self.coverage.switch_context(self.now)  # type: ignore[attr-defined]

    def result(self, files: Iterable[str]) -> dict:
        """{"lines": {file: {line: [test]}}, "seconds": {test: s}, "failed": str}; "" stands for import."""
        data, lines = self.coverage.get_data(), {}  # type: ignore[attr-defined]
        for file in files:
            found = data.contexts_by_lineno(str(ROOT / file))
            lines[file] = {
                line: sorted({test for name in names for test in self.askers.get(name, [name])})
                for line, names in found.items()
            }
        return {"lines": lines, "seconds": self.seconds, "failed": self.failed}


class Room:
    """The pytest plugin of a process that collects a room's tests once and forks a child for each mutant."""

    def __init__(self, mutants: list[Mutant], jobs: int, tell: Callable[[Mutant, str], None]) -> None:
        import coverage

        self.mutants, self.jobs, self.tell = mutants, jobs, tell
        self.files = sorted({mutant.file for mutant in mutants})
        self.later: list[tuple[Mutant, list[str], float]] = []
        self.failed = ""
        files = [str(ROOT / file) for file in self.files]
        self.coverage = coverage.Coverage(data_file=None, include=files, config_file=False, messages=False)
        self.coverage.start()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        from _pytest.main import pytest_runtestloop as loop

        self.coverage.stop()
        found = self.measured(session, loop)
        if found["failed"] or not session.items:
            self.failed = found["failed"] or "no tests"
            return True
        work = []
        for mutant in self.mutants:
            chosen, imported = choose(mutant, found)
            limit = 10 + 10 * sum(found["seconds"][test] for test in chosen)
            if imported:
                self.later.append((mutant, chosen, limit))
            else:
                work.append((mutant, chosen, limit))
        functions = ours()
        items = {item.nodeid: item for item in session.items}

        def body(mutant: Mutant, chosen: list[str], told: Path) -> None:
            exchange(mutant, functions)
            stand_in(mutant)
            session.config.pluginmanager.register(Selection(chosen, told))
            session.items = [items[test] for test in chosen]
            loop(session)

        children(work, self.jobs, body, self.tell)
        return True

    def measured(self, session: pytest.Session, loop: Callable) -> dict:
        """The tests on the code as it is, in a child, so that this process stays as it was after collection."""
        folder = Path(tempfile.mkdtemp(prefix="mutant-"))
        answer = folder / "answer"
        child = os.fork()
        if not child:
            own_folder(folder)
            cover = Cover(self.coverage, session.items)
            try:
                session.config.pluginmanager.register(cover)
                self.coverage.start()
                loop(session)
            except BaseException as error:
                cover.failed = cover.failed or repr(error)
            finally:
                self.coverage.stop()
                libraries = [n for n in sys.modules if n.partition(".")[0] not in OURS and not n.startswith("__")]
                answer.write_text(json.dumps(cover.result(self.files) | {"libraries": libraries}))
                os._exit(0)
        os.waitpid(child, 0)
        found = json.loads(answer.read_text()) if answer.exists() else {"failed": "they died"}
        shutil.rmtree(folder, ignore_errors=True)
        for name in found.get("libraries", []):
            warm(name)
        return found


def choose(mutant: Mutant, found: dict) -> tuple[list[str], bool]:
    """The tests that could notice, and whether the mutated code runs at import.

    First those that run the line, the quickest first, then those that run the function (which may have been called
    once for many tests); for what runs at import all tests of the room.
    """
    lines, seconds = found["lines"].get(mutant.file, {}), found["seconds"]
    first, last = mutant.span
    direct = set(lines.get(str(mutant.line), []))
    near = {test for line, tests in lines.items() if first <= int(line) <= last for test in tests}
    imported = not mutant.place or "" in near
    pool = seconds if imported else near & set(seconds)
    return sorted(pool, key=lambda test: (test not in direct, test not in near, seconds[test])), imported


def ours() -> dict[tuple[str, str, int], list[FunctionType]]:
    """Every function of ours that is there, by file, qualified name and line."""
    found: dict[tuple[str, str, int], list[FunctionType]] = {}
    for thing in gc.get_objects():
        if type(thing) is FunctionType and thing.__code__.co_filename.startswith(str(ROOT)):
            code = thing.__code__
            found.setdefault((code.co_filename, code.co_qualname, code.co_firstlineno), []).append(thing)
    return found


def exchange(mutant: Mutant, functions: dict[tuple[str, str, int], list[FunctionType]]) -> None:
    """Put the mutant's code into the functions of its file."""
    path = str(ROOT / mutant.file)
    todo = [mutant.code(path)]
    while todo:
        code = todo.pop()
        todo += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
        for function in functions.get((path, code.co_qualname, code.co_firstlineno), []):
            if function.__code__ != code:
                function.__code__ = code


def stand_in(mutant: Mutant) -> None:
    """Give the mutant to whoever imports its file from now on."""
    path, usual = str(ROOT / mutant.file), importlib.machinery.SourceFileLoader.get_code

    def get_code(self: importlib.machinery.SourceFileLoader, name: str) -> CodeType | None:
        return mutant.code(path) if self.path == path else usual(self, name)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


def fresh(mutant: Mutant, chosen: list[str], told: Path) -> None:
    """Body of a child that has imported nothing of ours."""
    stand_in(mutant)
    files = list(dict.fromkeys(test.partition("::")[0] for test in chosen))
    if pytest.main([*OPTIONS, *files], plugins=[Selection(chosen, told)]) not in (0, 5):
        os._exit(1)


def children(
    work: list[tuple[Mutant, list[str], float]],
    jobs: int,
    body: Callable[[Mutant, list[str], Path], None],
    tell: Callable[[Mutant, str], None],
) -> None:
    """Run ``body`` in a forked child for each mutant, ``jobs`` at a time, and tell what came of it: the name of the
    test that noticed, "" where none did, "-" where no test runs the code, "!" for one that was stopped or died."""
    running: dict[int, tuple[Mutant, Path, float]] = {}
    todo = list(reversed(work))
    while todo or running:
        while todo and len(running) < jobs:
            mutant, chosen, limit = todo.pop()
            if not chosen:
                tell(mutant, "-")
                continue
            folder = Path(tempfile.mkdtemp(prefix="mutant-"))
            child = os.fork()
            if not child:
                alone(folder, limit, lambda m=mutant, c=chosen, f=folder: body(m, c, f / "told"))  # type: ignore[misc]
            running[child] = (mutant, folder, time.monotonic() + 60 + 5 * limit)
        for child in list(running):
            mutant, folder, end = running[child]
            done, status = os.waitpid(child, os.WNOHANG)
            if not done and time.monotonic() < end:
                continue
            with_group(child)
            if not done:
                _, status = os.waitpid(child, 0)
            told = folder / "told"
            tell(mutant, "" if status == 0 else told.read_text() if told.exists() else "!")
            shutil.rmtree(folder, ignore_errors=True)
            del running[child]
        time.sleep(0.005)


def with_group(child: int) -> None:
    """End what a child has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


def alone(folder: Path, limit: float, body: Callable[[], None]) -> None:
    """In a child: a group, folders and limits of its own; ``limit`` is of processor seconds, so that a busy machine
    stops nobody."""
    try:
        os.setsid()
        own_folder(folder)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + ADDRESSES, used + ADDRESSES))
        resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit) + 1))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        body()
    except BaseException:
        os._exit(1)
    os._exit(0)


def own_folder(folder: Path) -> None:
    os.environ |= {
        "TMPDIR": str(folder),
        "PYTEST_DEBUG_TEMPROOT": str(folder),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(folder),
    }
    tempfile.tempdir = None


def warm(name: str) -> None:
    with contextlib.suppress(Exception):
        importlib.import_module(name)
