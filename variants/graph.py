"""A step recorded once and replayed: on a GPU, one launch in place of several hundred."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

WARM_UP = 3
"""Steps before the recording, in which memory, algorithms and compiled code settle."""

Compute = Callable[[Tensor, Tensor], dict[str, Tensor]]


class Tape(Protocol):
    """What records a call and repeats it."""

    def aside(self, call: Callable[[], Any]) -> Any:
        """Run a call as it is, where it may later be recorded."""

    def record(self, call: Callable[[], Any]) -> Any:
        """Note what a call would do, without doing it; returns the tensors that it would give."""

    def replay(self) -> None:
        """Do what was recorded, into the tensors that :meth:`record` returned."""


class CudaTape(Tape):
    """A CUDA graph."""

    def __init__(self) -> None:
        self.stream = torch.cuda.Stream()
        self.graph = torch.cuda.CUDAGraph()

    def aside(self, call: Callable[[], Any]) -> Any:
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            result = call()
        torch.cuda.current_stream().wait_stream(self.stream)
        return result

    def record(self, call: Callable[[], Any]) -> Any:
        # Another thread prepares the next batch meanwhile and pins its memory, which would else end the recording.
        with torch.cuda.graph(self.graph, stream=self.stream, capture_error_mode="thread_local"):
            return call()

    def replay(self) -> None:
        self.graph.replay()


class Replayed:
    """``compute`` on a tape: the same losses and the same changes to all that it reaches, from its fourth call on
    by replay. Every call takes tensors of the first one's shapes and types.

    What ``compute`` does on the host is done while recording and not again: it must not depend on the step.
    """

    def __init__(self, compute: Compute, tape: Tape) -> None:
        self.compute, self.tape = compute, tape
        self.calls = 0

    def __call__(self, images: Tensor, holes: Tensor) -> dict[str, Tensor]:
        self.calls += 1
        if self.calls <= WARM_UP:
            return self.tape.aside(lambda: self.compute(images, holes))
        if self.calls == WARM_UP + 1:
            self.inputs = (torch.empty_like(images), torch.empty_like(holes))
            self.losses = self.tape.record(lambda: self.compute(*self.inputs))
        for own, given in zip(self.inputs, (images, holes), strict=True):
            own.copy_(given)
        self.tape.replay()
        # The next replay writes over them.
        return {name: loss.clone() for name, loss in self.losses.items()}
