"""make mutants: how many small mistakes, made one at a time, the tests of their room notice.

python -m tests.mutants [ROOM…] [--sample N] [--seed N] [--least PERCENT] [--jobs N] [--again]

Results are kept in build/mutants/, by the content of the file and of the tests, so a stopped run goes on where it was
and only what changed is run again. Exit code 1: fewer noticed than --least, or tests that fail without a mistake.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import pytest

from tests.mutants.edits import Mutant
from tests.mutants.rooms import ROOMS, ROOT, mirror_of, mutants_of
from tests.mutants.run import OPTIONS, Room, children, fresh, warm

LIBRARIES = ("torch", "torchvision", "scipy.stats", "pandas", "pyarrow.parquet", "skimage.metrics", "cv2", "lpips")
KEPT = ROOT / "build" / "mutants"


def digest(*places: str) -> str:
    """Of the contents of files, and of the Python files in folders."""
    total = hashlib.sha256()
    for place in places:
        path = ROOT / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            total.update(file.read_bytes() if file.exists() else b"")
    return total.hexdigest()[:16]


class Kept:
    """What came of mutants, a line each in a file of the room. A mutant that a test noticed stays noticed while its
    file and the test's are the same; one that none noticed, while its file and all tests of the room are."""

    def __init__(self, room: str) -> None:
        self.path = KEPT / f"{room.replace('/', '-')}.jsonl"
        self.tests = digest(*mirror_of(room))

    def read(self, work: list[Mutant]) -> dict[Mutant, str]:
        lines = [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []
        found = {(line["file"], line["key"]): line for line in lines}
        files = {name: digest(name) for name in {mutant.file for mutant in work}}
        tests: dict[str, str] = {}
        kept = {}
        for mutant in work:
            line = found.get((files[mutant.file], mutant.key))
            if line and line["tests"] == tests.setdefault(line["by"], self.holds(line["by"])):
                kept[mutant] = line["by"]
        return kept

    def holds(self, by: str) -> str:
        return digest(by.partition("::")[0]) if "::" in by else self.tests

    def write(self, mutant: Mutant, by: str) -> None:
        line = {"file": digest(mutant.file), "key": mutant.key, "by": by, "tests": self.holds(by)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")


def in_child(body: Callable[[], None]) -> int:
    child = os.fork()
    if not child:
        try:
            body()
        finally:
            sys.stdout.flush()
            os._exit(0)
    return child


def measure(work: dict[str, list[Mutant]], jobs: int) -> None:
    """Run what is not kept yet: rooms side by side, then what runs at import."""
    for name in LIBRARIES:
        warm(name)
    answers = Path(tempfile.mkdtemp())

    def one(room: str, own_jobs: int) -> None:
        tell = Kept(room).write
        plugin = Room(work[room], own_jobs, tell)
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        pytest.main([*OPTIONS, *mirror_of(room)], plugins=[plugin])
        later = [(mutant.file, mutant.key, chosen, limit) for mutant, chosen, limit in plugin.later]
        (answers / Kept(room).path.name).write_text(json.dumps({"failed": plugin.failed, "later": later}))

    todo, running = [room for room in work if work[room]], 0
    own_jobs = max(1, jobs // max(1, len(todo)))
    sys.stdout.flush()
    for room in todo:
        if running == jobs:
            os.wait()
            running -= 1
        in_child(lambda room=room: one(room, own_jobs))  # type: ignore[misc]
        running += 1
    while running:
        os.wait()
        running -= 1
    later = []
    for room in todo:
        file = answers / Kept(room).path.name
        answer = json.loads(file.read_text()) if file.exists() else {"failed": "collecting them ended early"}
        if answer["failed"]:
            sys.exit(f"{room}: its tests fail without a mistake: {answer['failed']}")
        named = {(mutant.file, mutant.key): mutant for mutant in work[room]}
        later += [(named[file, key], chosen, limit) for file, key, chosen, limit in answer["later"]]
    home = {mutant: room for room in todo for mutant in work[room]}
    stores = {room: Kept(room) for room in todo}
    children(later, jobs, fresh, lambda mutant, by: stores[home[mutant]].write(mutant, by))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=str(__doc__).split("\n")[0])
    names = f"{', '.join(ROOMS)}, or a file of one; all if none is named"
    parser.add_argument("names", nargs="*", metavar="ROOM", help=names)
    parser.add_argument("--sample", type=int, help="run only this many, drawn by --seed over all rooms")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--least", type=float, default=90.0, help="percent that must be noticed (90)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--again", action="store_true", help="forget what is kept")
    options = parser.parse_args()
    os.chdir(ROOT)
    wanted = tuple(name.rstrip("/") for name in options.names) or tuple(ROOMS)
    rooms = {room: [m for m in mutants_of(room) if m.file.startswith(wanted)] for room in ROOMS}
    if not any(rooms.values()):
        parser.error(f"nothing to mutate in {', '.join(wanted)}; the rooms are {', '.join(ROOMS)}")
    if options.sample:
        ranked = sorted((m for found in rooms.values() for m in found), key=lambda m: m.rank(options.seed))
        drawn = set(ranked[: options.sample])
        rooms = {room: [m for m in found if m in drawn] for room, found in rooms.items()}
    if options.again:
        for room in rooms:
            Kept(room).path.unlink(missing_ok=True)
    kept = {room: Kept(room).read(found) for room, found in rooms.items()}
    measure({room: [m for m in found if m not in kept[room]] for room, found in rooms.items()}, options.jobs)
    return tell({room: Kept(room).read(found) for room, found in rooms.items() if found}, options.least)


def tell(found: dict[str, dict[Mutant, str]], least: float) -> int:
    """Print survivors and the table; the exit code."""
    unnoticed = {room: [m for m, by in results.items() if by in ("", "-")] for room, results in found.items()}
    for room, lived in unnoticed.items():
        for mutant in lived:
            print(mutant, "" if found[room][mutant] == "" else "  (no test runs it)")
    print(f"\n{'room':<20} {'mistakes':>8} {'noticed':>8} {'share':>7} {'stopped':>8}")
    total, missed = 0, 0
    for room, results in found.items():
        stopped = sum(by == "!" for by in results.values())
        total, missed = total + len(results), missed + len(unnoticed[room])
        noticed = len(results) - len(unnoticed[room])
        print(f"{room:<20} {len(results):>8} {noticed:>8} {noticed / len(results):>7.1%} {stopped:>8}")
    share = 100 * (total - missed) / total if total else 100.0
    print(f"{'all':<20} {total:>8} {total - missed:>8} {share / 100:>7.1%}")
    if share < least:
        print(f"{share:.1f} % noticed, {least:g} % wanted: write the tests that the lines above lack.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
