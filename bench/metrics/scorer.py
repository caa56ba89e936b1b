"""Scoring: one call a (picture, hole), or a batch of them, with the fills of several methods."""

from __future__ import annotations

import math
import numbers
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bench.metrics.card import Card, Hole, ScoringContext, Truth
from bench.metrics.declaration import Metric, computed
from bench.metrics.drift import NEEDS_RAW, drift
from bench.metrics.protocol import find_protocol
from bench.metrics.registry import metric
from bench.metrics.why_empty import why_empty
from variants.plugins import an, reason

KEPT_PIXELS = 32 * 256 * 256
"""How many pixels of truths are kept with their maps (45 bytes of maps a pixel, and what learned metrics keep)."""

Row = dict[str, Any]
"""Every metric's value by name (float64, NaN where it does not apply) and ``failed``: empty, or why."""


@dataclass
class Found:
    """valued: columns that got a value. reasons: column -> why fills got none, a sentence each, the latest last.
    given_up: column of a plug-in -> why it is computed no more."""

    valued: set[str] = field(default_factory=set)
    reasons: dict[str, list[str]] = field(default_factory=dict)
    given_up: dict[str, str] = field(default_factory=dict)

    def note_reason(self, name: str, why: str) -> None:
        """Why a fill got no value in a column."""
        told = self.reasons.setdefault(name, [])
        if why in told:
            told.remove(why)
        told.append(why)


