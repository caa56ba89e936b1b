"""Timing methods beside each other: every round takes one sample of each, so that what disturbs the machine
disturbs all alike, and the calibration workload with them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.throughput.settings import SWEEP, Setting, sensible_batches, sensible_modes, sensible_precisions, why_not

if TYPE_CHECKING:
    import pandas as pd

    from bench.throughput.cell import Cell
    from bench.throughput.subjects import Subject

LONGEST_SWEEP = 4096
"""Batch size at which a sweep ends where memory does not end it."""


@dataclass(frozen=True)
class Report:
    """Where a measurement tells how it goes: ``say`` a sentence, ``progress`` the share that is done (0 to 1)."""

    say: Callable[[str], None] = lambda sentence: None
    progress: Callable[[float], None] = lambda share: None


@dataclass(frozen=True)
class Plan:
    """What to measure. batches: sizes, or ``sweep``. seconds: for everything together, warm-up included;
    compiling comes on top. threads: of the CPU; None is as many as help."""

    device: str
    resolutions: tuple[int, ...]
    batches: tuple[int, ...] | str
    precisions: tuple[str, ...]
    modes: tuple[str, ...]
    seconds: float
    threads: int | None = None


@dataclass(frozen=True)
class Result:
    """The rows, and each row's samples: seconds a batch."""

    frame: pd.DataFrame
    samples: list[list[float]]


def measure(
    members: Sequence[Subject],
    *,
    device: str = "cpu",
    resolution: int | Sequence[int] = 256,
    batches: Sequence[int] | str | None = None,
    seconds: float = 60.0,
    precisions: Sequence[str] | None = None,
    modes: Sequence[str] | None = None,
    report: Callable[[str], None] = lambda sentence: None,
) -> pd.DataFrame:
    """Time every member at every combination of settings; one row each, and the calibration's.

    seconds: for everything together, warm-up included (compiling comes on top). batches (sizes, or ``sweep``),
    precisions and modes default to what suits the device. Methods that are only called (references, files from
    outside) run in fp32 eager on the CPU, references at batch 1. ``report`` is told, in sentences, what could
    not be measured. Columns: docs/throughput.md.
    """
    sides = (resolution,) if isinstance(resolution, int) else tuple(resolution)
    plan = make_plan(device, sides, batches, precisions, modes, seconds)
    return run(members, plan, Report(report)).frame


def make_plan(
    device: str,
    resolutions: Sequence[int],
    batches: Sequence[int] | str | None = None,
    precisions: Sequence[str] | None = None,
    modes: Sequence[str] | None = None,
    seconds: float = 60.0,
    threads: int | None = None,
) -> Plan:
    """A plan with what suits the device where nothing is said."""
    sizes = SWEEP if batches == SWEEP else tuple(int(b) for b in batches or sensible_batches(device))
    return Plan(
        device,
        tuple(resolutions),
        sizes,
        tuple(precisions or sensible_precisions(device)),
        tuple(modes or sensible_modes(device)),
        seconds,
        threads,
    )


def run(members: Sequence[Subject], plan: Plan, report: Report) -> Result:
    """Measure; see :func:`measure`."""
    import contextlib

    import torch

    from bench.throughput import calibration
    from bench.throughput.subjects import inputs, prepare
    from bench.throughput.threads import helpful_threads

    workload = calibration.subject()
    setting = Setting(plan.device, "fp32", "eager", calibration.RESOLUTION, calibration.BATCH)
    ladders = [ladder for member in members for ladder in ladders_of(member, plan, report)]
    ladders.append(Ladder(workload, setting, (setting.batch,)))
    with contextlib.ExitStack() as stack:
        if plan.threads is not None:
            stack.callback(torch.set_num_threads, torch.get_num_threads())
            torch.set_num_threads(plan.threads)
        elif setting.type == "cpu":
            call, batch = prepare(workload, setting), inputs(setting, 1)[0]
            stack.enter_context(helpful_threads(lambda: call(*batch), report.say))
        return run_ladders(ladders, plan, report)


def run_ladders(ladders: list[Ladder], plan: Plan, report: Report) -> Result:
    """Begin every ladder, the plainest of each subject first; then sample in turns; then tell.

    Should the time run out before all have begun, what is left is left out, but for the first of each subject.
    """
    from bench.throughput.ceilings import measure_ceilings
    from bench.throughput.rows import table
    from bench.throughput.watch import open_watch

    began = time.perf_counter()
    watch = open_watch(plan.device)
    used = sorted({ladder.setting.precision for ladder in ladders})
    ceilings = measure_ceilings(plan.device, used, min(1.0, plan.seconds / 10))
    share = plan.seconds / 4 / sum(len(ladder) for ladder in ladders)
    firsts = {id(ladder.subject): number for number, ladder in reversed(list(enumerate(ladders)))}
    order = sorted(range(len(ladders)), key=lambda number: number != firsts[id(ladders[number].subject)])
    found: dict[int, list[Cell]] = {}
    compiling = 0.0
    for done, number in enumerate(order):
        ladder = ladders[number]
        if time.perf_counter() > began + plan.seconds / 2 + compiling and number not in firsts.values():
            report.say(f"no time for {len(order) - done} more settings, from {ladder} on (give more --seconds)")
            break
        found[number] = ladder.climb(share, watch, report)
        compiling += sum(cell.first_call_s for cell in found[number])
        report.progress(0.4 * (done + 1) / len(ladders))
    cells = [cell for number in sorted(found) for cell in found[number]]
    compare(cells)
    sample_in_turns(cells, began + plan.seconds + compiling, report)
    for cell in cells:
        cell.weigh(2.0)
    report.progress(1.0)
    return Result(table(cells, ceilings), [cell.loops for cell in cells])


