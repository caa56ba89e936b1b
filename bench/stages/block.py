"""What is done with a few pictures: loaded once, then under each mask type filled, rounded to 8 bits and scored."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.datasets.fingerprint import hole_digest, pair_key, picture_digest
from bench.metrics.scorer import Found, Row, Scorer
from bench.runs.records import CONTENT, DIVERSITY, IDENTITY
from bench.set_metrics.scorer import SetScorer
from bench.stages.outcome import known_changed
from bench.stages.several_fills import diversity
from bench.suites.suite import Batch, Suite, same_size
from bench.util.compositing import paste, png, to_levels
from bench.util.files import write_bytes
from variants.method import Method

Place = tuple[str, int]
"""A mask type, and a method's place among the methods: a column of the work on one data set."""

Fill = tuple[str, int, int]
"""A mask type, a method's place, and which of its samples."""

Report = Callable[[str, int], None]
"""Told what was just scored, in words, and how many fills more are done."""


TOGETHER = 24 * 2**20
"""Pixels of fills that are scored together."""


@dataclass(frozen=True)
class Task:
    """Pictures of one data set and what to score of them. dataset: its place in the suite. indices: positions in it.
    todo: mask type -> places of methods."""

    dataset: int
    indices: tuple[int, ...]
    todo: Mapping[str, tuple[int, ...]]


@dataclass
class Result:
    """What came of a task. rows: of the records, one a picture and sample. drifted: finished pictures whose known
    pixels were changed, by method. found: of columns without a value. truths, fills: features for set scores, in the
    order of the task's pictures, of first samples; empty where none are wanted."""

    rows: dict[Place, list[Row]] = field(default_factory=dict)
    drifted: Counter[int] = field(default_factory=Counter)
    found: Found = field(default_factory=Found)
    truths: list[np.ndarray] = field(default_factory=list)
    fills: dict[Place, list[np.ndarray]] = field(default_factory=dict)


@dataclass(frozen=True)
class Painted:
    """What a method put out for pictures of one size. levels: in 8 bits, uint8 (N, H, W, 3). seen: what scores see of
    each, float32 raw or a finished picture in 8 bits; not finite where there is none."""

    levels: np.ndarray
    seen: list[np.ndarray]


