"""When a training keeps its state."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from variants import checkpoint_every
from variants.checkpoint_every import Due, Every


def test_a_state_is_due_past_so_many_seconds_or_at_so_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(checkpoint_every.time, "perf_counter", lambda: clock.now)

    def due_at(every: Every, steps: int) -> list[int]:
        due, found = Due(every), []
        for step in range(1, steps + 1):
            clock.now += 2
            if due.stepped():
                found.append(step)
        return found

    # Two seconds a step: past 5 s after three of them, and never at 6 s sharp.
    assert due_at(Every(5.0, None), 10) == [3, 6, 9]
    assert due_at(Every(6.0, None), 10) == [4, 8]
    assert due_at(Every(None, 4), 10) == [4, 8]
    assert due_at(Every(5.0, 2), 7) == [2, 4, 6]
    assert due_at(Every(None, None), 10) == []
    assert (Every().seconds, Every().steps) == (20.0, None)
