"""How the harness's speed is measured: every hot path beside a peer, in turns, in the same run.

A test takes the ``race`` fixture and gives it two callables that do the same work::

    @pytest.mark.benchmark(group="scenes", timer=time.process_time)
    def test_drawing_scenes(race):
        race(ours, peer, items=8, unit="pictures", wanted=2.0)

Rounds alternate, so that what disturbs the machine disturbs both; the ratio is the median of the rounds' own
ratios, peer's time over ours. A test with a way of timing of its own sets ``benchmark.extra_info["ratio"]`` (and
``"wanted"``, ``"peer"`` if it has them) and stands in the table all the same. The table is printed at the end of
``make perf``; falling short of ``wanted`` is marked there, and fails nothing: a busy machine is no regression.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def race(benchmark: Any) -> Callable[..., float]:
    """``race(ours, peer, items=, unit=, wanted=, rounds=, peer_name=)`` -> the ratio of their times.

    timer: measures the peer as the benchmark's own timer measures ours. self_timed: both return the seconds that
    they took, as work in another process does.
    """

    def run(
        ours: Callable[[], Any],
        peer: Callable[[], Any],
        *,
        items: int = 1,
        unit: str = "calls",
        wanted: float | None = None,
        rounds: int = 9,
        peer_name: str = "peer",
        timer: Callable[[], float] = time.process_time,
        self_timed: bool = False,
    ) -> float:
        theirs: list[float] = []
        told: list[float] = []

        def turn() -> None:
            began = timer()
            spent = peer()
            theirs.append(spent if self_timed else timer() - began)

        ours()
        turn()
        theirs.clear()
        benchmark.pedantic(lambda: told.append(ours()), setup=turn, rounds=rounds)
        mine = told if self_timed else benchmark.stats.stats.data
        ratio = statistics.median(t / m for t, m in zip(theirs, mine, strict=True))
        benchmark.extra_info.update(
            ratio=ratio,
            wanted=wanted,
            unit=unit,
            peer=peer_name,
            ours_per_s=items / statistics.median(mine),
            peer_per_s=items / statistics.median(theirs),
        )
        return ratio

    return run


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    session = getattr(config, "_benchmarksession", None)
    found = [b for b in getattr(session, "benchmarks", []) if "ratio" in b.extra_info]
    if not found:
        return
    terminalreporter.write_sep("=", "ours beside its peer (ratio of times; more is better)")
    width = max(len(b.name) for b in found)
    for b in sorted(found, key=lambda b: (b.group or "", b.name)):
        facts = b.extra_info
        line = f"{b.name:{width}s}  ×{facts['ratio']:5.2f}"
        if facts.get("wanted"):
            line += f"  wanted ×{facts['wanted']:.1f}{'' if facts['ratio'] >= facts['wanted'] else ' (short of it)'}"
        if "ours_per_s" in facts:
            line += f"  {facts['ours_per_s']:,.3g} against {facts['peer_per_s']:,.3g} {facts['unit']}/s"
        if facts.get("peer"):
            line += f"  [{facts['peer']}]"
        terminalreporter.write_line(line)