@dataclass
class Bench:
    """All that scoring a task takes. restore_known: known pixels come from the truth; else fills are scored as they
    are. sets: what looks at pictures for set scores, or None. predictions: where filled pictures (first samples) are
    saved as ``<variant>/<mask>/<id>.png``, or None."""

    methods: Sequence[Method]
    suite: Suite
    scorer: Scorer
    sets: SetScorer | None = None
    restore_known: bool = True
    predictions: Path | None = None

    @property
    def on_cpu(self) -> bool:
        """Whether pictures are looked at on the processor: no copy of this process may use a GPU."""
        return self.scorer.context.device == "cpu" and (self.sets is None or self.sets.device == "cpu")

    def fill_here(self, task: Task) -> dict[Fill, list[np.ndarray]]:
        """What the methods that only this process can use put out, in the order of the task's pictures."""
        found: dict[Fill, list[np.ndarray]] = {}
        dataset = self.suite.datasets[task.dataset]
        todo = {mask: [p for p in places if not self.methods[p].forks] for mask, places in task.todo.items()}
        if any(todo.values()):
            for indices, images in same_size(dataset, task.indices):
                for mask, places in todo.items():
                    part = self.suite.batch(dataset, mask, indices, images)
                    for place in places:
                        for sample in range(self.methods[place].samples):
                            filled = self._fill(place, part, mask, sample)
                            found.setdefault((mask, place, sample), []).extend(filled)
        return found

    def _paint(self, place: int, part: Batch, mask: str, sample: int) -> Painted:
        images, method = np.stack(part.images), self.methods[place]
        pictures = method.finished(images, part.ids, mask)
        if pictures is None:
            return painted(method, self._fill(place, part, mask, sample))
        nothing = np.full(images.shape[1:], np.nan, np.float32)
        levels = np.zeros_like(images)
        for own, picture in zip(levels, pictures, strict=True):
            own[:] = 0 if picture is None else picture
        seen = [nothing if picture is None else own for own, picture in zip(levels, pictures, strict=True)]
        return Painted(levels, seen)

    def _fill(self, place: int, part: Batch, mask: str, sample: int) -> np.ndarray:
        method = self.methods[place]
        method.sample = sample
        try:
            return method.fill(np.stack(part.images), np.stack(part.holes), part.ids, mask)
        finally:
            method.sample = 0

    def score(self, task: Task, report: Report, raws: Mapping[Fill, Sequence[np.ndarray]]) -> Result:
        """Score the task's pictures; ``report`` is told after each mask type. raws: of :meth:`fill_here`; all other
        methods fill here."""
        result = Result()
        dataset = self.suite.datasets[task.dataset]
        title = self.suite.titles[dataset.name]
        done = 0
        for indices, images in same_size(dataset, task.indices):
            these = slice(done, done + len(indices))
            done += len(indices)
            if self.sets is not None:
                result.truths.extend(self.sets.look(np.stack(images)))
            digests = [picture_digest(image) for image in images]
            for mask, places in task.todo.items():
                part = self.suite.batch(dataset, mask, indices, images)
                content = [pair_key(*pair) for pair in zip(digests, map(hole_digest, part.holes), strict=True)]
                drawn: dict[int, list[np.ndarray]] = {}
                for sample in range(max(self.methods[place].samples for place in places)):
                    own = [place for place in places if sample < self.methods[place].samples]
                    # A large picture's fills by all methods at once would take gigabytes.
                    most = max(1, TOGETHER // sum(image[..., 0].size for image in images))
                    for group in (own[start : start + most] for start in range(0, len(own), most)):
                        works = [
                            painted(self.methods[place], np.stack(raws[mask, place, sample][these]))
                            if (mask, place, sample) in raws
                            else self._paint(place, part, mask, sample)
                            for place in group
                        ]
                        self._score_mask(part, dataset.name, mask, group, works, sample, content, result)
                        for place, each in zip(group, works, strict=True):
                            if self.methods[place].samples > 1:
                                drawn.setdefault(place, []).append(each.levels)
                    report(f"{title} · {mask}", len(indices) * len(own))
                for place, samples in drawn.items():
                    note_diversity(result.rows[mask, place][-len(samples) * len(indices) :], part, samples)
        result.found = self.scorer.take_found()
        return result

    def _score_mask(
        self,
        part: Batch,
        dataset: str,
        mask: str,
        places: Sequence[int],
        works: Sequence[Painted],
        sample: int,
        content: Sequence[int],
        result: Result,
    ) -> None:
        """Score one sample of each method. works: what each put out."""
        methods = [self.methods[place] for place in places]
        images, holes = np.stack(part.images), np.stack(part.holes)
        fills = [paste(images, holes, own.levels) if self.restore_known else own.levels for own in works]
        seen = [own.seen for own in works]
        if self.predictions is not None and not sample:
            for method, filled, shown in zip(methods, fills, seen, strict=True):
                folder = self.predictions / folder_of(method, self.methods) / mask
                save_predictions(folder, part.ids, filled, shown)
        keys = [f"{dataset}/{image_id}" for image_id in part.ids]
        scores = self.scorer.score_batch(
            keys, part.images, part.holes, list(zip(*fills, strict=True)), list(zip(*seen, strict=True))
        )
        for column, (place, method) in enumerate(zip(places, methods, strict=True)):
            rows: list[Row] = []
            for k, (image_id, image, hole) in enumerate(zip(part.ids, part.images, part.holes, strict=True)):
                score = scores[k][column]
                if not score["failed"] and not method.gives_raw and known_changed(image, hole, seen[column][k]):
                    result.drifted[place] += 1
                own = (method.name, method.seed, dataset, mask, image_id, sample, float(hole.mean()))
                rows.append({**dict(zip(IDENTITY, own, strict=False)), **score, CONTENT: content[k]})
            if any(row["failed"] for row in rows):
                told = method.findings().problems
                for row in rows:
                    row["failed"] = row["failed"] and told.get((mask, row["image_id"]), row["failed"])
            result.rows.setdefault((mask, place), []).extend(rows)
        if self.sets is not None and not sample:
            looked = np.split(self.sets.look(np.concatenate(fills)), len(fills))
            for place, features in zip(places, looked, strict=True):
                result.fills.setdefault((mask, place), []).extend(features)


def note_diversity(rows: Sequence[Row], part: Batch, samples: Sequence[np.ndarray]) -> None:
    """Write into the rows of some pictures how much their samples differ; not a number where one of them failed.

    samples: each uint8 (N, H, W, 3), in the order of the pictures.
    """
    failed = {row["image_id"] for row in rows if row["failed"]}
    found = {
        image_id: math.nan if image_id in failed else diversity(np.stack([levels[k][hole] for levels in samples]))
        for k, (image_id, hole) in enumerate(zip(part.ids, part.holes, strict=True))
    }
    for row in rows:
        row[DIVERSITY] = found[row["image_id"]]


def painted(method: Method, raws: np.ndarray) -> Painted:
    """What a method put out, from its ``raw``, float32 (N, H, W, 3)."""
    levels = to_levels(raws)
    return Painted(levels, visible(method, raws, levels))


def visible(method: Method, raws: np.ndarray, levels: np.ndarray) -> list[np.ndarray]:
    """What scores see of a method's own output: finished pictures in 8 bits, unless they are not finite."""
    if method.gives_raw:
        return list(raws)
    return [own if np.isfinite(raw).all() else raw for raw, own in zip(raws, levels, strict=True)]


def folder_of(method: Method, methods: Sequence[Method]) -> str:
    """The folder of a method's saved fills: its name, with the seed where several of ``methods`` share the name."""
    several = sum(other.name == method.name for other in methods) > 1
    return f"{method.name}@{method.seed}" if several else method.name


def save_predictions(folder: Path, ids: Sequence[str], fills: np.ndarray, seen: Sequence[np.ndarray]) -> None:
    """Write each fill as ``ID.png``, as ``predictions:FOLDER`` reads them; one with NaN or infinity is left out."""
    for image_id, filled, own in zip(ids, fills, seen, strict=True):
        if np.isfinite(own).all():
            write_bytes(folder / f"{image_id}.png", png(filled))
