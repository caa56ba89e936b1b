"""Timing methods beside each other: every round takes one sample of each, so that what disturbs the machine
disturbs all alike, and the calibration workload with them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.throughput.ladder import Ladder, ladders_of, rounds_of
from bench.throughput.plan import Plan, Report, make_plan
from bench.throughput.settings import Setting

if TYPE_CHECKING:
    import pandas as pd

    from bench.throughput.cell import Cell
    from bench.throughput.clocks import Watch
    from bench.throughput.subjects import Subject

WINDOW_S, SHORTEST_S = 2.0, 0.5
"""Seconds over which the energy of a row is weighed, and the fewest: NVML's counter moves in steps of a tenth or so."""


@dataclass(frozen=True)
class Result:
    """The rows, each row's samples (seconds a batch), and remarks: what was left out, and why."""

    frame: pd.DataFrame
    samples: list[list[float]]
    remarks: tuple[str, ...] = ()


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

    seconds: for everything together, warm-up included (compiling and energy come on top). batches (sizes, or
    ``sweep``), precisions and modes default to what suits the device. Methods that are only called (references,
    functions and ONNX files) run where and in what they do, in batches of no more than they take. ``report`` is told,
    in sentences, what could not be measured. Columns: docs/throughput.md.
    """
    sides = (resolution,) if isinstance(resolution, int) else tuple(resolution)
    plan = make_plan(device, sides, batches, precisions, modes, seconds)
    return run(members, plan, Report(report)).frame


def run(members: Sequence[Subject], plan: Plan, report: Report) -> Result:
    """Measure; see :func:`measure`."""
    import contextlib

    import torch

    from bench.throughput import calibration
    from bench.throughput.subjects import inputs, prepare
    from bench.throughput.threads import helpful_threads
    from variants.keep_freed_memory import keep_freed_memory

    # Else a fill is twice as fast or slow by whether the pages of the one before were given back to the system.
    keep_freed_memory()
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
            stack.enter_context(helpful_threads(lambda: call(*batch), report.remark))
        return run_ladders(ladders, plan, report)


def run_ladders(ladders: list[Ladder], plan: Plan, report: Report) -> Result:
    """Begin the ladders round by round, as :func:`rounds_of` puts them; then sample in turns; then tell.

    Where half of the time is gone before all have begun, the rounds that are left are left out.
    """
    from bench.throughput.ceilings import measure_ceilings
    from bench.throughput.clocks import open_watch
    from bench.throughput.rows import table

    began = time.perf_counter()
    watch = open_watch(plan.device)
    used = sorted({ladder.setting.precision for ladder in ladders})
    ceilings = measure_ceilings(plan.device, used, min(1.0, plan.seconds / 10))
    share = plan.seconds / 4 / sum(len(ladder) for ladder in ladders)
    found: dict[int, list[Cell]] = {}
    compiling = 0.0
    rounds = rounds_of(ladders)
    for done, numbers in enumerate(rounds):
        if done and time.perf_counter() > began + plan.seconds / 2 + compiling:
            kinds = ", ".join(dict.fromkeys(ladders[left[0]].kind for left in rounds[done:]))
            report.remark(f"no time for {kinds}: skipped for all (more: throughput --seconds)")
            break
        for number in numbers:
            found[number] = ladders[number].climb(share, watch, report)
            compiling += sum(cell.first_call_s for cell in found[number])
            report.progress(0.4 * len(found) / len(ladders))
    cells = [cell for number in sorted(found) for cell in found[number]]
    compare(cells, report)
    sample_in_turns(cells, began + plan.seconds + compiling, report)
    if plan.energy:
        weigh(cells, watch, plan.seconds, report)
    report.progress(1.0)
    return Result(table(cells, ceilings), [cell.loops for cell in cells], tuple(report.remarks))


def weigh(cells: list[Cell], watch: Watch | None, seconds: float, report: Report) -> None:
    """The energy a picture of every cell on the device that is watched, in no more than ``seconds``."""
    if watch is None or watch.joules() is None:
        return
    window = min(WINDOW_S, seconds / len(cells))
    if window < SHORTEST_S:
        report.remark(
            f"no time to measure the energy of {len(cells)} settings: skipped for all (more: throughput --seconds)"
        )
        return
    report.say(f"measuring the energy of {len(cells)} settings, {window:.2g} s each")
    for cell in cells:
        cell.weigh(window)


def compare(cells: list[Cell], report: Report) -> None:
    """Hold the pictures of every way of running against those that eager fp32 fills a few at a time, and say where a
    batch is too large to come out right."""
    from bench.throughput.cell import COMPARED, first_line, share_within_one
    from bench.throughput.equivalence import SHARE

    truths: dict[tuple[int, str, int, int], Any] = {}
    for cell in cells:
        setting = cell.setting
        exact = (setting.precision, setting.mode) == ("fp32", "eager")
        called = cell.subject.network is None
        if exact and setting.batch <= (1 if called else COMPARED):
            continue
        key = (id(cell.subject), setting.device, setting.resolution, setting.batch)
        try:
            if key not in truths:
                truths[key] = cell.few_at_a_time("fp32")
            cell.compare(truths[key])
            if cell.within_one_level >= SHARE or (setting.batch <= COMPARED and not called):
                continue
            if called:
                sentence = f"{cell.subject.name} fills a picture differently in a batch of {setting.batch} than alone"
                cell.notes.append(sentence)
                report.remark(sentence)
                continue
            alone = share_within_one(abs(cell.few_at_a_time(setting.precision) - truths[key]))
        except Exception as error:
            cell.notes.append(f"not compared with eager fp32 ({first_line(error)})")
            continue
        if alone >= SHARE:
            sentence = (
                f"{cell.subject.name} at {setting} fills pictures up to {cell.max_difference:.0f} levels off, "
                f"but right ones {COMPARED} at a time: the batch is too large for one of its kernels, use a smaller one"
            )
            cell.notes.append(sentence)
            report.remark(sentence)


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
