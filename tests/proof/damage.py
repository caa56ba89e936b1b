"""Damage: a file of a run is cut, flipped, emptied, or another thing; then a reader looks at it, or the command that
made the run is given again."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.proof.forked import Done, bench, forked, verdict
from tests.proof.kills import COMMANDS, Killed, armed
from tests.proof.world import REPORT, copy, differing, facts_in

if TYPE_CHECKING:
    from tests.proof.parts import Case, Part

READERS = (
    ("list", "runs"),
    ("compare", "mean_fill", "telea", "--json"),
    ("check", "r", "--fail-if", "telea.psnr_hole<1", "--json"),
    ("report", "r"),
)
FILES = ("run.json", "summary.json", "report.html", "records", "samples/index.json", "samples")
DAMAGES = ("cut", "flip", "empty", "other", "pipe", "folder", "gone", "device", "nonsense", "zeros")


def damage(part: Part, file: Path, how: str) -> None:
    lot, content = part.lot, file.read_bytes()
    if how in ("pipe", "folder", "gone", "device"):
        file.unlink()
        if how == "pipe":
            os.mkfifo(file)
        elif how == "folder":
            file.mkdir()
        elif how == "device":
            file.symlink_to("/dev/zero")
        return
    if how == "cut":
        content = content[: lot.randrange(len(content))]
    elif how == "flip":
        place = lot.randrange(len(content))
        content = content[:place] + bytes([content[place] ^ 1 << lot.randrange(8)]) + content[place + 1 :]
    elif how == "other":
        others = [path for path in file.parents[0].rglob("*") if path.is_file() and path != file]
        run = next(above for above in file.parents if above.parent.name == "runs")
        others += [run / "run.json", *[path for path in sorted(run.rglob("*.parquet")) if path != file][:1]]
        content = lot.choice(others).read_bytes()
    elif how == "zeros":
        content = bytes(len(content))
    else:
        content = b"" if how == "empty" else lot.randbytes(200)
    file.write_bytes(content)


def damaged(part: Part, count: int) -> Iterator[Case]:
    """A file of the run is damaged; the command that made the run is given again, or a reader looks at it."""
    said: dict[tuple[str, ...], str] = {}
    for words in READERS:
        folder = part.fresh()
        said[words] = shown(forked(lambda words=words: bench(*words), folder), words, folder)
    for number in range(count):
        folder = part.fresh()
        run = folder / "runs" / "r"
        label = at_random(part, run, FILES[number % len(FILES)])
        words = part.lot.choice((*READERS, *[REPORT] * len(READERS)))
        done = forked(lambda words=words: bench(*words), folder)

        def wrong(done: Done = done, words: tuple[str, ...] = words, folder: Path = folder) -> str:
            if words == REPORT:
                return part.unlike(folder)
            told = "note:" in done.err or "warning:" in done.err
            return "" if told or shown(done, words, folder) == said[words] else "other output"

        yield f"{label}: {' '.join(words[:2])}", verdict(done, wrong)


def at_random(part: Part, run: Path, kind: str) -> str:
    """Damage a file of a kind, and say which and how."""
    files = sorted(path for path in (run / kind).rglob("*.p*")) if (run / kind).is_dir() else [run / kind]
    file = part.lot.choice(files)
    how = part.lot.choice([how for how in DAMAGES if (file.name, how) != ("run.json", "gone")])
    damage(part, file, how)
    return f"{file.relative_to(run)} {how}"


def shown(done: Done, words: tuple[str, ...], folder: Path) -> str:
    """What a reader shows: what it prints, without the page that it points to where there is one, or its page."""
    if words[0] != "report":
        return re.sub(r'"look": [^,}]*', "", done.out)
    return (folder / "runs" / "r" / "report.html").read_text(encoding="utf-8")


TRAINED = ("run.json", "records", "throughput.parquet", "samples", *(f"checkpoints/baseline/seed-0/{name}" for name in (
    "generator.safetensors", "state.pt", "history.csv")))  # fmt: skip
HALTED = ("cache/train.npy", "cache/validation.npy", *(f"checkpoints/baseline/seed-0/{name}" for name in (
    "state.pt", "state.before.pt", "history.csv")))  # fmt: skip


def damaged_trainings(part: Part, count: int) -> Iterator[Case]:
    """A file of a run that trained, or of one that was killed while it trained, is damaged; it is given again."""
    run = Killed(COMMANDS["run"], None, {}, 0)
    ended = part.place / "ended"
    forked(run.go, run.place(ended))
    run.expected = facts_in(ended)
    halted = part.place / "halted"
    for number in range(80, 400, 3):  # of the writer's steps; before, no state is kept

        def work(number: int = number) -> int:
            armed(number, mmap.mmap(-1, 8))
            return run.go()

        forked(work, run.place(halted))
        if all((halted / "runs/k" / kind).is_file() for kind in HALTED):
            break
    for number in range(count):
        before, kinds = ((ended, TRAINED), (halted, HALTED))[number % 2]
        folder = copy(before, part.place / "case")
        label = at_random(part, folder / "runs" / "k", kinds[number // 2 % len(kinds)])
        done = forked(run.go, folder)

        def wrong(done: Done = done, folder: Path = folder) -> str:
            found = differing(facts_in(folder), run.expected)
            # A curve is drawn while a network is trained: what is lost of it stays lost, which is said.
            return "" if found == "k steps of the history" and "history.csv" in done.err else found

        yield label, verdict(done, wrong)
