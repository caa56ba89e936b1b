"""The runner: methods × data sets × mask types × pictures, filled, rounded to 8 bits, scored, recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.datasets.registry import Dataset
from bench.files import write_bytes
from bench.metrics.scorer import Scorer
from bench.runs.records import failures, record_file, up_to_date, write_records
from bench.sets import files as set_files
from bench.sets.scorer import Cell, SetScorer
from bench.suites.suite import Suite
from variants.method import Method

BATCH = 8


@dataclass
class Outcome:
    """What an evaluation met on its way, kept records included. failed: (label, mask, reason) -> pictures. listed:
    label -> a line for each fill that failed and each file that is not as it should be. partial: some fill could not
    be scored."""

    failed: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    listed: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def partial(self) -> bool:
        return bool(self.failed)


def to_levels(raw: np.ndarray) -> np.ndarray:
    """raw in [0, 1] to 8 bits, rounded to nearest; what is outside is clipped, NaN becomes 0."""
    return np.rint(np.clip(np.nan_to_num(raw, nan=0.0), 0, 1) * 255).astype(np.uint8)


def composite(image: np.ndarray, hole: np.ndarray, raw: np.ndarray) -> np.ndarray:
    """The filled picture: ``image`` where known, ``raw`` in the hole, 8 bits. (…, H, W, 3) and (…, H, W)."""
    return np.where(hole[..., None], to_levels(raw), image)


def evaluate(
    methods: Sequence[Method],
    suite: Suite,
    scorer: Scorer,
    run: Path,
    facts: dict[str, Any],
    *,
    sets: SetScorer | None = None,
    restore_known: bool = True,
    predictions: Path | None = None,
    report: Callable[[str, int], None] = lambda text, pictures: None,
) -> Outcome:
    """Score every method on the suite into ``run``; records that are there for the same facts are kept.

    facts: what all records depend on (suite, protocol, metric versions). sets: scores of whole sets, taken on the
    way; where it has no weights, values of earlier fills are dropped. restore_known: known pixels come from the
    truth (the default); otherwise fills are scored as they are. predictions: where to save the filled pictures as
    ``<variant>/<mask>/<id>.png``. report(text, n): n more pictures were done.
    """
    outcome = Outcome()
    wanted = sets if sets is not None and sets.ready else None
    for dataset in suite.datasets:
        for mask in suite.masks:
            waiting = []
            for method in methods:
                file = record_file(run, method.name, method.seed, dataset.name, mask)
                own = {**facts, "weights": method.weights_sha256, "restore_known": restore_known}
                whole = set_files.set_file(run, method.name, method.seed, dataset.name, mask)
                kept = predictions is None and is_known(method) and up_to_date(file, own)
                if kept and wanted:
                    kept = set_files.up_to_date(whole, wanted.facts(own))
                if kept:
                    for image_id, why in failures(file):
                        note_failure(outcome, method, mask, image_id, why)
                    report("", len(dataset))
                else:
                    waiting.append((method, file, whole, own))
            if not waiting:
                continue
            cell = wanted.cell(dataset.name, len(waiting)) if wanted else None
            rows = score_cell(
                [method for method, *_ in waiting],
                suite,
                dataset,
                mask,
                scorer,
                restore_known,
                predictions,
                outcome,
                report,
                cell,
            )
            for place, (method, file, whole, own) in enumerate(waiting):
                write_records(file, rows[place], list(scorer.metrics), own)
                if wanted and cell:
                    identity = {"variant": method.name, "seed": method.seed, "dataset": dataset.name, "mask": mask}
                    set_files.write_set(whole, identity | cell.scores(place), wanted.facts(own))
                else:
                    whole.unlink(missing_ok=True)
    for method in methods:
        list_problems(method, outcome)
    return outcome


def is_known(method: Method) -> bool:
    """Its name and the digest of its weights say what it fills with: not so of a folder of pictures, or of a function
    whose code may have changed."""
    return method.gives_raw and (method.kind != "external" or bool(method.weights_sha256))


def score_cell(
    methods: Sequence[Method],
    suite: Suite,
    dataset: Dataset,
    mask: str,
    scorer: Scorer,
    restore_known: bool,
    predictions: Path | None,
    outcome: Outcome,
    report: Callable[[str, int], None],
    cell: Cell | None = None,
) -> list[list[dict[str, Any]]]:
    """The rows of every method on one data set and mask type; ``cell`` takes in what sets are scored by."""
    rows: list[list[dict[str, Any]]] = [[] for _ in methods]
    for part in suite.batches(dataset, mask, BATCH):
        ids, images, holes = part.ids, np.stack(part.images), np.stack(part.holes)
        raws, fills = [], []
        for method in methods:
            raw = method.fill(images, holes, ids, mask)
            raws.append(raw)
            fills.append(composite(images, holes, raw) if restore_known else to_levels(raw))
            if predictions is not None:
                save_predictions(predictions / method.name / mask, ids, fills[-1], raw)
            report(f"{method.label} · {dataset.name} · {mask}", len(ids))
        visible = [
            [
                raw[place] if method.gives_raw or not np.isfinite(raw[place]).all() else None
                for method, raw in zip(methods, raws, strict=True)
            ]
            for place in range(len(ids))
        ]
        keys = [f"{dataset.name}/{image_id}" for image_id in ids]
        found = scorer.score_batch(keys, list(images), list(holes), list(zip(*fills, strict=True)), visible)
        for place, (image_id, image, hole) in enumerate(zip(ids, images, holes, strict=True)):
            for method, own, score, raw in zip(methods, rows, found[place], raws, strict=True):
                if score["failed"]:
                    score["failed"] = getattr(method, "problems", {}).get((mask, image_id), score["failed"])
                    note_failure(outcome, method, mask, image_id, score["failed"])
                elif not method.gives_raw:
                    note_drift(method, mask, image_id, image, hole, raw[place], score)
                own.append(
                    {
                        "variant": method.name,
                        "seed": method.seed,
                        "dataset": dataset.name,
                        "mask": mask,
                        "image_id": image_id,
                        "hole_area": float(hole.mean()),
                        **score,
                    }
                )
        if cell is not None:
            cell.add(ids, images, fills, [[bool(row["failed"]) for row in own[-len(ids) :]] for own in rows])
    return rows


def note_failure(outcome: Outcome, method: Method, mask: str, image_id: str, why: str) -> None:
    outcome.failed[method.label, mask, why] += 1
    # What a method tells of itself is listed once it is done.
    if (mask, image_id) not in getattr(method, "problems", {}):
        outcome.listed.setdefault(method.label, []).append(f"{mask}/{image_id}: {why}")


def note_drift(
    method: Method,
    mask: str,
    image_id: str,
    image: np.ndarray,
    hole: np.ndarray,
    raw: np.ndarray,
    score: dict[str, Any],
) -> None:
    """Report known pixels that a finished picture changed; an untouched one has no drift to speak of."""
    changed = (to_levels(raw) != image).any(axis=-1) & ~hole
    if changed.any():
        error = np.abs(to_levels(raw).astype(np.int16) - image)[~hole]
        score["known_drift"] = float(error.mean())
        drifted = getattr(method, "drifted", None)
        if drifted is not None:
            drifted[mask, image_id] = int(changed.sum())


def save_predictions(folder: Path, ids: Sequence[str], fills: np.ndarray, raws: np.ndarray) -> None:
    for image_id, filled, raw in zip(ids, fills, raws, strict=True):
        if np.isfinite(raw).all():
            write_bytes(folder / f"{image_id}.png", png(filled))


def png(picture: np.ndarray) -> bytes:
    """A picture, uint8 (H, W, 3) or (H, W), as the bytes of a PNG file."""
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


def list_problems(method: Method, outcome: Outcome) -> None:
    """Finished pictures: name what was missing, extra, wrong-sized, unreadable, and known pixels changed."""
    problems: dict[tuple[str, str], str] = getattr(method, "problems", {})
    lines = [f"{mask}/{image_id}: {why}" for (mask, image_id), why in sorted(problems.items())]
    extra = getattr(method, "extra", None)
    if extra is not None:
        lines += [f"{name}: extra, belongs to no picture of the suite" for name in extra()]
    if lines:
        outcome.listed.setdefault(method.label, []).extend(lines)
    low, high = getattr(method, "outside", (0.0, 1.0))
    if (low, high) != (0.0, 1.0):
        outcome.notes.append(
            f"{method.label} put out values from {low:.3g} to {high:.3g}, which were clipped to [0, 1]: "
            "does it work in 0-255 or [-1, 1]?"
        )
    drifted = getattr(method, "drifted", {})
    if drifted:
        outcome.notes.append(
            f"{method.label} changed known pixels in {len(drifted)} pictures (column known_drift); "
            "they were restored from the truth before scoring unless --no-composite was given"
        )
