"""Learned metrics of many pictures at once on a torch device, brought back in one transfer.

Everything else is computed by the plain card on the processor: each formula stands once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from bench.metrics.card import Card, ScoringContext
from bench.metrics.declaration import Metric, computed

CHUNK_PIXELS = 1 << 22
"""Of fills that lie on the device at once; LPIPS takes some 200 bytes a pixel there with AlexNet, 1,300 with VGG-16."""

Kept = TypeVar("Kept")


@dataclass
class Batch:
    """K fills of P pictures of one size, on a device.

    truth uint8 (P, H, W, 3); hole bool (P, H, W); filled uint8 (K, H, W, 3); owner int64 (K,): each fill's picture.
    ``kept``: what several metrics share, by the key of whoever computed it.
    """

    truth: Tensor
    hole: Tensor
    filled: Tensor
    owner: Tensor
    kept: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, groups: Sequence[Sequence[Card]], device: str) -> Batch:
        """The cards of each picture, on the device."""
        owner = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
        return cls(
            truth=_send([group[0].truth.picture for group in groups], device),
            hole=_send([group[0].hole.mask for group in groups], device),
            filled=_send([card.filled for group in groups for card in group], device),
            owner=_send(owner.tolist(), device),
        )

    def once(self, key: Any, compute: Callable[[], Kept]) -> Kept:
        """What ``compute`` gives, computed at the first asking for ``key``."""
        if key not in self.kept:
            self.kept[key] = compute()
        return self.kept[key]


def _send(arrays: Sequence[Any], device: str) -> Tensor:
    """Arrays of one shape and type, stacked, on the device: by way of pinned memory, so that nothing waits."""
    first = torch.as_tensor(arrays[0])
    pinned = device.partition(":")[0] == "cuda"
    staged = torch.empty((len(arrays), *first.shape), dtype=first.dtype, pin_memory=pinned)
    np.stack(arrays, out=staged.numpy())
    return staged.to(device, non_blocking=True)


def begin(groups: Sequence[Sequence[Card]], learned: Sequence[Metric], context: ScoringContext) -> Callable[[], None]:
    """Have the device compute each learned metric of every card, grouped by picture and all of one size.

    learned: batched metrics that have an ``on_device``. On a GPU this returns while it computes; the function returned
    waits for the one table and lets each card know its values.

    >>> from bench.metrics.card import Hole, Truth
    >>> card = Card(Truth(np.zeros((1, 1, 3), np.uint8)), Hole(np.ones((1, 1), bool)), np.full((1, 1, 3), 5, np.uint8))
    >>> red = Metric("red", batched=True, compute=len, on_device=lambda batch, context: batch.filled[:, 0, 0, 0])
    >>> begin([[card]], [red], ScoringContext())()
    >>> card.once(len)  # known from the device, so len is not asked
    5.0
    """
    groups = [group for group in groups if group]
    if not groups or not learned:
        return lambda: None
    with torch.inference_mode():
        found = [_values(Batch.of(chunk, context.device), learned, context) for chunk in chunks(groups)]
        table = torch.cat(found)

    def finish() -> None:
        rows = fetch(table)
        for card, row in zip((card for group in groups for card in group), rows, strict=True):
            for entry, value in zip(learned, row.tolist(), strict=True):
                card.keep(computed(entry), value)

    return finish


def _values(batch: Batch, learned: Sequence[Metric], context: ScoringContext) -> Tensor:
    """float64 (K, learned)."""
    columns = [entry.on_device(batch, context) for entry in learned if entry.on_device is not None]
    return torch.stack([column.double() for column in columns], dim=1)


def fetch(table: Tensor) -> np.ndarray:
    """The one transfer.

    >>> fetch(torch.tensor([[0.5, 2.0]])).tolist()
    [[0.5, 2.0]]
    """
    return table.cpu().numpy()


def chunks(groups: Sequence[Sequence[Card]]) -> Iterator[list[Sequence[Card]]]:
    """Whole pictures with their fills, as many as the device is asked to hold at once, one at least.

    >>> from bench.metrics.card import Hole, Truth
    >>> black = np.broadcast_to(np.uint8(0), (1024, 1024, 3))
    >>> card = Card(Truth(black), Hole(black[..., 0] > 0), black)
    >>> [len(chunk) for chunk in chunks([[card]] * 5)]  # 4 times 1024 x 1024 pixels are CHUNK_PIXELS
    [4, 1]
    """
    chunk: list[Sequence[Card]] = []
    pixels = 0
    for group in groups:
        more = len(group) * group[0].hole.mask.size
        if chunk and pixels + more > CHUNK_PIXELS:
            yield chunk
            chunk, pixels = [], 0
        chunk.append(group)
        pixels += more
    yield chunk
