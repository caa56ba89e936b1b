"""A small network in Inception's place: these tests are of what is done with features, not of features."""

from __future__ import annotations

import pytest
import torch

from bench.set_metrics import scorer


class Small(torch.nn.Module):
    """Six features of 8-bit pictures (N, 3, H, W): means and spreads of the channels."""

    seen = 0

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor]:
        assert pictures.dtype == torch.uint8
        assert torch.backends.cudnn.enabled, "a GPU would convolve many times slower"
        Small.seen += len(pictures)
        values = pictures.float().flatten(2) / 255
        return (torch.cat([values.mean(2), values.std(2)], 1),)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> type[Small]:
    """Stands in for the weights, under the hash ``aaaa``; counts the pictures that it looked at."""
    Small.seen = 0
    monkeypatch.setattr(scorer, "load", lambda *_: Small())
    monkeypatch.setattr(scorer, "find", lambda *_: "file")
    monkeypatch.setattr(scorer, "sha256", lambda _: "aaaa")
    return Small
