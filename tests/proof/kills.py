"""Kills: at every step of the one writer of files, and at random moments; then the same command is given again."""

from __future__ import annotations

import mmap
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.proof.forked import bench, forked, verdict
from tests.proof.world import EVAL, copy, differing, facts_in

if TYPE_CHECKING:
    from tests.proof.parts import Case, Part

SMALL = (
    "--profile", "tiny", "--size", "16", "--set", "steps=4", "--set", "width=4", "--set", "batch=4",
    "--set", "train_count=8", "--checkpoint-every", "1",
)  # fmt: skip
COMMANDS: dict[str, tuple[str, ...]] = {
    "run": (
        "run", *SMALL, "--variants", "baseline", "--masks", "rect", "--set", "count=1", "--set", "samples=0",
        "--set", "metrics=psnr_hole", "--set", "throughput_s=0.02", "--workers", "1", "--offline", "--out", "runs/k",
    ),
    "train": ("train", "baseline", *SMALL, "--out", "runs/k"),
    "eval": ("eval", "telea", *EVAL[EVAL.index("--data") :], "--count", "1", "--masks", "rect"),
    "report": ("report", "r"),
    "export": ("suite", "export", "suite", "--count", "2", "--size", "32", "--masks", "rect"),
}  # fmt: skip


@dataclass
class Killed:
    """A command to kill. before: the folder it begins in, or None. expected: facts of what it leaves when nothing
    happens to it. steps: of the writer, in all its processes."""

    words: tuple[str, ...]
    before: Path | None
    expected: dict[str, Any]
    steps: int

    def place(self, folder: Path) -> Path:
        shutil.rmtree(folder, ignore_errors=True)
        if self.before is not None:
            return copy(self.before, folder)
        folder.mkdir(parents=True)
        return folder

    def again(self, folder: Path) -> str:
        """The same command once more must end well, with the same results: refusing is a failure."""
        done = forked(lambda: self.go(), folder)
        finished = self.words[0] == "suite" and done.code == 2 and "is not empty" in done.err
        told = "right" if finished else verdict(done, lambda: "")
        unlike = differing(facts_in(folder), self.expected) if told == "right" else ""
        if unlike:
            return f"another result without a word: {unlike}"
        return told if told != "refused" else f"refused: {done.err}"

    def go(self) -> int:
        fork_trainings()
        return bench(*self.words)


def fork_trainings() -> None:
    """Trainings in forks of this process, which has everything imported: a server of forks takes seconds to start."""
    import bench.training.schedule as train

    fork = train.multiprocessing.get_context("fork")
    train.multiprocessing.get_context = lambda method=None: fork  # type: ignore[assignment, return-value]
    train.start_fork_server = lambda: None


def armed(number: int | None, counter: mmap.mmap) -> None:
    """Every step of the one writer, in this process and those it starts, is counted; before the ``number``-th, all of
    them are killed. A step is before or after an opening, a change of mode, a sync, a renaming."""
    from variants import atomic

    def count() -> None:
        done = int.from_bytes(counter[:8], "little")
        if done == number:
            os.killpg(0, signal.SIGKILL)
        counter[:8] = (done + 1).to_bytes(8, "little")

    def step(function: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*arguments: Any, **named: Any) -> Any:
            count()
            found = function(*arguments, **named)
            count()
            return found

        return stepped

    atomic.tempfile.mkstemp = step(atomic.tempfile.mkstemp)
    atomic.sync = step(atomic.sync)
    Path.replace = step(Path.replace)  # type: ignore[method-assign]
    Path.chmod = step(Path.chmod)  # type: ignore[method-assign]


def commands(part: Part) -> dict[str, Killed]:
    """What is killed, after one go of each that nothing happens to."""
    found = {}
    for name, words in COMMANDS.items():
        killed = Killed(words, part.world if name == "report" else None, {}, 0)
        folder, counter = killed.place(part.place / "case"), mmap.mmap(-1, 8)

        def work(killed: Killed = killed, counter: mmap.mmap = counter) -> int:
            armed(None, counter)
            return killed.go()

        done = forked(work, folder)
        assert done.code == 0, done.err
        killed.expected, killed.steps = facts_in(folder), int.from_bytes(counter[:8], "little")
        found[name] = killed
    return found


def at_writes(part: Part, count: int) -> Iterator[Case]:
    """Every command dies at every step of the writer, or at ``count`` drawn by lot."""
    killings = [(name, killed, step) for name, killed in commands(part).items() for step in range(killed.steps)]
    for name, killed, number in part.lot.sample(killings, min(count, len(killings))):
        folder = killed.place(part.place / "case")

        def work(killed: Killed = killed, number: int = number) -> int:
            armed(number, mmap.mmap(-1, 8))
            return killed.go()

        done = forked(work, folder)
        told = killed.again(folder)
        reached = done.code is None or name == "run"  # a run takes a step more or less with its time
        yield f"{name} at step {number} of {killed.steps}", told if reached else "the kill was not reached"


def at_random(part: Part, count: int) -> Iterator[Case]:
    """The commands in turn are killed at random moments."""
    import time

    length = {}
    killings = commands(part)
    for name, killed in killings.items():
        folder, began = killed.place(part.place / "case"), time.monotonic()
        forked(killed.go, folder)
        length[name] = time.monotonic() - began
    for number in range(count):
        name = list(killings)[number % len(killings)]
        folder = killings[name].place(part.place / "case")
        moment = part.lot.uniform(0, length[name])
        forked(killings[name].go, folder, kill_after=moment)
        yield f"{name} after {moment:.2f} s of {length[name]:.2f}", killings[name].again(folder)