class Scorer:
    """Scores fills by the metrics asked for (None: every registered one).

    protocol: a preset of :mod:`bench.metrics.protocol`. weights_dir: searched first for LPIPS backbones. device: the
    torch device that learned metrics run on, on a GPU many pictures at once. Raises UnknownName for a wrong metric or
    protocol.

    ``metrics``: what each column means, by name. ``missing``: column -> one sentence why it is empty so far.
    ``partly``: column with values -> why some fills have none.
    """

    def __init__(
        self,
        metrics: Sequence[str] | None = None,
        *,
        protocol: str = "native",
        weights_dir: Path | None = None,
        device: str = "cpu",
    ) -> None:
        self.protocol = find_protocol(protocol)
        entries = metric.all() if metrics is None else {name: metric.get(name) for name in dict.fromkeys(metrics)}
        self.context = ScoringContext(weights_dir, device, self.protocol)
        if metrics is None:
            entries = {n: e for n, e in entries.items() if e.left_out is None or not e.left_out(self.context)}
        self.metrics = {name: entry.under(protocol) for name, entry in entries.items()}
        # Not of every device: some cannot compute in float64, in which distances are averaged.
        self.batches = device.partition(":")[0] == "cuda"
        self._unavailable: dict[str, str] = {}
        for name, entry in self.metrics.items():
            why = entry.unavailable(self.context) if entry.unavailable else None
            if why:
                self._unavailable[name] = why
        available = {name: entry for name, entry in self.metrics.items() if name not in self._unavailable}
        self._single = [entry for entry in available.values() if not entry.batched]
        self._batched = [entry for entry in available.values() if entry.batched]
        self._available = list(available)
        self._plugins = {name: source for name in available if (source := metric.plugin(name)) is not None}
        self._found = Found()
        self._given_up: set[str] = set()
        self._truths: OrderedDict[str, Truth] = OrderedDict()

    @property
    def missing(self) -> dict[str, str]:
        """Column -> one sentence why it stays empty; columns that got a value since are not listed."""
        late = {name: told[-1] for name, told in self._found.reasons.items() if name not in self._found.valued}
        return {**self._unavailable, **late, **self._found.given_up}

    @property
    def partly(self) -> dict[str, list[str]]:
        """Column that has values -> why some fills got none, sentences in alphabetical order."""
        found = {}
        for name in sorted(self._found.valued - self._found.given_up.keys()):
            # Of methods without raw outputs no fill has a value, so that is no reason for some of them.
            found[name] = sorted(set(self._found.reasons.get(name, ())) - {NEEDS_RAW})
        return {name: told for name, told in found.items() if told}

    def has_values(self, name: str) -> bool:
        """Whether a column got a value so far.

        >>> scorer, grey = Scorer(["psnr_hole"]), np.full((8, 8, 3), 90, np.uint8)
        >>> before = scorer.has_values("psnr_hole")
        >>> rows = scorer.score("a", grey, np.eye(8, dtype=bool), [grey])
        >>> before, scorer.has_values("psnr_hole")
        (False, True)
        """
        return name in self._found.valued

    def take_found(self) -> Found:
        """Which columns got values since the last call, and why the others did not; forgotten here."""
        taken, self._found = self._found, Found()
        return taken

    def add_found(self, other: Found) -> None:
        """Take in what another scorer of the same metrics found, or this one before."""
        self._found.valued |= other.valued
        for name, told in other.reasons.items():
            for why in told:
                self._found.note_reason(name, why)
        self._found.given_up.update(other.given_up)

    def score(
        self,
        key: str,
        truth: np.ndarray,
        hole: np.ndarray,
        fills: Sequence[np.ndarray],
        raws: Sequence[np.ndarray | None] | None = None,
    ) -> list[Row]:
        """One row a fill, in order.

        key: names the picture; what depends on it alone is kept from call to call. truth: uint8 (H, W, 3).
        hole: bool (H, W). fills: uint8 (H, W, 3) each. raws: float32 (H, W, 3) in [0, 1], what was put out; uint8, a
        finished picture as it came; or None, each.
        A fill that cannot be scored (NaN or infinite raw, wrong size) gets NaN throughout and ``failed``
        says why. Raises ValueError where truth or hole are not of these kinds.

        >>> truth = np.zeros((8, 8, 3), np.uint8)
        >>> rows = Scorer(["l1_hole"]).score("a", truth, np.eye(8, dtype=bool), [truth, truth + np.uint8(51)])
        >>> [round(row["l1_hole"], 3) for row in rows]  # 51 of 255 levels
        [0.0, 0.2]
        """
        rows, scored = self._cards(key, truth, hole, fills, raws)
        self._compute_batched(self._compute_single(scored))
        return rows

    def score_batch(
        self,
        keys: Sequence[str],
        truths: Sequence[np.ndarray],
        holes: Sequence[np.ndarray],
        fills: Sequence[Sequence[np.ndarray]],
        raws: Sequence[Sequence[np.ndarray | None]] | None = None,
    ) -> list[list[Row]]:
        """The rows of :meth:`score` for several pictures; ``fills`` and ``raws`` are lists of its own for each.

        On a GPU learned metrics are computed there for all pictures of one size together, and agree with :meth:`score`
        to 1e-6; meanwhile each core of the processor takes a picture for everything else. Elsewhere picture by picture.
        """
        given = raws or [[None] * len(each) for each in fills]
        parts = list(zip(keys, truths, holes, fills, given, strict=True))
        if not self.batches:
            return [self.score(*part) for part in parts]
        from bench.metrics.on_device import begin

        found = [self._cards(*part) for part in parts]
        learned = [entry for entry in self._batched if entry.on_device]
        under_way = []
        for shape in dict.fromkeys(truth.shape for truth in truths):
            same = [scored for (_, scored), truth in zip(found, truths, strict=True) if truth.shape == shape]
            under_way.append(begin([[card for card, _ in scored] for scored in same], learned, self.context))
        whole = list(self._threads.map(self._compute_single, [scored for _, scored in found]))
        for finish in under_way:
            finish()
        for scored in whole:
            self._compute_batched(scored)
        return [rows for rows, _ in found]

    def _cards(
        self,
        key: str,
        truth: np.ndarray,
        hole: np.ndarray,
        fills: Sequence[np.ndarray],
        raws: Sequence[np.ndarray | None] | None,
    ) -> tuple[list[Row], list[tuple[Card, Row]]]:
        """A row a fill, and the cards of those fills that are of the right kind."""
        check(truth, hole)
        kept, cut = self._truth(key, truth), Hole(np.ascontiguousarray(hole))
        rows: list[Row] = []
        cards: list[tuple[Card, Row]] = []
        for filled, raw in zip(fills, raws or [None] * len(fills), strict=True):
            row: Row = dict.fromkeys(self.metrics, math.nan)
            rows.append(row)
            row["failed"] = misfit(truth, filled, raw)
            if not row["failed"]:
                came = raw is not None and raw.dtype == np.uint8
                own = _contiguous(raw, np.uint8 if came else np.float32)
                given = {"finished": own} if came else {"raw": own}
                card = Card(kept, cut, _contiguous(filled, np.uint8), protocol=self.protocol, **given)
                cards.append((card, row))
        return rows, cards

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        """Kept, as is what metrics keep by thread."""
        return ThreadPoolExecutor(thread_name_prefix="scorer")

    def _compute_single(self, cards: list[tuple[Card, Row]]) -> list[tuple[Card, Row]]:
        """Fill in what one picture's cards say each by itself; those that can be scored."""
        for card, row in cards:
            row["failed"] = _broken(card)
        scored = [(card, row) for card, row in cards if not row["failed"]]
        # Metric by metric, not card by card: what the cards share stays in the processor's cache.
        for entry in self._single:
            for card, row in scored:
                if not entry.needs_raw or card.raw is not None:
                    row[entry.name] = self._values(entry, [card])[0]
        return scored

    def _compute_batched(self, scored: list[tuple[Card, Row]]) -> None:
        """Fill in what is computed of one picture's cards together."""
        for entry in self._batched:
            chosen = [(card, row) for card, row in scored if not entry.needs_raw or card.raw is not None]
            if chosen:
                values = self._values(entry, [card for card, _ in chosen])
                for (_, row), value in zip(chosen, values, strict=True):
                    row[entry.name] = value
        if scored:
            self._note_empty(scored)

    def _values(self, entry: Metric, cards: list[Card]) -> list[float]:
        """One number a card. A plug-in's metric that fails, or gives anything else, is asked no more: the others go
        on, and ``missing`` says why."""
        if entry.name in self._given_up:
            return [math.nan] * len(cards)
        source = self._plugins.get(entry.name)
        if source is None:
            return [float(value) for value in _values_of(entry, cards, self.context)]
        try:
            values = list(_values_of(entry, cards, self.context))
            wrong = next((value for value in values if not isinstance(value, numbers.Real)), None)
            if wrong is None and len(values) == len(cards):
                return [float(value) for value in values]
            count = f"{len(values)} values of {len(cards)} picture{'s' * (len(cards) > 1)}"
            told = f"gave {count}" if wrong is None else f"gave {an(wrong)}, not a number"
        except (Exception, SystemExit) as error:
            told = f"failed: {reason(error)}"
        self._given_up.add(entry.name)
        self._found.given_up[entry.name] = f"{source.what}: the metric '{entry.name}' {told}"
        return [math.nan] * len(cards)

    def _note_empty(self, scored: list[tuple[Card, Row]]) -> None:
        """Keep which columns have values, and why fills have none."""
        for name in self._available:
            empty = [card for card, row in scored if not math.isfinite(row[name])]
            if len(empty) < len(scored):
                self._found.valued.add(name)
            for card in empty:
                self._found.note_reason(name, why_empty(self.metrics[name], card))

    def _truth(self, key: str, picture: np.ndarray) -> Truth:
        """The truth kept under ``key``, or a new one where the key is new or stood for another picture."""
        truth = self._truths.pop(key, None)
        if truth is None or not np.array_equal(truth.picture, picture):
            truth = Truth(np.ascontiguousarray(picture))
        self._truths[key] = truth
        pixels = sum(t.picture.size // 3 for t in self._truths.values())
        while pixels > KEPT_PIXELS and len(self._truths) > 1:
            _, oldest = self._truths.popitem(last=False)
            pixels -= oldest.picture.size // 3
        return truth


def _values_of(entry: Metric, cards: list[Card], context: ScoringContext) -> Sequence[Any]:
    """A metric of one picture's cards, as it came."""
    return learned_values(entry, cards, context) if entry.batched else [computed(entry)(card) for card in cards]


def learned_values(entry: Metric, cards: list[Card], context: ScoringContext) -> Sequence[float]:
    """A batched metric of one picture's cards, which may know it already.

    >>> black, hole = np.zeros((1, 2, 3), np.uint8), np.array([[False, True]])
    >>> known, new = (Card(Truth(black), Hole(hole), black) for _ in range(2))
    >>> learned = Metric("learned", batched=True, compute=lambda cards, context: [0.5] * len(cards))
    >>> known.keep(learned.compute, 0.25)
    >>> [learned_values(learned, [card], ScoringContext()) for card in (known, new)]
    [[0.25], [0.5]]
    """
    compute = computed(entry)
    if all(card.has(compute) for card in cards):
        return [card.once(compute) for card in cards]
    return compute(cards, context)


def check(truth: np.ndarray, hole: np.ndarray) -> None:
    """Raises ValueError unless truth is uint8 (H, W, 3) and hole bool (H, W).

    >>> check(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), bool))
    >>> check(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 3), bool))
    Traceback (most recent call last):
    ValueError: hole must be bool (2, 2), got bool (2, 3)
    """
    if truth.dtype != np.uint8 or truth.ndim != 3 or truth.shape[2] != 3 or not truth.size:
        raise ValueError(f"truth must be uint8 (H, W, 3), got {truth.dtype} {truth.shape}")
    if hole.dtype != np.bool_ or hole.shape != truth.shape[:2]:
        raise ValueError(f"hole must be bool {truth.shape[:2]}, got {hole.dtype} {hole.shape}")


def misfit(truth: np.ndarray, filled: np.ndarray, raw: np.ndarray | None) -> str:
    """Why these arrays are no fill of this picture, in a sentence; empty if they are.

    >>> misfit(np.zeros((4, 4, 3)), np.zeros((4, 6, 3), np.uint8), None)
    'the fill is 4 x 6 x 3, the picture 4 x 4 x 3'
    """
    if filled.dtype != np.uint8:
        return f"the fill is {filled.dtype}, not 8-bit"
    if filled.shape != truth.shape:
        return f"the fill is {size(filled)}, the picture {size(truth)}"
    if raw is not None and raw.shape != truth.shape:
        return f"the raw output is {size(raw)}, the picture {size(truth)}"
    return ""


def _broken(card: Card) -> str:
    """Why the raw output cannot be scored, in a sentence; empty if it can."""
    drifted = drift(card)
    if card.raw is None or drifted is None or math.isfinite(drifted.absolute):
        return ""
    bad = np.count_nonzero(~np.isfinite(card.raw).all(axis=2))
    return f"the raw output holds NaN or infinite values in {bad} of {card.hole.mask.size} pixels"


def _contiguous(picture: np.ndarray | None, dtype: type) -> Any:
    """A C-contiguous copy of that type where it is not one already; None stays None."""
    return None if picture is None else np.ascontiguousarray(picture, dtype)


def size(picture: np.ndarray) -> str:
    """The shape, to be read.

    >>> size(np.zeros((4, 6, 3)))
    '4 x 6 x 3'
    """
    return " x ".join(str(side) for side in picture.shape)