@dataclass(frozen=True)
class Ladder:
    """One subject at one precision, mode and resolution, over batch sizes."""

    subject: Subject
    setting: Setting
    batches: tuple[int, ...] | str

    def __str__(self) -> str:
        at = self.setting
        return f"{self.subject.name} {at.precision} {at.mode} {at.resolution} px"

    def __len__(self) -> int:
        return 8 if self.batches == SWEEP else len(self.batches)

    def sizes(self) -> Iterator[int]:
        if self.batches == SWEEP:
            yield from (1 << k for k in range(LONGEST_SWEEP.bit_length()))
        else:
            yield from (int(b) for b in self.batches)

    def climb(self, warm_s: float, watch: Any, report: Report) -> list[Cell]:
        """A warm cell for each batch size. A sweep ends when memory does, or when a batch takes so long that
        its median could not be told in the time; out-of-memory at a size asked for gives a smaller one."""
        from bench.throughput.cell import Cell, Refused

        found: list[Cell] = []
        for batch in self.sizes():
            cell = Cell(self.subject, self.setting.with_batch(batch), watch)
            try:
                cell.begin(warm_s)
            except Refused as refusal:
                report.say(str(refusal))
                break
            if any(other.setting == cell.setting for other in found):
                report.say(f"{self.subject.name}: {cell.notes[-1]} already")
                break
            found.append(cell)
            if self.batches == SWEEP and (cell.setting.batch < batch or cell.call_s > 2 * warm_s):
                break
        return found


def ladders_of(member: Subject, plan: Plan, report: Report) -> list[Ladder]:
    """The settings at which a member can be run at all."""
    if member.network is None:
        sizes: tuple[int, ...] | str = (1,) if member.one_by_one else plan.batches
        return [Ladder(member, Setting("cpu", "fp32", "eager", side, 1), sizes) for side in plan.resolutions]
    found = []
    for precision in plan.precisions:
        for mode in plan.modes:
            why = why_not(Setting(plan.device, precision, mode, 1, 1))
            if why:
                report.say(f"{precision} {mode} is left out: {why}")
                continue
            if mode == "folded" and not has_batch_norm(member.network):
                if "eager" not in plan.modes:
                    report.say(
                        f"{member.name} {precision} folded is left out: it has no BatchNorm, so it would be eager"
                    )
                continue
            found += [
                Ladder(member, Setting(plan.device, precision, mode, side, 1), plan.batches)
                for side in plan.resolutions
            ]
    return found


def has_batch_norm(network: Any) -> bool:
    return any("BatchNorm" in type(module).__name__ for module in network.modules())


def compare(cells: list[Cell]) -> None:
    """Hold the pictures of every other way of running against eager fp32's, measured or not."""
    from dataclasses import replace

    from bench.throughput.cell import Cell, Refused

    measured = {(id(cell.subject), cell.setting): cell for cell in cells}
    truths: dict[tuple[int, Setting], Any] = {}
    for cell in cells:
        plain = replace(cell.setting, precision="fp32", mode="eager")
        key = (id(cell.subject), plain)
        if cell.subject.network is None or cell.setting == plain:
            continue
        if key not in truths:
            reference = measured.get(key) or Cell(cell.subject, plain)
            try:
                if key not in measured:
                    reference.begin(0.0)
                truths[key] = reference.levels()
            except Refused as refusal:
                cell.notes.append(f"not compared with eager fp32 ({refusal})")
                continue
        cell.compare(truths[key])


def sample_in_turns(cells: list[Cell], deadline: float, report: Report) -> None:
    """Rounds of one sample each, the first of a round moving on, until all have settled or the time is up."""
    turn, began = 0, time.perf_counter()
    while True:
        active = [cell for cell in cells if not cell.settled]
        if not active:
            return
        for k in range(len(active)):
            if turn and time.perf_counter() > deadline:
                return
            active[(k + turn) % len(active)].sample(turn)
        turn += 1
        report.progress(0.4 + 0.6 * min(1.0, (time.perf_counter() - began) / max(deadline - began, 1e-9)))
