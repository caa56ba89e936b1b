"""The speed of a run's methods is measured again when what it depends on changes."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from bench.stages.speed import measure_speed

SAME: dict[str, Any] = {"device": "cpu", "size": 64, "seconds": 1.0, "weights": "ab", "machine": "here"}


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Goes through the stage in one run folder; gives how often speed has been measured so far."""
    calls: list[list[str]] = []

    def pretend(members: list[Any], *_: Any) -> SimpleNamespace:
        calls.append([member.name for member in members])
        return SimpleNamespace(frame=pd.DataFrame({"threads": [1]}), remarks=[])

    def through(**changes: Any) -> int:
        here = {**SAME, **changes}
        method = SimpleNamespace(
            name="mine", seed=0, kind="network", weights_sha256=here["weights"],
            convention="", content="", samples=1, parameters=0, multiple=1,
        )  # fmt: skip
        monkeypatch.setattr("bench.runs.provenance.machine", lambda: {"hostname": here["machine"]})
        profile = SimpleNamespace(size=here["size"], throughput_s=here["seconds"])
        writer = SimpleNamespace(path=tmp_path, stage=nullcontext, update=lambda **_: None)
        measure_speed(SimpleNamespace(profile=profile, writer=writer, device=here["device"], methods=[method]))
        return len(calls)

    monkeypatch.setattr("bench.throughput.measure.run", pretend)
    monkeypatch.setattr("bench.throughput.plan.make_plan", lambda *_, **__: None)
    return through


def test_what_was_measured_is_kept_while_nothing_changes(measured):
    assert [measured(), measured()] == [1, 1]


@pytest.mark.parametrize(
    "change", [{"device": "cuda"}, {"size": 128}, {"seconds": 2.0}, {"weights": "cd"}, {"machine": "there"}], ids=str
)
def test_another_device_size_time_weights_or_machine_is_measured_again(measured, change):
    assert [measured(), measured(**change), measured(**change)] == [1, 2, 2]


def test_a_damaged_file_of_speeds_is_measured_again(measured, tmp_path: Path):
    measured()
    (tmp_path / "throughput.parquet").write_bytes(b"PAR1 and nothing else")
    assert measured() == 2
