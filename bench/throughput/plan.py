"""What is to be measured, and where a measurement tells how it goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.throughput.settings import SWEEP, sensible_batches, sensible_modes, sensible_precisions


@dataclass(frozen=True)
class Report:
    """``say`` a sentence, ``progress`` the share that is done (0 to 1). remarks: what the records keep of it."""

    say: Callable[[str], None] = lambda sentence: None
    progress: Callable[[float], None] = lambda share: None
    remarks: list[str] = field(default_factory=list)

    def remark(self, sentence: str) -> None:
        """Say what a reader of the records has to know as well: what was left out, and why."""
        if sentence not in self.remarks:
            self.remarks.append(sentence)
            self.say(sentence)


@dataclass(frozen=True)
class Plan:
    """What to measure. batches: sizes, or ``sweep``. seconds: for everything together, warm-up included; compiling
    and weighing energy come on top. threads: of the CPU; None is as many as help. energy: whether to weigh it."""

    device: str
    resolutions: tuple[int, ...]
    batches: tuple[int, ...] | str
    precisions: tuple[str, ...]
    modes: tuple[str, ...]
    seconds: float
    threads: int | None = None
    energy: bool = True


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
