"""The runner: methods × data sets × mask types × pictures, filled, rounded to 8 bits, scored, recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from bench.datasets.registry import Dataset
from bench.metrics.scorer import Scorer
from bench.profiles.profile import Profile
from bench.runs.manifest import VariantEntry
from bench.runs.records import failures, record_file, up_to_date, write_records
from bench.set_metrics import store as set_store
from bench.set_metrics.registry import split_names
from bench.set_metrics.scorer import ENOUGH, Cell, SetScorer
from bench.stages.context import Context
from bench.stages.outcome import Outcome, known_changed
from bench.suites.suite import Suite
from bench.util.files import write_bytes
from bench.util.levels import composite, png, to_levels
from bench.util.precision import matmul_precision
from bench.util.progress import Reporter, say
from variants.method import Method, tell_apart

BATCH = 8


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
    among: Iterable[tuple[str, int]] = (),
    report: Callable[[str, int], None] = lambda text, pictures: None,
) -> Outcome:
    """Score every method on the suite into ``run``; records that are there for the same facts are kept.

    facts: what all records depend on (suite, protocol, metric versions). sets: scores of whole sets, taken on the
    way; where it has no weights, values of earlier fills are dropped. restore_known: known pixels come from the
    truth (the default); otherwise fills are scored as they are. predictions: where to save the filled pictures as
    ``<variant>/<mask>/<id>.png``. among: (name, seed) of all that the run holds. report(text, n): n more
    pictures were done.
    """
    tell_apart(methods, among)
    for method in methods:
        method.suite_seed = suite.seed
    outcome = Outcome()
    wanted = sets if sets is not None and sets.ready else None
    for dataset in suite.datasets:
        for mask in suite.masks:
            waiting = []
            for method in methods:
                file = record_file(run, method.name, method.seed, dataset.name, mask)
                own = {**facts, "weights": method.weights_sha256, "restore_known": restore_known}
                if method.convention:
                    own["convention"] = method.convention
                whole = set_store.set_file(run, method.name, method.seed, dataset.name, mask)
                kept = predictions is None and is_known(method) and up_to_date(file, own)
                if kept and wanted:
                    kept = set_store.up_to_date(whole, wanted.facts(own))
                if kept:
                    for image_id, why in failures(file):
                        outcome.note_failure(method, mask, image_id, why)
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
                    set_store.write_set(whole, identity | cell.scores(place), wanted.facts(own))
                else:
                    whole.unlink(missing_ok=True)
    for method in methods:
        outcome.note_findings(method)
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
                raw[place] if method.gives_raw or not np.isfinite(raw[place]).all() else to_levels(raw[place])
                for method, raw in zip(methods, raws, strict=True)
            ]
            for place in range(len(ids))
        ]
        keys = [f"{dataset.name}/{image_id}" for image_id in ids]
        found = scorer.score_batch(keys, list(images), list(holes), list(zip(*fills, strict=True)), visible)
        for place, (image_id, image, hole) in enumerate(zip(ids, images, holes, strict=True)):
            for method, own, score, seen in zip(methods, rows, found[place], visible[place], strict=True):
                if not score["failed"] and not method.gives_raw and known_changed(image, hole, seen):
                    outcome.drifted[method.label] += 1
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
    for method, own in zip(methods, rows, strict=True):
        failed = [row for row in own if row["failed"]]
        told = method.findings().problems if failed else {}
        for row in failed:
            row["failed"] = told.get((mask, row["image_id"]), row["failed"])
            outcome.note_failure(method, mask, row["image_id"], row["failed"])
    return rows


def save_predictions(folder: Path, ids: Sequence[str], fills: np.ndarray, raws: np.ndarray) -> None:
    for image_id, filled, raw in zip(ids, fills, raws, strict=True):
        if np.isfinite(raw).all():
            write_bytes(folder / f"{image_id}.png", png(filled))


def open_scorers(profile: Profile, weights_dir: Path | None, device: str) -> tuple[Scorer, SetScorer]:
    """The scorers of pictures and of sets for the profile's metrics, every one where it names none."""
    single, whole = split_names(profile.metrics)
    every = not profile.metrics
    scorer = Scorer(None if every else single, protocol=profile.protocol, weights_dir=weights_dir, device=device)
    return scorer, SetScorer(None if every else whole, weights_dir=weights_dir, device=device)


def score_methods(
    context: Context,
    scorer: Scorer,
    sets: SetScorer,
    *,
    restore_known: bool = True,
    predictions: Path | None = None,
) -> Outcome:
    """Evaluate into the run, with progress; the manifest learns of methods, metrics and what is missing."""
    writer, methods, suite = context.writer, context.methods, context.suite
    manifest = writer.manifest
    facts = {
        "suite": manifest.suite,
        "protocol": str(scorer.protocol),
        "precision": manifest.precision,
        "metrics": {name: entry.version for name, entry in scorer.metrics.items() if name not in scorer.missing},
    }
    known = {(entry.name, entry.seed): entry for entry in manifest.variants}
    known.update({(method.name, method.seed): describe_method(method) for method in methods})
    writer.update(variants=list(known.values()), metrics={**scorer.metrics, **sets.metrics})
    with writer.stage("evaluate"), Reporter("score") as reporter:
        total = len(methods) * len(suite.masks) * sum(len(d) for d in suite.datasets)
        done = 0

        def report(text: str, pictures: int) -> None:
            nonlocal done
            done += pictures
            reporter.update("pictures", done, total, text)

        if sets.ready and sets.device == "cpu":
            most = total + sum(len(dataset) for dataset in suite.datasets)
            say(
                f"note: {', '.join(sets.metrics)} want up to {most:,} pictures looked at by Inception, about a quarter "
                "of a second each on a processor core; --metrics without them leaves that out"
            )
        # Else a GPU convolves in TF32, and fills differ from a CPU's by a level here and there.
        with matmul_precision("fp32"):
            outcome = evaluate(
                methods, suite, scorer, writer.path, facts, sets=sets,
                restore_known=restore_known, predictions=predictions, among=known, report=report,
            )  # fmt: skip
    for (label, mask, why), count in sorted(outcome.failed.items()):
        writer.note(f"{label}: {count} fills of {mask} could not be scored ({why}); they are in no mean")
    for text in outcome.notes:
        writer.note(text)
    missing = {**scorer.missing, **sets.missing}
    for why in dict.fromkeys(missing.values()):
        names = [name for name in missing if missing[name] == why]
        writer.note(
            f"the {'column' if len(names) == 1 else 'columns'} {', '.join(names)} "
            f"{'is' if len(names) == 1 else 'are'} empty: {why}"
        )
    if sets.ready:
        note_small_sets(writer, suite, list(sets.metrics))
    writer.update(missing=missing)
    return outcome


def note_small_sets(writer: Any, suite: Suite, names: Sequence[str]) -> None:
    few = [f"{dataset.name} {len(dataset):,}" for dataset in suite.datasets if len(dataset) < ENOUGH]
    if few:
        writer.note(
            f"{', '.join(names)} are of fewer than {ENOUGH:,} pictures ({', '.join(few)}): FID comes out too high, and "
            "a linear classifier tells so few fills from truths whatever they look like, so compare these values only "
            "at the same count"
        )


def describe_method(method: Method) -> VariantEntry:
    """What run.json says of a method."""
    return VariantEntry(**{key.name: getattr(method, key.name) for key in fields(VariantEntry)})
