"""Replayed steps, on a tape that does on the CPU what a CUDA graph does: it reads and writes the recorded tensors."""

from __future__ import annotations

import contextlib

import pytest
import torch

from variants.graph import WARM_UP, CudaTape, Replayed


class Tape:
    """Recording computes nothing: the state is put back, and the tensors given hold no values yet."""

    def __init__(self, state: torch.Tensor) -> None:
        self.log: list[str] = []
        self.state = state

    def aside(self, call):
        self.log.append("aside")
        return call()

    def record(self, call):
        self.log.append("record")
        before = self.state.clone()
        self.given = {name: torch.full_like(value, torch.nan) for name, value in call().items()}
        self.state.copy_(before)
        self.call = call
        return self.given

    def replay(self) -> None:
        self.log.append("replay")
        for name, value in self.call().items():
            self.given[name].copy_(value)


def test_replayed_calls_do_and_give_what_plain_calls_do():
    state, plain = torch.zeros(()), torch.zeros(())

    def step(total: torch.Tensor):
        def compute(images: torch.Tensor, holes: torch.Tensor) -> dict[str, torch.Tensor]:
            total.add_((images * holes + 2 * images - holes).sum())
            return {"loss": total * 2}

        return compute

    tape = Tape(state)
    replayed, reference = Replayed(step(state), tape), step(plain)
    generator = torch.Generator().manual_seed(0)
    batches = [(torch.rand(2, 3, generator=generator), torch.rand(2, 3, generator=generator)) for _ in range(8)]
    given = [replayed(*batch)["loss"] for batch in batches]
    expected = [reference(*batch)["loss"] for batch in batches]
    # Compared at the end: a later call must not write over what an earlier one gave.
    assert [float(loss) for loss in given] == [float(loss) for loss in expected]
    assert float(state) == float(plain)
    assert tape.log == ["aside"] * WARM_UP + ["record"] + ["replay"] * (8 - WARM_UP)


def test_a_batch_of_another_shape_is_refused():
    replayed = Replayed(lambda images, holes: {"loss": images.sum()}, Tape(torch.zeros(())))
    for _ in range(WARM_UP + 1):
        replayed(torch.ones(2, 3), torch.ones(2, 3))
    with pytest.raises(RuntimeError, match="size"):
        replayed(torch.ones(3, 3), torch.ones(3, 3))


def test_on_a_gpu_a_call_aside_waits_for_what_came_before_and_what_follows_waits_for_it(monkeypatch):
    log: list[object] = []

    class Stream:
        def __init__(self, name: str = "own") -> None:
            self.name = name

        def wait_stream(self, other: Stream) -> None:
            log.append(f"{self.name} waits for {other.name}")

    class Graph:
        def replay(self) -> None:
            log.append("replayed")

    @contextlib.contextmanager
    def within(*what, **how):
        log.append((*[getattr(one, "name", type(one).__name__) for one in what], *how.items()))
        yield
        log.append("left")

    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: Stream("current"))
    monkeypatch.setattr(torch.cuda, "stream", within)
    monkeypatch.setattr(torch.cuda, "graph", within)
    tape = CudaTape()
    assert tape.aside(lambda: log.append("called") or 3) == 3
    assert log == ["own waits for current", ("own",), "called", "left", "current waits for own"]
    log.clear()
    assert tape.record(lambda: log.append("called") or 4) == 4
    tape.replay()
    recording = ("Graph", ("stream", tape.stream), ("capture_error_mode", "thread_local"))
    assert log == [recording, "called", "left", "replayed"]
