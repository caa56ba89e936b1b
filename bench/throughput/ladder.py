"""One subject at one precision, mode and resolution, climbed over batch sizes until memory or time ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.throughput.plan import Plan, Report
from bench.throughput.settings import SWEEP, Setting, why_not

if TYPE_CHECKING:
    from bench.throughput.cell import Cell
    from bench.throughput.subjects import Subject

LONGEST_SWEEP = 4096
"""Batch size at which a sweep ends where memory does not end it."""


@dataclass(frozen=True)
class Ladder:
    """``setting``'s batch is whatever: ``batches`` says which are tried."""

    subject: Subject
    setting: Setting
    batches: tuple[int, ...] | str

    def __str__(self) -> str:
        return f"{self.subject.name} {self.kind}"

    @property
    def kind(self) -> str:
        """The setting but for device and batch, in words."""
        return f"{self.setting.precision} {self.setting.mode} {self.setting.resolution} px"

    def __len__(self) -> int:
        return 8 if self.batches == SWEEP else len(self.batches)

    def sizes(self) -> Iterator[int]:
        """Batch sizes in the order in which they are tried: those given, or powers of two in a sweep."""
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
                report.remark(str(refusal))
                break
            if any(other.setting == cell.setting for other in found):
                report.remark(f"{self}: {cell.notes[-1]} already")
                break
            found.append(cell)
            if self.batches == SWEEP:
                if cell.setting.batch < batch:
                    break
                if cell.call_s > 2 * warm_s:
                    report.remark(
                        f"{self}: the sweep ends at batch {batch}, which takes {cell.call_s:.2g} s; memory would allow "
                        "more (more: throughput --seconds)"
                    )
                    break
                if batch == LONGEST_SWEEP:
                    report.remark(f"{self}: the sweep ends at batch {batch}, the largest tried")
        return found


def ladders_of(member: Subject, plan: Plan, report: Report) -> list[Ladder]:
    """The settings at which a member can be run at all."""
    from bench.throughput.modes import foldable

    if member.network is None:
        return called_ladders(member, plan, report)
    found = []
    for precision in plan.precisions:
        for mode in plan.modes:
            why = why_not(Setting(plan.device, precision, mode, 1, 1))
            if why:
                report.remark(f"{precision} {mode} skipped: {why}")
                continue
            if mode == "folded" and not foldable(member.network):
                if "eager" not in plan.modes:
                    report.remark(
                        f"{member.name} {precision} folded skipped: no convolution is followed by "
                        "a BatchNorm in an nn.Sequential"
                    )
                continue
            found += [
                Ladder(member, Setting(plan.device, precision, mode, side, 1), plan.batches)
                for side in plan.resolutions
            ]
    return found


def called_ladders(member: Subject, plan: Plan, report: Report) -> list[Ladder]:
    """Those of a method that is only called: where and in what it runs, in batches of no more than it takes."""
    batches: tuple[int, ...] | str = plan.batches
    if member.most is not None:
        # A larger batch would be nothing but a loop over pictures.
        sizes = Ladder(member, Setting(member.device, member.precision, "eager", 1, 1), plan.batches).sizes()
        batches = tuple(size for size in sizes if size <= member.most) or (member.most,)
    if member.precision not in plan.precisions or "eager" not in plan.modes or member.device != plan.device:
        where = "the CPU" if member.device == "cpu" else member.device
        report.remark(f"{member.name} runs on {where} in {member.precision} eager: timed in that alone")
    if plan.batches != SWEEP and not set(batches) <= set(plan.batches):
        few = "one picture" if member.most == 1 else f"{member.most} pictures"
        report.remark(f"{member.name} takes {few} at a time: timed at batch {', '.join(map(str, batches))}")
    return [
        Ladder(member, Setting(member.device, member.precision, "eager", side, 1), batches) for side in plan.resolutions
    ]


def rounds_of(ladders: Sequence[Ladder]) -> list[list[int]]:
    """The ladders' numbers in the order to begin them: the first of every subject; then, together, those of one kind.

    So where the time ends between two rounds, what is left out is left out for all, and methods stay comparable.
    """
    firsts: dict[int, int] = {}
    rest: dict[str, list[int]] = {}
    for number, ladder in enumerate(ladders):
        if firsts.setdefault(id(ladder.subject), number) != number:
            rest.setdefault(ladder.kind, []).append(number)
    return [list(firsts.values()), *rest.values()]
