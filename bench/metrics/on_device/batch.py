"""Cards of pictures of one size on a torch device, and what the device found of them, brought back at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from bench.metrics.card import Card, ScoringContext
from bench.metrics.on_device.figures import figures
from bench.metrics.on_device.hand_over import hand_over
from bench.metrics.registry import Metric

CHUNK_PIXELS = 1 << 21
"""Of fills that lie on the device at once; a pixel takes some 500 bytes there while its figures are made."""

Kept = TypeVar("Kept")


@dataclass
class Batch:
    """K fills of P pictures of one size, on a device.

    truth uint8 (P, H, W, 3); hole bool (P, H, W); filled uint8 (K, H, W, 3); owner int64 (K,): each fill's picture.
    raw float32 (R, H, W, 3), of the fills that have one, whose places are raw_of, int64 (R,).
    ``kept``: what several metrics share, by the key of whoever computed it.
    """

    truth: Tensor
    hole: Tensor
    filled: Tensor
    owner: Tensor
    raw: Tensor
    raw_of: Tensor
    kept: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, groups: Sequence[Sequence[Card]], device: str) -> Batch:
        """The cards of each picture, on the device."""
        cards = [card for group in groups for card in group]
        raws = [(place, card.raw) for place, card in enumerate(cards) if card.raw is not None]
        shape = (0, *cards[0].filled.shape)

        def there(arrays: Any, dtype: type) -> Tensor:
            return torch.from_numpy(np.asarray(arrays, dtype)).to(device)

        return cls(
            truth=there(np.stack([group[0].truth.picture for group in groups]), np.uint8),
            hole=there(np.stack([group[0].hole.mask for group in groups]), np.bool_),
            filled=there(np.stack([card.filled for card in cards]), np.uint8),
            owner=there([place for place, group in enumerate(groups) for _ in group], np.int64),
            raw=there(np.stack([raw for _, raw in raws]) if raws else np.empty(shape), np.float32),
            raw_of=there([place for place, _ in raws], np.int64),
        )

    def once(self, key: Any, compute: Callable[[], Kept]) -> Kept:
        """What ``compute`` gives, computed at the first asking for ``key``."""
        if key not in self.kept:
            self.kept[key] = compute()
        return self.kept[key]


def measure(groups: Sequence[Sequence[Card]], learned: Sequence[Metric], context: ScoringContext) -> None:
    """Let every card, grouped by picture and all of one size, know its sums, and its value of each learned metric.

    learned: batched metrics that have an ``on_device``. Nothing is read from the device but the one table at the end.
    """
    groups = [group for group in groups if group]
    if not groups:
        return
    with torch.inference_mode():
        found: list[dict[str, Tensor]] = []
        for chunk in chunks(groups):
            batch = Batch.of(chunk, context.device)
            values = figures(batch, context.protocol)
            values.update({f"metric {entry.name}": on_device(entry, batch, context)[:, None] for entry in learned})
            found.append(values)
        table = torch.cat([torch.cat([part.double() for part in values.values()], dim=1) for values in found])
    rows = fetch(table)
    ends = np.cumsum([part.shape[1] for part in found[0].values()])[:-1]
    for card, row in zip((card for group in groups for card in group), rows, strict=True):
        named = dict(zip(found[0], np.split(row, ends), strict=True))
        hand_over(card, named)
        for entry in learned:
            card.keep(entry.compute, float(named[f"metric {entry.name}"][0]))


def on_device(entry: Metric, batch: Batch, context: ScoringContext) -> Tensor:
    assert entry.on_device is not None
    return entry.on_device(batch, context)


def fetch(table: Tensor) -> np.ndarray:
    """The one transfer."""
    return table.cpu().numpy()


def chunks(groups: Sequence[Sequence[Card]]) -> Iterator[list[Sequence[Card]]]:
    """Whole pictures with their fills, as many as the device is asked to hold at once, one at least."""
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
